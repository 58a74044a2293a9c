// The calendar of the chip's processes, and the SystemC process that keeps it.
//
// The chip is one SC_METHOD: a process (process.h) is a step() that the calendar calls at the dates it asked
// for. Alone in the simulation, the calendar goes from date to date by itself, and SystemC's time stays
// behind until it is asked for again; beside other SystemC modules it keeps pace with SystemC's time.
//
// An Error thrown by step() must not unwind through the SystemC kernel: it is kept here, nothing is called
// any more, sc_start returns for want of events, and the Simulation throws it again.
#pragma once

#include <exception>
#include <functional>
#include <systemc>
#include <vector>

#include "model/kernel/timing_wheel.h"

namespace leto::model {

class Process;

class Kernel : public sc_core::sc_module {
 public:
  explicit Kernel(const sc_core::sc_module_name& name = "kernel");

  /// The date of the step under way, or of the last one.
  Cycle now() const { return now_; }
  std::uint64_t steps() const { return steps_; }

  /// Nothing is left to do, and the last dates served may have been void: the next ones begin at `at`, if
  /// SystemC's time is not beyond. When they do.
  Cycle go_on_from(Cycle at);

  /// Other SystemC modules take part: each step is done at its date in SystemC's time.
  void keep_pace() { alone_ = false; }

  std::exception_ptr failure;
  std::function<void()> heartbeat;  // called every few thousand steps, between two dates; may be empty

  /// All that changes, the processes' dates with it; between two dates, or when nothing is left to do.
  void state(Snapshot& s);

 private:
  friend class Process;
  std::uint32_t enrol(Process& process);
  void call(std::uint32_t process, Cycle at);
  void run();
  void serve(Cycle date);
  void beat();

  TimingWheel calendar_;  // of processes, by number; a date its process no longer waits for is void
  std::vector<Process*> processes_;
  std::vector<std::uint32_t> due_;
  sc_core::sc_event wake_;
  Cycle wake_at_ = kNever;
  Cycle now_ = 0;
  std::uint64_t steps_ = 0, beat_ = 0;  // beat_: of the next heartbeat
  bool alone_ = true, running_ = false;
};

}  // namespace leto::model
