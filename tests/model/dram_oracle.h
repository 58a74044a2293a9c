// A memory controller simulated tick by tick, as an oracle for model/hbm: plain lists, every rule looked up
// in the history of commands at every tick, nothing remembered about the future. Written from the rules, not
// from the model: it shares only the run, the grade in ticks and the geometry with it.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "model/hbm/controller.h"

namespace leto::model::test {

class DramOracle {
 public:
  struct Done {
    std::uint32_t tag;
    Tick tick;
    bool write;
    bool operator==(const Done&) const = default;
  };

  explicit DramOracle(const ControllerSpec& spec)
      : s_(spec),
        t_(spec.timing),
        banks_(static_cast<std::size_t>(banks())),
        last_(kKinds, std::vector<std::optional<Tick>>(banks_.size())),
        activates_(static_cast<std::size_t>(spec.geometry.pseudo_channels)),
        closed_(banks_.size()),
        due_(interval()) {}

  void submit(const Run& run, Tick at) {
    for (int i = 0; i < run.bursts; ++i)
      arrivals_.push_back(
          {run.first_burst + static_cast<unsigned>(i), run.write, run.tag, at, i + 1 == run.bursts});
    if (!run.write) left_[run.tag] = run.bursts;
  }
  bool empty() const { return arrivals_.empty() && reads_.empty() && writes_.empty() && moved_.empty(); }

  /// Tick `now`: commands first, then what may start with the next tick.
  void tick(Tick now) {
    now_ = now;
    if (now == due_) {
      for (int channel = 0; channel < s_.geometry.pseudo_channels; ++channel)
        refreshes_.push_back(refresh_number_++);
      due_ += interval();
    }
    const bool column_issued = column_slot();
    if (!(t_.shared_bus && column_issued)) row_slot();
    intake();
  }

  std::vector<Done> done;

 private:
  struct Request {
    std::uint64_t burst;
    bool write;
    std::uint32_t tag;
    Tick at;
    bool last;
    Tick accepted = 0, moved = 0;
    BurstPlace place{};
  };
  enum class Kind { read, write, activate, precharge, refresh, none };
  static constexpr int kKinds = 5;
  struct Bank {
    std::optional<std::uint32_t> row;
  };

  int banks() const { return s_.geometry.banks(); }
  Tick interval() const {
    if (s_.refresh == ControllerSpec::Refresh::none) return ~Tick{0};
    return all() ? t_.refresh_interval : t_.bank_refresh_interval;
  }
  bool all() const { return s_.refresh == ControllerSpec::Refresh::all_bank; }
  bool same(int (BankGeometry::*part)(int) const, int a, int b) const {
    return (s_.geometry.*part)(a) == (s_.geometry.*part)(b);
  }

  // Whether `kind` to `bank` keeps its distance from the last command of every kind to every bank.
  bool allowed(Kind kind, int bank) const {
    const bool column = kind == Kind::read || kind == Kind::write;
    if (kind != Kind::precharge && t_.edges == 2 && now_ % 2 == 0) return false;
    if (now_ < row_bus_ && (!column || t_.shared_bus)) return false;
    for (int past = 0; past < kKinds; ++past)
      for (int other = 0; other < banks(); ++other) {
        const auto& last = last_[static_cast<std::size_t>(past)][static_cast<std::size_t>(other)];
        if (last && now_ < *last + distance(static_cast<Kind>(past), other, kind, bank)) return false;
      }
    if (kind == Kind::activate) {
      const auto& four = activates_[static_cast<std::size_t>(s_.geometry.pseudo_channel(bank))];
      if (four.size() == 4 && now_ < four.front() + t_.four_activates) return false;
    }
    const auto& closed = closed_[static_cast<std::size_t>(bank)];
    const Tick reopen = t_.precharge_to_activate + (kind == Kind::refresh ? t_.refresh_lag : 0);
    return !(closed && (kind == Kind::activate || kind == Kind::refresh) && now_ < *closed + reopen);
  }

