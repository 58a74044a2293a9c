#include "model/twin/comparison.h"

#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"

namespace leto::model {

bool Comparison::wants(Cycle start, Cycle finish) {
  if (start != last_finish_) {
    const std::uint64_t group = sequences_ / spec_.every;
    taken_ = sequences_ % spec_.every == uniform_below(seed_, fnv1a(instance_), group, spec_.every);
    ++sequences_;
  }
  last_finish_ = finish;
  if (over_budget()) taken_ = false;
  return taken_;
}

bool Comparison::over_budget() const {
  constexpr double kFree = 1 << 17;  // MACs that cost nothing worth saving, shared like the rest
  if (!chip_macs_) return false;
  return static_cast<double>(count_.macs_compared) >
         share_ * (static_cast<double>(*chip_macs_) + kFree / kBudgetShare);
}

bool Comparison::faulty(std::string_view signal) {
  if (!spec_.inject || injected_ || spec_.inject->signal != signal ||
      count_.cycles_compared < spec_.inject->cycle)
    return false;
  injected_ = true;
  return true;
}

void Comparison::differ(Cycle now, std::string_view signal, const std::string& values,
                        const std::string& story) {
  ++count_.mismatches;
  throw Error(
      ExitCode::mismatch,
      fmt::format("twin {}: first difference at cycle {} (compared cycle {}), {}: {}; {}; seed {}", instance_,
                  now, count_.cycles_compared, signal, values, story, seed_),
      injected_
          ? "the fault was planted by inject: leave it out"
          : "run again with the same seed: the model, rtl/ or Verilator is wrong; docs/why/013-rtl-twins.md "
            "says how to tell");
}

}  // namespace leto::model
