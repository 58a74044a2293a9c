#!/usr/bin/env bash
# Builds everything and runs the tests. --full adds those labelled slow, and runs the others once more in a build with
# AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-} in
  "") selection=(-LE slow) ;;
  --full) selection=(); tools/install-dependencies.sh synthesis ;;
  *) echo "usage: ./test.sh [--full]" >&2; exit 2 ;;
esac

tools/build.sh release
ctest --test-dir build/release -j 2 --output-on-failure "${selection[@]}"
[[ ${1:-} == --full ]] || exit 0

echo
echo "the same under sanitizers"
tools/build.sh asan
# SystemC keeps its kernel objects to the end of the process: no leak check.
ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build/asan -j 2 --output-on-failure -LE slow
