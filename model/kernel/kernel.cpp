#include "model/kernel/kernel.h"

#include <algorithm>

#include "model/kernel/process.h"

namespace leto::model {

Kernel::Kernel(const sc_core::sc_module_name& name) : sc_module(name) {
  SC_HAS_PROCESS(Kernel);
  SC_METHOD(run);
  sensitive << wake_;
  dont_initialize();
}

std::uint32_t Kernel::enrol(Process& process) {
  processes_.push_back(&process);
  return static_cast<std::uint32_t>(processes_.size()) - 1;
}

void Kernel::call(std::uint32_t process, Cycle at) {
  calendar_.push(at, process);
  if (running_ || at >= wake_at_) return;
  wake_at_ = at;
  wake_.notify(cycles(at - now_cycle()));
}

void Kernel::run() {
  constexpr std::uint64_t kBeat = 1 << 12;
  wake_at_ = kNever;
  running_ = true;
  Cycle next = calendar_.next();
  for (; !failure && next != kNever && (alone_ || next <= now_cycle()); next = calendar_.next()) {
    serve(next);
    if (steps_ < beat_) continue;
    beat_ = steps_ + kBeat;
    beat();
  }
  running_ = false;
  if (failure || next == kNever) return;
  wake_at_ = next;
  wake_.notify(cycles(next - now_cycle()));
}

void Kernel::beat() {
  if (failure || !heartbeat) return;
  try {
    heartbeat();
  } catch (...) {
    failure = std::current_exception();
  }
}

void Kernel::serve(Cycle date) {
  for (calendar_.take(date, due_); !due_.empty(); calendar_.take(date, due_))
    for (const std::uint32_t number : due_) {
      Process& process = *processes_[number];
      if (process.pending_ != date || failure) continue;
      now_ = date;
      ++steps_;
      process.activate(date);
    }
}

Cycle Kernel::go_on_from(Cycle at) {
  const Cycle from = std::max(at, now_cycle());
  calendar_.rewind(from);
  return from;
}

void Kernel::state(Snapshot& s) {
  s(calendar_, now_, steps_);
  for (Process* process : processes_) s(process->pending_);
  if (!s.loads()) return;
  wake_at_ = calendar_.next();
  if (wake_at_ != kNever) wake_.notify(cycles(wake_at_ - now_cycle()));
}

}  // namespace leto::model
