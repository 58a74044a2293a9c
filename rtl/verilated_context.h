// The surroundings of a Verilated class: one thread, and what a build with --coverage has counted.
#pragma once

#include <verilated.h>

#if VM_COVERAGE
#include <fmt/format.h>
#include <verilated_cov.h>
#endif

namespace leto::rtl {

/// Verilator's starts a thread for every further processor of the host when its class is made, whether the class
/// knows what to do with them or not; each waits in a loop first. A chip has some hundred twins.
class Context : public VerilatedContext {
 public:
  Context() { threads(1); }
};

/// Before the class goes (tests/twin/coverage.sh). Nothing in other builds.
inline void write_coverage([[maybe_unused]] VerilatedContext& context) {
#if VM_COVERAGE
  static int files = 0;
  context.coveragep()->write(fmt::format("coverage{}.dat", files++).c_str());
#endif
}

}  // namespace leto::rtl
