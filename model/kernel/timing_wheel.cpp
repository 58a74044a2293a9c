#include "model/kernel/timing_wheel.h"

#include <bit>

namespace leto::model {

TimingWheel::TimingWheel() {
  chunks_.reserve(64);
}

// Far events enter the wheel as soon as they fit, before anything pushed later for the same cycle can.
void TimingWheel::advance(Cycle base) {
  base_ = base;
  while (!far_.empty() && far_.top().at < base_ + kSpan) {
    insert(far_.top().at, static_cast<Event>(far_.top().event));
    far_.pop();
  }
}

Cycle TimingWheel::scan() const {
  const std::uint32_t start = base_ % kSpan;
  constexpr std::uint32_t kWords = kSpan / 64;
  for (std::uint32_t i = 0; i <= kWords; ++i) {
    const std::uint32_t word = (start / 64 + i) % kWords;
    std::uint64_t bits = occupied_[word];
    if (i == 0) bits &= ~std::uint64_t{0} << (start % 64);
    if (i == kWords) bits &= ~(~std::uint64_t{0} << (start % 64));
    if (bits != 0) {
      const std::uint32_t index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      return base_ + (index + kSpan - start) % kSpan;
    }
  }
  return kNever;
}

Cycle TimingWheel::next() {
  const Cycle found = scan();
  if (found != kNever) return found;
  return far_.empty() ? kNever : far_.top().at;
}

void TimingWheel::state(Snapshot& s) {
  s(base_, far_sequence_, chunks_, free_, slots_, occupied_);
  std::vector<Far> far;
  for (auto rest = far_; !rest.empty(); rest.pop()) far.push_back(rest.top());
  s(far);
  if (s.loads()) far_ = decltype(far_)(std::greater<>(), std::move(far));
}

}  // namespace leto::model
