#!/usr/bin/env bash
# Runs each block's random commands of `tiny` on the plain Verilog that yosys is given in its place (plain_verilog.py): gate
# counts and proofs are of the RTL that the twins check. Arguments: blocks (none = all). Needs Verilator, python3 and a
# build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
source tests/twin/plain.sh
work=$build/plain_build
[[ $# -gt 0 ]] || set -- $blocks
failed=0
for block; do
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  plain_verilog "$block" "" "$work/plain.v"
  cp "$work/plain.v" "$work/rtl/$block/$block.sv"
  build_block "$block" "-fno-dfg -fno-gate --unroll-count 1"
  alike "$block" "as plain Verilog" || failed=1
done
exit $failed