  Tick distance(Kind past, int past_bank, Kind next, int bank) const {
    if (!same(&BankGeometry::pseudo_channel, past_bank, bank)) return 0;
    const bool same_bank = past_bank == bank, same_group = same(&BankGeometry::group, past_bank, bank);
    const bool same_stack = same(&BankGeometry::stack, past_bank, bank);
    const Tick in_direction = std::max(same_stack ? t_.column_same_stack : t_.column_other_stack,
                                       same_group ? t_.column_same_group : 0);
    switch (past) {
      case Kind::read:
        if (next == Kind::read) return in_direction;
        if (next == Kind::write) return t_.read_to_write;
        if (next == Kind::precharge && same_bank) return t_.read_to_precharge;
        break;
      case Kind::write:
        if (next == Kind::write) return in_direction;
        if (next == Kind::read)
          return std::max(t_.write_to_read, same_group ? t_.write_to_read_same_group : 0);
        if (next == Kind::precharge && same_bank) return t_.write_to_precharge;
        break;
      case Kind::activate:
        if (next == Kind::activate)
          return std::max({t_.activate_any, same_group ? t_.activate_same_group : 0,
                           same_bank ? t_.activate_same_bank : 0});
        if (next == Kind::refresh)
          return std::max(same_bank ? t_.activate_same_bank + t_.refresh_lag : 0,
                          all() ? 0 : t_.activate_to_bank_refresh_any);
        if (!same_bank) break;
        if (next == Kind::read) return t_.activate_to_read;
        if (next == Kind::write) return t_.activate_to_write;
        if (next == Kind::precharge) return t_.activate_to_precharge;
        break;
      case Kind::precharge:
        if (next == Kind::precharge) return t_.precharge_any;
        if (next == Kind::activate && same_bank) return t_.precharge_to_activate;
        if (next == Kind::refresh && same_bank) return t_.precharge_to_activate + t_.refresh_lag;
        break;
      case Kind::refresh:
        if (next == Kind::activate)
          return all()
                     ? (same_bank ? t_.refresh_to_activate : 0)
                     : std::max(same_bank ? t_.bank_refresh_to_activate : 0, t_.bank_refresh_to_activate_any);
        if (next == Kind::refresh)
          return all() ? (same_bank ? t_.refresh_to_activate + t_.refresh_lag : 0)
                       : std::max(same_bank ? t_.bank_refresh_to_activate + t_.refresh_lag : 0,
                                  t_.bank_refresh_any);
        break;
      case Kind::none:
        break;
    }
    return 0;
  }

  void record(Kind kind, int bank) {
    last_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(bank)] = now_;
    if (kind != Kind::activate) return;
    auto& four = activates_[static_cast<std::size_t>(s_.geometry.pseudo_channel(bank))];
    four.push_back(now_);
    if (four.size() > 4) four.pop_front();
  }

  void choose_direction() {
    const int r = static_cast<int>(reads_.size()), w = static_cast<int>(writes_.size());
    if (!writing_ && (w > s_.drain_above || r == 0))
      writing_ = true;
    else if (writing_ && w < s_.drain_below && r != 0)
      writing_ = false;
  }

  bool is_moved(int bank) const {
    return std::any_of(moved_.begin(), moved_.end(), [&](const Request& r) { return r.place.bank == bank; });
  }
  bool hits(const Request& r) const {
    return banks_[static_cast<std::size_t>(r.place.bank)].row == r.place.row;
  }
  static Kind column_of(const Request& r) { return r.write ? Kind::write : Kind::read; }

  // Oldest of those whose column command can go; of one tick, in order of activation.
  std::vector<Request>::iterator best_moved() {
    auto best = moved_.end();
    for (auto r = moved_.begin(); r != moved_.end(); ++r)
      if (allowed(column_of(*r), r->place.bank) && (best == moved_.end() || r->accepted < best->accepted))
        best = r;
    return best;
  }
  std::deque<Request>& waiting() { return writing_ ? writes_ : reads_; }

  Kind row_command(const Request& r) const {
    if (is_to_be_refreshed(r.place.bank)) return Kind::none;
    if (!banks_[static_cast<std::size_t>(r.place.bank)].row) return Kind::activate;
    return hits(r) || is_moved(r.place.bank) ? Kind::none : Kind::precharge;
  }

  bool column_slot() {
    if (const auto m = best_moved(); m != moved_.end()) {
      const Request r = *m;
      moved_.erase(m);
      serve(r);
      return true;
    }
    if (stopped()) return false;
    choose_direction();
    if (t_.shared_bus && refresh_can_go()) return false;
    for (auto r = waiting().begin(); r != waiting().end(); ++r) {
      if (t_.shared_bus && row_command(*r) != Kind::none && allowed(row_command(*r), r->place.bank))
        return false;
      if (!hits(*r) || !allowed(column_of(*r), r->place.bank)) continue;
      const Request served = *r;
      waiting().erase(r);
      serve(served);
      return true;
    }
    return false;
  }

