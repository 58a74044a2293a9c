// The requests of one direction that wait in a controller: by bank in order of age, and for each bank the
// oldest that its open row serves (hit) and the oldest that needs another row (miss); of each bank group, the
// oldest hit.
#pragma once

#include <cstdint>
#include <vector>

#include "model/hbm/bank_set.h"

namespace leto::model {

inline constexpr std::uint32_t kNoRow = ~std::uint32_t{0};

class RequestQueue {
 public:
  using Age = std::uint64_t;  // smaller is older
  static constexpr Age kYoungest = ~Age{0};
  static constexpr int kNone = -1;

  struct Request {
    std::uint64_t burst;
    Age age;
    std::uint32_t row;
    std::int32_t run;
    std::int16_t older, younger;  // in the same bank
  };
  struct Hit {
    Age age = kYoungest;
    int bank = kNone;
  };

  /// `groups`: a power of two; banks of a group are that far apart.
  RequestQueue(int capacity, int banks, int groups);

  int size() const { return size_; }
  bool full() const { return free_ == kNone; }

  BankSet hits() const { return hits_; }
  BankSet misses() const { return misses_; }
  Age hit_age(int bank) const { return request(line(bank).hit).age; }
  Age miss_age(int bank) const { return of(miss_age_, bank); }
  bool holds(int bank, std::uint64_t burst) const;

  /// The oldest hit of a group, held banks aside, and the groups that have one.
  const Hit& group_hit(int group) const { return of(group_hits_, group); }
  BankSet hit_groups() const { return hit_groups_; }
  /// A bank that is held has no part in the hits of its group.
  BankSet held() const { return held_; }
  void hold(int bank);
  void let_go(int bank);

  /// The youngest of all; `open_row` of its bank.
  void push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row, Age age,
            std::int32_t run);
  /// Takes the hit of a bank out; what is returned stands until the next push.
  const Request& take_hit(int bank);
  /// Takes the miss of a bank out, whose row is open from now on.
  const Request& take_miss(int bank);
  /// The bank's open row has changed (kNoRow: closed).
  void row_changed(int bank, std::uint32_t open_row);

 private:
  struct Line {  // the requests of a bank
    std::int16_t oldest = kNone, youngest = kNone, hit = kNone, miss = kNone;
  };
  Line& line(int bank) { return of(lines_, bank); }
  const Line& line(int bank) const { return of(lines_, bank); }
  Request& request(int i) { return requests_[static_cast<std::size_t>(i)]; }
  const Request& request(int i) const { return requests_[static_cast<std::size_t>(i)]; }
  void unlink(int bank, int i);
  void set_hit(int bank, std::int16_t i);
  void set_miss(int bank, std::int16_t i);
  void renew_group(int bank);

  std::vector<Request> requests_;
  int banks_, groups_;
  ByBank<Line> lines_{};
  ByBank<Age> hit_age_, miss_age_;  // kYoungest: none, or held
  ByBank<Hit> group_hits_{};        // by group
  BankSet hits_ = 0, misses_ = 0;   // banks that have one
  BankSet held_ = 0;
  BankSet hit_groups_ = 0;
  int size_ = 0;
  std::int16_t free_ = kNone;  // places, linked by `younger`
};

// What every burst goes through is inline.

inline void RequestQueue::renew_group(int bank) {
  const int group = bank & (groups_ - 1);
  Hit oldest;
  for (int b = group; b < banks_; b += groups_) {
    const Age age = of(hit_age_, b);
    oldest.bank = age < oldest.age ? b : oldest.bank;
    oldest.age = age < oldest.age ? age : oldest.age;
  }
  of(group_hits_, group) = oldest;
  hit_groups_ = with(hit_groups_, group, oldest.bank != kNone);
}

inline void RequestQueue::set_hit(int bank, std::int16_t i) {
  line(bank).hit = i;
  hits_ = with(hits_, bank, i != kNone);
  of(hit_age_, bank) = i == kNone || (held_ >> bank & 1) != 0 ? kYoungest : request(i).age;
  renew_group(bank);
}

inline void RequestQueue::set_miss(int bank, std::int16_t i) {
  line(bank).miss = i;
  misses_ = with(misses_, bank, i != kNone);
  if (i != kNone) of(miss_age_, bank) = request(i).age;
}

inline void RequestQueue::push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row,
                               Age age, std::int32_t run) {
  const std::int16_t i = free_;
  Request& r = request(i);
  free_ = r.younger;
  Line& l = line(bank);
  r = {burst, age, row, run, l.youngest, kNone};
  (l.youngest == kNone ? l.oldest : request(l.youngest).younger) = i;
  l.youngest = i;
  ++size_;
  if (row == open_row) {
    if (l.hit == kNone) set_hit(bank, i);
  } else if (l.miss == kNone) {
    set_miss(bank, i);
  }
}

inline void RequestQueue::unlink(int bank, int i) {
  Request& r = request(i);
  Line& l = line(bank);
  (r.older == kNone ? l.oldest : request(r.older).younger) = r.younger;
  (r.younger == kNone ? l.youngest : request(r.younger).older) = r.older;
  r.younger = free_;
  free_ = static_cast<std::int16_t>(i);
  --size_;
}

inline const RequestQueue::Request& RequestQueue::take_hit(int bank) {
  const int i = line(bank).hit;
  const Request& taken = request(i);
  std::int16_t next = taken.younger;
  while (next != kNone && request(next).row != taken.row) next = request(next).younger;
  unlink(bank, i);
  set_hit(bank, next);
  return taken;
}

}  // namespace leto::model
