#!/usr/bin/env bash
# Plants each RTL fault of tests/twin/faults (a sed script; its first line: file | channel) and runs the random commands
# on `tiny`: the checker has to find it in that channel. Arguments: names of faults (none = all). Needs Verilator and a
# build in $BUILD (build/release) with RTL.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${BUILD:-build/release}")
work=$build/faults
flags=$(sed -n '/^set(LETO_VERILATOR_FLAGS/,/)/p' rtl/CMakeLists.txt | tr -d '()\n' | sed 's/setLETO_VERILATOR_FLAGS//')
link=$(ninja -C "$build" -t commands test_twin | grep -- "-o bin/test_twin" | sed "s/^[^&]*&& //; s/ && .*//; s,-o bin/test_twin,-o $work/test,")
sources=$(sed -n '/^set(matrix_engine_sources/,/)/p' rtl/CMakeLists.txt | tr -d '()\n' | sed 's/setmatrix_engine_sources//')
[[ $# -gt 0 ]] || set -- $(cd tests/twin/faults && ls ./*.sed | sed 's/^..//; s/\.sed$//')
missed=0
for fault; do
  script=tests/twin/faults/$fault.sed
  read -r _ file _ channel < "$script"
  rm -rf "$work" && mkdir -p "$work" && cp -r rtl "$work/"
  sed -i -f "$script" "$work/rtl/$file"
  if cmp -s "$work/rtl/$file" "rtl/$file"; then echo "$fault: changes nothing"; missed=1; continue; fi
  (
    cd "$work/rtl"
    verilator --cc $flags -Wno-fatal $sources --top-module matrix_engine --prefix Vfault --Mdir "$work/v"
    make -C "$work/v" -f Vfault.mk OPT_FAST=-O1 OPT_SLOW=-O0 Vfault__ALL.a verilated.o verilated_threads.o
  ) > "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
  cat > "$work/choose.cpp" <<'CPP'
#include "Vfault.h"
#include "rtl/matrix_engine/verilated.h"
namespace leto::rtl {
bool has_rtl() { return true; }
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig&) {
  return std::make_unique<MatrixEngine<Vfault, 2, 32>>();
}
}  // namespace leto::rtl
CPP
  include=$(sed -n 's/^VERILATOR_ROOT = //p' "$work/v/Vfault.mk")/include
  g++ -std=c++20 -w -I. -I"$work/v" -isystem "$include" -isystem "$include/vltstd" -c "$work/choose.cpp" -o "$work/choose.o"
  (cd "$build" && eval "${link//rtl\/librtl.a/$work/choose.o $work/v/Vfault__ALL.a $work/v/verilated.o $work/v/verilated_threads.o}" \
    && true) >> "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
  found=$("$work/test" -tc='*differ in no bit*' 2>&1 | sed -n 's/.*twin tiny: //p' | grep -o 'first difference at cycle [0-9]* (compared cycle [0-9]*), [a-z_]*' | head -n 1 || true)
  echo "$fault: ${found:-MISSED} (expected $channel)"
  [[ $found == *" $channel" ]] || missed=1
done
exit $missed
