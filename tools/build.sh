#!/usr/bin/env bash
# Installs what is missing, configures and builds the release preset. Arguments: targets (none = everything).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-dependencies.sh
if [[ ! -f build/release/build.ninja ]]; then
  echo "configuring build/release"
  mkdir -p build
  cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
fi
echo "building ${*:-everything} in build/release"
# Two jobs: a compile of the heaviest file takes about a gigabyte.
cmake --build build/release -j 2 ${@:+--target "$@"}
