#!/usr/bin/env bash
# Gates and flip-flops of each row of rtl/area.tsv, as yosys synthesises its block with its parameters. A row whose RTL is
# what the table was made of is left out (--all: none); a figure that moved by more than 5 % is an error, and so is a block
# without a row (with parameters "-": those of its module). --renew writes the table, and docs/area.md from it.
# Arguments: blocks (none = all). Needs yosys with abc, Verilator and python3.
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
[[ $# -gt 0 ]] || set -- $blocks
chosen=$*
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tool=$(yosys -V)
# Those of them that are synthesised apart, once for all rows: one goes by a script of its own.
apart_of() {
  if [[ $1 == vector_lookup ]]; then units_of "$1"; fi
}
# Gates as yosys names them: two inputs, one output. A flip-flop's enable and reset are part of it.
recipe_of() {
  if [[ $(units_of "$1") ]]; then
    echo "proc; flatten; opt -full; memory -nomap; memory_map; opt -full; techmap; opt; abc -g simple$(all_but $(apart_of "$1")); opt_clean; stat"
  else
    echo 'proc; flatten; opt; memory -nomap; memory_map; opt; techmap; opt; abc -g simple; opt_clean; stat'
  fi
}
# yosys' selection.
all_but() {
  if [[ $# -gt 0 ]]; then echo " *$(printf ' %s %%d' "$@")"; fi
}
# Of a function that is synthesised apart. Of a divider of one cycle's logic abc had not come back after eight minutes: the fast script.
unit_recipe() {
  echo "proc; flatten; opt -full; techmap; opt; abc $([[ $1 == *divide ]] && echo -fast) -g simple; opt_clean"
}

# Each text of a function once: unit FILE NAME says where it is.
unit() {
  local made
  made=$work/$2.$(sed -n "/^module $2(/,/^endmodule/p" "$1" | sha256sum | cut -c 1-16).il
  [[ -s $made ]] || yosys -q -p "read_verilog $1; hierarchy -top $2; $(unit_recipe "$2"); write_ilang $made" > "$work/out" 2>&1 ||
    { tail -n 3 "$work/out" >&2; return 1; }
  echo "$made"
}
# counted FILE TOP: "gates flip-flops transistors".
counted() {
  local name made read=
  for name in $(apart_of "$2"); do
    made=$(unit "$1" "$name") || return 1
    read+="delete $name; read_ilang $made; "
  done
  yosys -q -p "read_verilog $1; ${read}hierarchy -top $2; $(recipe_of "$2")" -l "$work/yosys.log" > "$work/out" 2>&1 || { tail -n 3 "$work/out" >&2; return 1; }
  /usr/bin/python3 tests/twin/area.py count "$work/yosys.log"
}
# What a row was made by.
recipes() {
  local name
  recipe_of "$1"
  for name in $(apart_of "$1"); do unit_recipe "$name"; done
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
    plain_verilog "$block" "${parameters/#-/}" "$work/block.v" $(units_of "$block")
    now=$( (echo "$tool $(recipes "$block")"; cat "$work/block.v") | sha256sum | cut -c 1-16)
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
