#include "model/kernel/process.h"

namespace leto::model {

void Kernel::activated() {
  constexpr std::uint64_t kBeat = 1 << 12;
  if (++switches % kBeat == 0 && heartbeat) heartbeat();
}

Process::Process(const sc_core::sc_module_name& name, Kernel& kernel) : sc_module(name), kernel_(kernel) {
  SC_HAS_PROCESS(Process);
  SC_METHOD(activate);
  sensitive << wake_;
  dont_initialize();
}

void Process::wake_at(Cycle at) {
  if (at >= pending_) return;
  pending_ = at;
  wake_.notify(cycles(at - now_cycle()));
}

void Process::activate() {
  pending_ = kNever;
  if (kernel_.failure) return;
  try {
    kernel_.activated();
    step(now_cycle());
  } catch (...) {
    kernel_.failure = std::current_exception();
  }
}

}  // namespace leto::model
