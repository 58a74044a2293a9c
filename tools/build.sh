#!/usr/bin/env bash
# Installs what is missing, configures and builds a preset. Arguments: the preset, then targets (none = everything).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
tools/install-dependencies.sh
if [[ ! -f build/$preset/build.ninja ]]; then
  echo "configuring build/$preset"
  mkdir -p build
  cmake --preset "$preset" >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
fi
echo "building ${*:-everything} in build/$preset"
# Two jobs: a compile of the heaviest file takes about a gigabyte.
cmake --build "build/$preset" -j 2 ${@:+--target "$@"}
