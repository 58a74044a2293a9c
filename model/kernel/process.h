// A process of the chip: sleeps until it is asked for, never clocked.
#pragma once

#include "model/kernel/kernel.h"

namespace leto::model {

class Process : public sc_core::sc_module {
 public:
  /// Asks for a step at cycle `at`, now or later. The earliest request wins, so a process that
  /// wants several asks for the next one at the end of each step.
  void wake_at(Cycle at) {
    if (at >= pending_) return;
    pending_ = at;
    kernel_.call(number_, at);
  }

 protected:
  Process(const sc_core::sc_module_name& name, Kernel& kernel)
      : sc_module(name), kernel_(kernel), number_(kernel.enrol(*this)) {}
  /// Does everything due at `now`.
  virtual void step(Cycle now) = 0;
  Cycle now() const { return kernel_.now(); }

 private:
  friend class Kernel;
  void activate(Cycle now);

  Kernel& kernel_;
  std::uint32_t number_;
  Cycle pending_ = kNever;
};

}  // namespace leto::model
