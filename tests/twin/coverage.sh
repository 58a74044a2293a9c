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
# Verilator counts no lines of a package's functions: each module gets a copy of its own.
own_functions() {
  local sources modules=() packages=()
  read -ra sources <<< "$(sources_of "$1")"
  for source in "${sources[@]}"; do
    case $source in
      lint.vlt | common/*) ;;
      *_pkg.sv) packages+=("$source") ;;
      *) modules+=("$source") ;;
    esac
  done
  for module in "${modules[@]}"; do
    (cd "$work/rtl" && /usr/bin/python3 "$root/tests/twin/inline_packages.py" "$module" "${packages[@]}")
  done
}
failed=0
for block; do
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  own_functions "$block"
  build_block "$block" "$flags --coverage --coverage-max-width 4096"
  (cd "$work" && timeout 900 ./test -tc="$(test_of "$block")" > out 2>&1) || true
  verilator_coverage --write "$work/all.dat" "$work"/coverage*.dat > "$work/log"
  /usr/bin/python3 tests/twin/coverage.py "$block" "$work/all.dat" tests/twin/coverage.waivers "$list" || failed=1
done
exit $failed
