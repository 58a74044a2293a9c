#!/usr/bin/env bash
# Builds everything and runs the tests. --full adds those labelled slow.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in
  "") selection=(-LE slow) ;;
  --full) selection=() ;;
  *) echo "usage: ./test.sh [--full]" >&2; exit 2 ;;
esac

tools/build.sh
ctest --test-dir build/release -j 2 --output-on-failure "${selection[@]}"
