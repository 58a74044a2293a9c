#include "model/twin/comparison.h"

#include "base/rng.h"

namespace leto::model {

bool Comparison::wants(Cycle start, Cycle finish, std::int64_t cost) {
  if (budget_) {
    if (sequences_ == 0) budget_->join();
    budget_->offer(cost);
  }
  if (start != last_finish_) {
    taken_ = (spec_.every == 1 || sequences_ % spec_.every ==
                                      uniform_below(seed_, stream_, sequences_ / spec_.every, spec_.every)) &&
             (!budget_ || budget_->is_turn_of(spent_));
    ++sequences_;
  }
  last_finish_ = finish;
  if (taken_ && budget_) taken_ = budget_->take(cost);
  if (taken_) spent_ += cost;
  count_.commands_compared += taken_;
  return taken_;
}

bool Comparison::faulty(std::string_view signal) {
  if (!spec_.inject || injected_ || spec_.inject->signal != signal ||
      count_.cycles_compared < spec_.inject->cycle)
    return false;
  injected_ = true;
  return true;
}

bool Comparison::agrees(Cycle now, std::string_view signal, int bits, std::uint64_t model, std::uint64_t& rtl,
                        int index) {
  if (faulty(signal)) rtl ^= 1;
  if (TwinWindow* shown = window(now)) {
    const std::string name = index < 0 ? std::string(signal) : fmt::format("{}_{}", signal, index);
    shown->put(now, "model." + name, bits, model);
    shown->put(now, "rtl." + name, bits, rtl);
  }
  return model == rtl;
}

void Comparison::differ(Cycle now, const std::string& signal, const std::string& model,
                        const std::string& rtl, Story story) {
  ++count_.mismatches;
  if (first_) return;
  first_ = {instance_, signal, now, count_.cycles_compared, model, rtl, std::move(story), seed_, injected_};
  if (!window_) raise();
}

void Comparison::raise() const {
  if (first_) throw TwinMismatch(*first_);
}

}  // namespace leto::model
