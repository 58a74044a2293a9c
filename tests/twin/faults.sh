#!/usr/bin/env bash
# Plants each RTL fault of tests/twin/faults (a sed script; its first line: block | file | channels) and runs the random
# commands of that block on `tiny`: the checker has to find it, in one of those channels. Arguments: names of faults (none
# = all). Needs Verilator and a build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
build=$(realpath "${BUILD:-build/release}")
work=$build/faults
flags=$(sed -n '/^set(LETO_VERILATOR_FLAGS/,/)/p' rtl/CMakeLists.txt | tr -d '()\n' | sed 's/setLETO_VERILATOR_FLAGS//')
link=$(ninja -C "$build" -t commands test_twin | grep -- "-o bin/test_twin" | sed "s/^[^&]*&& //; s/ && .*//; s,-o bin/test_twin,-o $work/test,")
[[ $# -gt 0 ]] || set -- $(cd tests/twin/faults && ls ./*.sed | sed 's/^..//; s/\.sed$//')

# The files of a block's RTL, and how its Verilated class becomes the one that the test gets.
sources_of() {
  case $1 in
    matrix_engine) echo lint.vlt common/isa_pkg.sv fp/fp_pkg.sv matrix_engine/matrix_tile.sv matrix_engine/matrix_engine.sv ;;
    reduction_engine) echo lint.vlt common/isa_pkg.sv fp/fp_pkg.sv reduction_engine/reduction_engine.sv ;;
    *) echo lint.vlt common/isa_pkg.sv "$1/$1.sv" ;;
  esac
}
write_choose() {
  if [[ $1 == matrix_engine ]]; then
    cat <<'CPP'
#include "Vfault.h"
#include "rtl/block.h"
#include "rtl/matrix_engine/verilated.h"
namespace leto::rtl {
bool has_rtl() { return true; }
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig&) {
  return std::make_unique<MatrixEngine<Vfault, 2, 32>>();
}
std::unique_ptr<Block> make_block(std::string_view, const ChipConfig&) { return nullptr; }
}  // namespace leto::rtl
CPP
  else  # as for `tiny` of all chips
    made=$(ls "$build"/rtl/V"$1"*_block.cpp | grep -E "V$1(_32_64_16)?_block.cpp")
    sed "s/$(basename "$made" _block.cpp)/Vfault/g" "$made"
    cat <<'CPP'
#include "rtl/matrix_engine/matrix_engine_rtl.h"
namespace leto::rtl {
bool has_rtl() { return true; }
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig&) { return nullptr; }
std::unique_ptr<Block> make_block(std::string_view, const ChipConfig&) { return make_Vfault(); }
}  // namespace leto::rtl
CPP
  fi
}
test_of() {
  case $1 in
    matrix_engine) echo '*random commands differ in no bit*' ;;
    reduction_engine) echo '*random reductions*' ;;
    buffer_manager) echo '*find the same tiles and waits*' ;;
  esac
}

missed=0
for fault; do
  script=$root/tests/twin/faults/$fault.sed
  IFS='|' read -r block file channels < "$script"
  block=$(tr -d '# ' <<< "$block") file=$(tr -d ' ' <<< "$file")
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  sed -i -f "$script" "$work/rtl/$file"
  if cmp -s "$work/rtl/$file" "rtl/$file"; then echo "$fault: changes nothing"; missed=1; continue; fi
  (
    cd "$work/rtl"
    verilator --cc $flags -Wno-fatal $(sources_of "$block") --top-module "$block" --prefix Vfault --Mdir "$work/v"
    make -C "$work/v" -f Vfault.mk OPT_FAST=-O1 OPT_SLOW=-O0 Vfault__ALL.a verilated.o verilated_threads.o
  ) > "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
  write_choose "$block" > "$work/choose.cpp"
  include=$(sed -n 's/^VERILATOR_ROOT = //p' "$work/v/Vfault.mk")/include
  g++ -std=c++20 -w -I. -I"$work/v" -isystem "$include" -isystem "$include/vltstd" -c "$work/choose.cpp" -o "$work/choose.o"
  g++ -std=c++20 -w -I. -c rtl/block.cpp -o "$work/block.o"
  (cd "$build" && eval "${link//rtl\/librtl.a/$work/choose.o $work/block.o $work/v/Vfault__ALL.a $work/v/verilated.o $work/v/verilated_threads.o}" \
    && true) >> "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
  found=$(timeout 300 "$work/test" -tc="$(test_of "$block")" 2>&1 | sed -n 's/.*twin [a-z]*: //p' | grep -o 'first difference at cycle [0-9]* (compared cycle [0-9]*), [a-z_]*' | head -n 1 || true)
  echo "$fault ($block): ${found:-MISSED} (expected${channels})"
  [[ -n $found && " $channels " == *" ${found##* } "* ]] || missed=1
done
exit $missed
