// What every twin's comparison shares, whatever the block: which sequences of commands are looked at, what
// was counted, the fault that inject plants, how a difference becomes a finding, and the window that a replay
// shows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "model/kernel/time.h"
#include "model/twin/finding.h"
#include "model/twin/spec.h"
#include "model/twin/window.h"

namespace leto::model {

/// Default sampling compares no more than this share of the chip's MACs, all twins together: a MAC in RTL
/// costs up to 150 times what it costs the model with values on (docs/validation.md), so a run slows by less
/// than half.
inline constexpr double kBudgetShare = 1.0 / 1024;
/// Of a block without MACs, no more than this share of its own work: a piece of an address generator, an
/// element of a reduction engine cost a few times in RTL what they cost the model. A packet at a router costs
/// as many times as a MAC does; a request to a bank is in the RTL for all of its latency.
inline constexpr double kOwnShare = 1.0 / 32, kBankShare = 1.0 / 256;

/// What the default sampling of one twin or of several may cost: no more than `share` of what has been
/// `done`, in the same unit, and `free` more; the first command, whatever it costs.
class Budget {
 public:
  Budget(const std::int64_t& done, double share, std::int64_t free)
      : done_(&done), share_(share), free_(static_cast<double>(free)) {}
  /// Done is what all commands of its twins would have cost.
  Budget(double share, std::int64_t free) : Budget(offered_, share, free) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// Another twin has commands.
  void join() { ++twins_; }
  void offer(std::int64_t cost) { offered_ += cost; }
  /// Has a twin that has spent `own` had no more than the others?
  bool is_turn_of(std::int64_t own) const { return own * twins_ <= spent_; }
  /// Is there so much left?
  bool has(std::int64_t cost) const {
    return spent_ == 0 || static_cast<double>(spent_ + cost) <= share_ * static_cast<double>(*done_) + free_;
  }
  /// Spends `cost` where there is so much left.
  bool take(std::int64_t cost) {
    if (!has(cost)) return false;
    spent_ += cost;
    return true;
  }

 private:
  const std::int64_t* done_;
  double share_, free_;
  std::int64_t offered_ = 0, spent_ = 0, twins_ = 0;
};

/// A twin keeps its commands for a replay until there are so many bytes of them and the block is idle, and
/// starts anew from a reset; beyond the second bound it does not wait for that.
inline constexpr std::size_t kLogBytes = std::size_t{4} << 20, kLogMost = std::size_t{64} << 20;

class Comparison {
 public:
  /// `instance` as --twin names it.
  Comparison(const TwinSpec& spec, std::string instance, std::uint64_t seed)
      : spec_(spec), instance_(std::move(instance)), stream_(fnv1a(instance_)), seed_(seed) {
    count_.mode = spec.mode;
    count_.foreign = spec.foreign;
  }

  /// Default sampling: no more than `budget` allows, which others may share.
  void limit(std::shared_ptr<Budget> budget) { budget_ = std::move(budget); }
  /// Does `check` want the next command, from `start` to `finish`? One of `every` sequences without a gap is
  /// taken, which one of each so many the seed says, whole or until the budget, to which it costs `cost`, is
  /// spent.
  bool wants(Cycle start, Cycle finish, std::int64_t cost = 0);
  /// What wants() took is not compared after all: so many commands.
  void leave_out(std::uint64_t commands) {
    --count_.commands_compared;
    count_.commands_left_out += commands;
  }
  bool budgeted() const { return spec_.budgeted; }
  bool checks() const { return spec_.mode == TwinMode::check; }

  /// Is the planted fault due in this signal, which is about to be compared?
  bool faulty(std::string_view signal);
  /// Does the RTL's value, with the fault that is due, equal the model's? The window sees both. `index` of an
  /// element; -1: the signal has none.
  bool agrees(Cycle now, std::string_view signal, int bits, std::uint64_t model, std::uint64_t& rtl,
              int index = -1);
  /// Throws TwinMismatch; where there is a window it is kept instead, and thrown by compares() or raise().
  void differ(Cycle now, const std::string& signal, const std::string& model, const std::string& rtl,
              Story story);
  /// Another cycle is compared.
  void compares(Cycle now) {
    ++count_.cycles_compared;
    if (first_ && window_ && now >= window_->last()) raise();
  }
  /// A cycle may come again (BufferChecker's further clocks), and must not hide the difference.
  void seen(Cycle now) {
    if (first_ && window_) window_->freeze(now);
  }
  /// Throws what was kept, if anything.
  void raise() const;

  /// Shows the cycles around a difference from now on. Null: none.
  void show(TwinWindow* window) { window_ = window; }
  /// Where to show pins that are not compared; null: nowhere, or not in this cycle.
  TwinWindow* window(Cycle now) const { return window_ && window_->holds(now) ? window_ : nullptr; }

  /// Where a twin stands, so that a replay goes on from there.
  struct Place {
    std::uint64_t cycles_compared = 0, sequences = 0;
  };
  Place place() const { return {count_.cycles_compared, sequences_}; }
  void go_on(const Place& place) {
    count_.cycles_compared = place.cycles_compared;
    sequences_ = place.sequences;
  }
  const TwinSpec& spec() const { return spec_; }
  const std::string& instance() const { return instance_; }
  std::uint64_t seed() const { return seed_; }

  TwinCount& count() { return count_; }
  const TwinCount& count() const { return count_; }
  /// Was a fault asked for, and never planted?
  bool fault_missed() const { return spec_.inject && !injected_; }

 private:
  TwinSpec spec_;
  std::string instance_;
  std::uint64_t stream_;  // of the draws of sequences
  std::uint64_t seed_;
  TwinCount count_;
  bool injected_ = false;
  TwinWindow* window_ = nullptr;
  std::optional<Finding> first_;
  Cycle last_finish_ = kNever;
  std::uint64_t sequences_ = 0;
  bool taken_ = false;              // this sequence
  std::shared_ptr<Budget> budget_;  // null: none
  std::int64_t spent_ = 0;
};

}  // namespace leto::model
