// What a Verilated class built with --coverage has counted, written when it goes (tests/twin/coverage.sh).
// Nothing in other builds.
#pragma once

#include <verilated.h>

#if VM_COVERAGE
#include <fmt/format.h>
#include <verilated_cov.h>
#endif

namespace leto::rtl {

inline void write_coverage([[maybe_unused]] VerilatedContext& context) {
#if VM_COVERAGE
  static int files = 0;
  context.coveragep()->write(fmt::format("coverage{}.dat", files++).c_str());
#endif
}

}  // namespace leto::rtl
