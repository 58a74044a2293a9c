// A SystemC process of the chip: one SC_METHOD that sleeps until it is asked for, never clocked.
//
// An Error thrown by step() must not unwind through the SystemC kernel: it is kept in the Kernel, every
// process goes quiet, sc_start returns for want of events, and the Simulation throws it again.
#pragma once

#include <exception>
#include <functional>
#include <systemc>

#include "model/kernel/time.h"

namespace leto::model {

/// What the processes of one simulation share.
struct Kernel {
  std::exception_ptr failure;
  std::uint64_t switches = 0;       // process activations
  std::function<void()> heartbeat;  // called every few thousand activations; may be empty
  void activated();
};

class Process : public sc_core::sc_module {
 public:
  /// Asks for a step at cycle `at`, now or later. The earliest request wins, so a process that
  /// wants several asks for the next one at the end of each step.
  void wake_at(Cycle at);

 protected:
  Process(const sc_core::sc_module_name& name, Kernel& kernel);
  /// Does everything due at `now`.
  virtual void step(Cycle now) = 0;

 private:
  void activate();

  Kernel& kernel_;
  sc_core::sc_event wake_;
  Cycle pending_ = kNever;
};

}  // namespace leto::model
