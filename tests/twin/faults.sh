#!/usr/bin/env bash
# Plants each RTL fault of tests/twin/faults (a sed script; its first line: block | file | channels) and runs the random
# commands of that block on `tiny`: the checker has to find it, in one of those channels. Arguments: names of faults (none
# = all). Needs Verilator and a build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/twin/one_block.sh
work=$build/faults
[[ $# -gt 0 ]] || set -- $(cd tests/twin/faults && ls ./*.sed | sed 's/^..//; s/\.sed$//')

missed=0
for fault; do
  script=$root/tests/twin/faults/$fault.sed
  IFS='|' read -r block file channels < "$script"
  block=$(tr -d '# ' <<< "$block") file=$(tr -d ' ' <<< "$file")
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  sed -i -f "$script" "$work/rtl/$file"
  if cmp -s "$work/rtl/$file" "rtl/$file"; then echo "$fault: changes nothing"; missed=1; continue; fi
  build_block "$block" "$flags"
  found=$(first_difference "$block")
  echo "$fault ($block): ${found:-MISSED} (expected${channels})"
  [[ -n $found && " $channels " == *" ${found##* } "* ]] || missed=1
done
exit $missed
