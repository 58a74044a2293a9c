#!/usr/bin/env bash
# Gates and flip-flops of each row of rtl/area.tsv, as yosys synthesises its block with its parameters. A row whose RTL is
# what the table was made of is left out (--all: none); a figure that moved by more than 5 % is an error, and so is a block
# without a row (with parameters "-": those of its module). --renew writes the table, and docs/area.md from it.
# Arguments: blocks (none = all but those left out below). Needs yosys with abc, Verilator and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
source tests/twin/plain.sh
table=rtl/area.tsv
all=0 renew=0
while [[ ${1:-} == --* ]]; do
  case $1 in --all) all=1 ;; --renew) renew=1 ;; *) echo "usage: area.sh [--all] [--renew] [BLOCK...]" >&2; exit 2 ;; esac
  shift
done
# A lane of the vector lookup is some sixty fused multiply-adds and five divisions of one cycle's logic each: yosys had not
# read one of them after eight minutes.
# Of the matrix engine two rows of two lanes took 40 s of a core with `abc -fast`:
# counted when it is named, in the three rows that its form (area.py) needs.
# SRAM bank and router came in with no row yet.
left_out=" vector_lookup matrix_engine sram_bank router "
[[ $# -gt 0 ]] || set -- $(for block in $blocks; do [[ $left_out == *" $block "* ]] || echo "$block"; done)
chosen=$*
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tool=$(yosys -V)
# Gates as yosys names them: two inputs, one output. A flip-flop's enable and reset are part of it.
recipe='proc; flatten; opt; memory -nomap; memory_map; opt; techmap; opt; abc -g simple; opt_clean; stat'

# counted FILE TOP: "gates flip-flops transistors".
counted() {
  yosys -q -p "read_verilog $1; hierarchy -top $2; $recipe" -l "$work/yosys.log" > "$work/out" 2>&1 || { tail -n 3 "$work/out" >&2; return 1; }
  /usr/bin/python3 tests/twin/area.py count "$work/yosys.log"
}

failed=0
cp "$table" "$work/table"
for block; do
  grep -q "^$block"$'\t' "$table" || printf '%s\t-\t0\t0\t0\t-\t-\n' "$block" >> "$work/table"
done
head -n 1 "$table" > "$work/new"
while IFS=$'\t' read -r block parameters gates flops transistors hash when; do
  line=$(printf '%s\t' "$block" "$parameters" "$gates" "$flops" "$transistors" "$hash" "$when")
  if [[ " $chosen " == *" $block "* ]]; then
    plain_verilog "$block" "${parameters/#-/}" "$work/block.v"
    now=$( (echo "$tool $recipe"; cat "$work/block.v") | sha256sum | cut -c 1-16)
    if [[ $now != "$hash" || $all == 1 ]]; then
      read -r new_gates new_flops new_transistors <<< "$(counted "$work/block.v" "$block")"
      echo "$block $parameters: $new_gates gates, $new_flops flip-flops (stored: $gates, $flops)"
      if ! /usr/bin/python3 tests/twin/area.py near "$gates" "$new_gates" "$flops" "$new_flops"; then
        [[ $renew == 1 ]] || { echo "  moved by more than 5 %: area.sh --renew $block, if it is meant"; failed=1; }
      fi
      line=$(printf '%s\t' "$block" "$parameters" "$new_gates" "$new_flops" "$new_transistors" "$now" \
        "$(date -u +%F) $(git rev-parse --short HEAD)")
    else
      echo "$block $parameters: as stored, $gates gates, $flops flip-flops"
    fi
  fi
  printf '%s\n' "${line%$'\t'}" >> "$work/new"
done < <(tail -n +2 "$work/table")
if [[ $renew == 1 ]]; then
  cp "$work/new" "$table"
  /usr/bin/python3 tests/twin/area.py document "$table" docs/area.md
fi
exit $failed
