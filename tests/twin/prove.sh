#!/usr/bin/env bash
# Proofs of small instances of RTL blocks, with the properties of tests/twin/proofs/BLOCK.sv. By induction, for every input
# sequence of any length from reset: the properties and what all states have in common hold after reset, and in a cycle if they did
# in the one before (yosys' sat). Bounded, without that help: for every sequence of so many cycles from reset, in which the
# state that the file names as reached is reached (abc's bmc3). Planted faults (tests/twin/faults) have to end either.
# Arguments: blocks (none = all with a proof). Needs yosys with abc, Verilator and python3.
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
# Registers that the properties of the induction speak of.
shown_of() {
  case $1 in
    buffer_manager) printf 'show=%s_q ' base bytes depth data used next_slot read_slot next write read reserved ;;
  esac
}
faults_of() {
  case $1:$2 in
    buffer_manager:bounded) echo "depth_one_more push_not_seen_in_cycle" ;;
    # All but that of lane 3, which one lane has not.
    buffer_manager:induction) grep -l '^# buffer_manager ' tests/twin/faults/*.sed | xargs -n 1 basename -s .sed | grep -v pops_of_last_lane_lost ;;
  esac
}

# searched BLOCK DEFINES: what bmc3 says of the plain Verilog in $work/plain.v.
searched() {
  yosys -q -l "$work/yosys.log" -p "read_verilog -formal $work/plain.v; read_verilog -formal -sv $2 tests/twin/proofs/$1.sv;
    prep -flatten -top proof; async2sync; dffunmap; opt -full; setundef -undriven -init -zero; techmap; opt -fast; dffunmap;
    simplemap; abc -g AND -fast; opt_clean; write_aiger -zinit $work/proof.aig" > "$work/out" 2>&1 || { tail -n 3 "$work/out"; return; }
  timeout 900 berkeley-abc -c "read $work/proof.aig; fold; bmc3 -F $(cycles_of "$1")" | grep -E 'asserted in frame|No output|Reached|Error' || echo "no answer"
}
# induced BLOCK PARAMETERS: what yosys says of the induction.
induced() {
  yosys -q -l "$work/sat.log" -p "read_verilog -formal $work/plain.v; read_verilog -formal -sv -DINDUCTION tests/twin/proofs/$1.sv;
    chparam $(printf -- ' -set %s' $2 | tr = ' ') proof; prep -flatten -top proof; chformal -early; async2sync; opt -full;
    setundef -undriven -init -zero; opt -full;
    sat -tempinduct -prove-asserts -set-assumes -seq 0 -maxsteps 1 -timeout 600 proof" > "$work/out" 2>&1 || { tail -n 3 "$work/out"; return; }
  grep -aoE 'Induction step (proven|failed)|Base case .* (proven|failed)|timeout' "$work/sat.log" | tail -n 1
}
# planted BLOCK FAULT OPTIONS: the plain Verilog of the block with that fault.
planted() {
  cp -r rtl "$work/kept"
  (cd "$work/kept" && sed -i -f "$root/tests/twin/faults/$2.sed" "$1/$1.sv")
  (cd "$work" && mkdir -p tests && cp -r "$root/tests/twin" tests/ && mv kept rtl && plain_verilog "$1" "$(parameters_of "$1")" "$work/plain.v" ${@:3})
  rm -rf "$work/rtl" "$work/tests"
}
none='^No output asserted in [0-9]+ frames'

failed=0
for block in ${*:-$(cd tests/twin/proofs && ls ./*.sv | sed 's/^..//; s/\.sv$//')}; do
  parameters=$(parameters_of "$block") shown=$(shown_of "$block")
  plain_verilog "$block" "$parameters" "$work/plain.v" $shown
  found=$(induced "$block" "$parameters")
  echo "$block, $parameters, any number of cycles: $found"
  [[ $found == "Induction step proven" ]] || failed=1
  for fault in $(faults_of "$block" induction); do
    planted "$block" "$fault" $shown
    found=$(induced "$block" "$parameters")
    echo "$block with $fault, any number of cycles: $found"
    [[ $found == *failed ]] || failed=1
  done
  plain_verilog "$block" "$parameters" "$work/plain.v"
  found=$(searched "$block" "")
  echo "$block, $parameters, $(cycles_of "$block") cycles: $found"
  [[ $found =~ $none ]] || failed=1
  found=$(searched "$block" -DREACH)
  echo "$block, the state to be reached: $found"
  [[ $found == *"asserted in frame"* ]] || failed=1
  for fault in $(faults_of "$block" bounded); do
    planted "$block" "$fault"
    found=$(searched "$block" "")
    echo "$block with $fault: $found"
    [[ $found == *"asserted in frame"* ]] || failed=1
  done
done
exit $failed
