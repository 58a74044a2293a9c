#!/usr/bin/env bash
# Bounded proofs of small instances of RTL blocks: the properties of tests/twin/proofs/BLOCK.sv hold for every input sequence
# of so many cycles from reset, the state that the file names as reached is reached, and a planted fault (tests/twin/faults)
# is found. yosys makes the netlist, abc's bmc3 searches it. Arguments: blocks (none = all with a proof). Needs yosys with
# abc, Verilator and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
source tests/twin/plain.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

parameters_of() {
  case $1 in
    buffer_manager) echo "Buffers=2 Lanes=1 Operands=2 Bits=3 CountBits=2" ;;
  esac
}
cycles_of() {
  case $1 in
    buffer_manager) echo "${CYCLES:-6}" ;;
  esac
}
faults_of() {
  case $1 in
    buffer_manager) echo "depth_one_more push_not_seen_in_cycle" ;;
  esac
}

# searched BLOCK DEFINES: what bmc3 says of the plain Verilog in $work/plain.v.
searched() {
  yosys -q -l "$work/yosys.log" -p "read_verilog -formal $work/plain.v; read_verilog -formal -sv $2 tests/twin/proofs/$1.sv;
    prep -flatten -top proof; async2sync; dffunmap; opt -full; setundef -undriven -init -zero; techmap; opt -fast; dffunmap;
    simplemap; abc -g AND -fast; opt_clean; write_aiger -zinit $work/proof.aig" > "$work/out" 2>&1 || { tail -n 3 "$work/out"; return; }
  timeout 900 berkeley-abc -c "read $work/proof.aig; fold; bmc3 -F $(cycles_of "$1")" | grep -E 'asserted in frame|No output|Reached|Error' || echo "no answer"
}
none='^No output asserted in [0-9]+ frames'

failed=0
for block in ${*:-$(cd tests/twin/proofs && ls ./*.sv | sed 's/^..//; s/\.sv$//')}; do
  cycles=$(cycles_of "$block")
  plain_verilog "$block" "$(parameters_of "$block")" "$work/plain.v"
  found=$(searched "$block" "")
  echo "$block, $(parameters_of "$block"), $cycles cycles: $found"
  [[ $found =~ $none ]] || failed=1
  found=$(searched "$block" -DREACH)
  echo "$block, the state to be reached: $found"
  [[ $found == *"asserted in frame"* ]] || failed=1
  for fault in $(faults_of "$block"); do
    cp -r rtl "$work/kept"
    (cd "$work/kept" && sed -i -f "$root/tests/twin/faults/$fault.sed" "$block/$block.sv")
    (cd "$work" && mkdir -p tests && cp -r "$root/tests/twin" tests/ && mv kept rtl && plain_verilog "$block" "$(parameters_of "$block")" "$work/plain.v")
    rm -rf "$work/rtl"
    found=$(searched "$block" "")
    echo "$block with $fault: $found"
    [[ $found == *"asserted in frame"* ]] || failed=1
  done
done
exit $failed
