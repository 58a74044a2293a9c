# Sourced: builds the RTL of one block in $work/rtl as the only one of a test program, with the parameters of `tiny`. Needs
# Verilator and a build in $BUILD (build/release) with RTL.
root=$PWD
build=$(realpath "${BUILD:-build/release}")
flags=$(sed -n '/^set(LETO_VERILATOR_FLAGS/,/)/p' rtl/CMakeLists.txt | tr -d '()\n' | sed 's/setLETO_VERILATOR_FLAGS//')

# Blocks, in the order of what they cost.
blocks="sram_bank reduction_engine buffer_manager address_generator router vector_lookup matrix_engine"
sources_of() {
  case $1 in
    matrix_engine) echo lint.vlt common/isa_pkg.sv fp/fp_pkg.sv matrix_engine/matrix_tile.sv matrix_engine/matrix_engine.sv ;;
    reduction_engine) echo lint.vlt common/isa_pkg.sv fp/fp_pkg.sv reduction_engine/reduction_engine.sv ;;
    vector_lookup) echo lint.vlt common/isa_pkg.sv fp/fp_pkg.sv fp/fp32_pkg.sv vector_lookup/function_pkg.sv vector_lookup/vector_lookup.sv ;;
    router) echo lint.vlt common/isa_pkg.sv router/router_buffer.sv router/router.sv ;;
    *) echo lint.vlt common/isa_pkg.sv "$1/$1.sv" ;;
  esac
}
# The random commands of a block.
test_of() {
  case $1 in
    matrix_engine) echo '*random commands differ in no bit*' ;;
    reduction_engine) echo '*random reductions*' ;;
    buffer_manager) echo '*find the same tiles and waits*' ;;
    address_generator) echo '*random transfers*' ;;
    router) echo '*random traffic*' ;;
    vector_lookup) echo '*random lookups*' ;;
    sram_bank) echo '*random requests to a bank*' ;;
  esac
}
# The parameters of `tiny`, as its Verilated class is called.
tiny_of() {
  case $1 in
    reduction_engine) echo _32_64_16 ;;
    address_generator) echo _4096_2048_512_512_65536_64 ;;
    router) echo _128_4_4096_1_1_65536_4096 ;;
    vector_lookup) echo _32_24 ;;
    sram_bank) echo _64_60_512_512 ;;
  esac
}
# How the Verilated class Vone becomes the one that the test gets.
write_choose() {
  if [[ $1 == matrix_engine ]]; then
    cat <<'CPP'
#include "Vone.h"
#include "rtl/block.h"
#include "rtl/matrix_engine/verilated.h"
namespace leto::rtl {
bool has_rtl() { return true; }
std::uint64_t rtl_hash() { return 0; }
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig& e) {
  if (e.inner_bytes != 32) return nullptr;
  return std::make_unique<MatrixEngine<Vone, 2, 32>>();
}
std::unique_ptr<Block> make_block(std::string_view, const ChipConfig&) { return nullptr; }
}  // namespace leto::rtl
CPP
  else
    made=$build/rtl/V$1$(tiny_of "$1")_block.cpp
    sed "s/$(basename "$made" _block.cpp)/Vone/g" "$made"
    cat <<'CPP'
#include "rtl/matrix_engine/matrix_engine_rtl.h"
namespace leto::rtl {
bool has_rtl() { return true; }
std::uint64_t rtl_hash() { return 0; }
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig&) { return nullptr; }
std::unique_ptr<Block> make_block(std::string_view, const ChipConfig& c) {
  return c.name == "tiny" ? make_Vone() : nullptr;
}
}  // namespace leto::rtl
CPP
  fi
}
# build_block BLOCK VERILATOR_FLAGS: leaves $work/test; says why not in $work/log.
build_block() {
  local link include
  link=$(ninja -C "$build" -t commands test_twin | grep -- "-o bin/test_twin" | sed "s/^[^&]*&& //; s/ && .*//; s,-o bin/test_twin,-o $work/test,")
  (
    cd "$work/rtl"
    verilator --cc $2 -Wno-fatal $(sources_of "$1") --top-module "$1" --prefix Vone --Mdir "$work/v"
    make -C "$work/v" -f Vone.mk OPT_FAST=-O1 OPT_SLOW=-O0 Vone__ALL.a verilated.o verilated_cov.o verilated_threads.o
  ) > "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
  write_choose "$1" > "$work/choose.cpp"
  include=$(sed -n 's/^VERILATOR_ROOT = //p' "$work/v/Vone.mk")/include
  [[ $2 != *--coverage* ]] || covered=-DVM_COVERAGE=1
  g++ -std=c++20 -w ${covered:-} -I. -I"$work/v" -isystem "$include" -isystem "$include/vltstd" -c "$work/choose.cpp" -o "$work/choose.o"
  g++ -std=c++20 -w -I. -c rtl/block.cpp -o "$work/block.o"
  (cd "$build" && eval "${link//rtl\/librtl.a/$work/choose.o $work/block.o $work/v/Vone__ALL.a $work/v/verilated.o $work/v/verilated_cov.o $work/v/verilated_threads.o}" \
    && true) >> "$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
}
# first_difference BLOCK: what the checker finds in $work/test; empty: nothing.
first_difference() {
  timeout 300 "$work/test" -tc="$(test_of "$1")" > "$work/out" 2>&1 || true
  sed -n 's/.*twin [^ ]*: //p' "$work/out" | grep -o 'first difference at cycle [0-9]* (compared cycle [0-9]*), [a-z_]*' | head -n 1 || true
}
# alike BLOCK WORDS: says whether $work/test finds a difference, and in how much; fails if it does, or compared nothing.
alike() {
  local found compared
  found=$(first_difference "$1")
  compared=$(grep -o 'MESSAGE: .*' "$work/out" | head -n 1 || true)
  echo "$1 $2: ${found:-no difference} (${compared:-nothing compared})"
  [[ -z $found && -n $compared ]]
}
