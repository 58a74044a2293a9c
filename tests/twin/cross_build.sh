#!/usr/bin/env bash
# Builds each block's RTL once more with Verilator's other optimisations (-O0, loops unrolled as it likes) and runs the
# random commands of `tiny` on it: what Verilator makes of the RTL must not depend on its flags. Arguments: blocks (none =
# all). Needs Verilator and a build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
work=$build/cross_build
[[ $# -gt 0 ]] || set -- $blocks
failed=0
for block; do
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  build_block "$block" "${flags/--unroll-count 1/-O0}"
  alike "$block" "at -O0" || failed=1
done
exit $failed
