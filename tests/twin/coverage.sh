#!/usr/bin/env bash
# Line and toggle coverage of each block's RTL by its random commands on `tiny`: at least 90 % of either, without those points
# that tests/twin/coverage.waivers names with their reason. Arguments: blocks (none = all). -v lists what was not covered.
# Needs Verilator and a build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
work=$build/coverage
list=0
[[ ${1:-} != -v ]] || { list=1; shift; }
[[ $# -gt 0 ]] || set -- $blocks
failed=0
for block; do
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  build_block "$block" "$flags --coverage-line --coverage-toggle --coverage-max-width 4096"
  (cd "$work" && timeout 900 ./test -tc="$(test_of "$block")" > out 2>&1) || true
  verilator_coverage --write "$work/all.dat" "$work"/coverage*.dat > "$work/log"
  /usr/bin/python3 tests/twin/coverage.py "$block" "$work/all.dat" tests/twin/coverage.waivers "$list" || failed=1
done
exit $failed