  void serve(const Request& r) {
    record(column_of(r), r.place.bank);
    if (t_.shared_bus) row_bus_ = now_ + 1;
    if (!r.write) give_back(r.tag, now_ + t_.read_latency);
    const auto same_row = [&](const Request& o) { return o.place.bank == r.place.bank && hits(o); };
    if (s_.closed_rows && std::none_of(reads_.begin(), reads_.end(), same_row) &&
        std::none_of(writes_.begin(), writes_.end(), same_row) && !is_moved(r.place.bank)) {
      // Closes by itself as soon as the bank's own commands allow a precharge.
      Tick at = 0;
      for (const Kind kind : {Kind::read, Kind::write, Kind::activate})
        if (const auto& last = last_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(r.place.bank)])
          at = std::max(at, *last + distance(kind, r.place.bank, Kind::precharge, r.place.bank));
      closed_[static_cast<std::size_t>(r.place.bank)] = at;
      banks_[static_cast<std::size_t>(r.place.bank)].row.reset();
    }
  }

  void row_slot() {
    if (!stopped()) choose_direction();
    if (refresh_can_go()) return refresh();
    if (stopped()) return;
    for (auto r = waiting().begin(); r != waiting().end(); ++r) {
      const Kind kind = row_command(*r);
      if (kind == Kind::none || !allowed(kind, r->place.bank)) continue;
      Bank& bank = banks_[static_cast<std::size_t>(r->place.bank)];
      record(kind, r->place.bank);
      row_bus_ = now_ + (kind == Kind::activate ? t_.activate_bus : 1);
      if (kind == Kind::precharge) {
        bank.row.reset();
        return;
      }
      bank.row = r->place.row;
      moved_.push_back(*r);
      waiting().erase(r);
      return;
    }
  }

  bool stopped() const { return static_cast<int>(refreshes_.size()) > s_.postponable; }

  // Those of the refresh that is due first.
  std::vector<int> banks_to_refresh() const {
    if (refreshes_.empty()) return {};
    const int first = s_.geometry.refresh_order(refreshes_.front());
    std::vector<int> targets;
    for (int b = 0; b < banks(); ++b)
      if (all() ? same(&BankGeometry::pseudo_channel, b, first) : b == first) targets.push_back(b);
    return targets;
  }
  bool is_to_be_refreshed(int bank) const {
    const std::vector<int> targets = banks_to_refresh();
    return std::find(targets.begin(), targets.end(), bank) != targets.end();
  }
  bool is_open(int bank) const { return banks_[static_cast<std::size_t>(bank)].row.has_value(); }

  // Open banks are closed first, unless one is needed.
  bool refresh_can_go() {
    const std::vector<int> targets = banks_to_refresh();
    const bool open = std::any_of(targets.begin(), targets.end(), [&](int b) { return is_open(b); });
    for (const int b : targets) {
      const auto needs = [&](const Request& r) { return r.place.bank == b && hits(r); };
      if (is_moved(b) || (!stopped() && std::any_of(waiting().begin(), waiting().end(), needs))) return false;
      if ((!open || is_open(b)) && !allowed(open ? Kind::precharge : Kind::refresh, b)) return false;
    }
    return !targets.empty();
  }

  void refresh() {
    const std::vector<int> targets = banks_to_refresh();
    const bool open = std::any_of(targets.begin(), targets.end(), [&](int b) { return is_open(b); });
    row_bus_ = now_ + 1;
    for (const int b : targets) {
      if (open && !is_open(b)) continue;
      record(open ? Kind::precharge : Kind::refresh, b);
      banks_[static_cast<std::size_t>(b)].row.reset();
    }
    if (!open) refreshes_.pop_front();
  }

  void intake() {
    for (int i = 0; i < Controller::kIntake && !arrivals_.empty() && arrivals_.front().at <= now_; ++i) {
      Request r = arrivals_.front();
      r.accepted = now_;
      r.place = s_.map(r.burst);
      const bool queued =
          std::any_of(writes_.begin(), writes_.end(), [&](const Request& w) { return w.burst == r.burst; });
      auto& queue = r.write ? writes_ : reads_;
      if (!queued && static_cast<int>(queue.size()) >= (r.write ? s_.write_queue : s_.read_queue)) return;
      arrivals_.pop_front();
      if (!queued) queue.push_back(r);
      if (r.write && r.last) done.push_back({r.tag, now_, true});
      if (queued && !r.write) give_back(r.tag, now_ + 1);
    }
  }

  void give_back(std::uint32_t tag, Tick tick) {
    back_ = std::max(back_, tick);
    if (--left_[tag] == 0) done.push_back({tag, back_, false});
  }

  const ControllerSpec& s_;
  const CommandTiming& t_;
  std::vector<Bank> banks_;
  std::deque<Request> arrivals_, reads_, writes_;
  std::vector<Request> moved_;  // in order of activation
  std::deque<std::uint64_t> refreshes_;
  std::uint64_t refresh_number_ = 0;
  std::vector<std::vector<std::optional<Tick>>> last_;  // of each kind to each bank
  std::vector<std::deque<Tick>> activates_;             // the last four of a pseudo channel
  std::vector<std::optional<Tick>> closed_;             // by automatic precharge
  std::map<std::uint32_t, int> left_;
  Tick due_, now_ = 0, row_bus_ = 0, back_ = 0;
  bool writing_ = false;
};

}  // namespace leto::model::test
