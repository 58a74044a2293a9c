// The requests of one direction that wait in a controller. Each stands in one line, in order of age: those
// that need another row than the open one (misses) by bank, those that the open row serves (hits) by bank
// group, since all hits of a group become ready together; hits of a bank that is held, whose activate is
// recent, by bank.
#pragma once

#include <cstdint>
#include <vector>

#include "base/snapshot.h"
#include "model/hbm/bank_set.h"

namespace leto::model {

inline constexpr std::uint32_t kNoRow = ~std::uint32_t{0};

class RequestQueue {
 public:
  static constexpr int kNone = -1;

  struct Request {
    std::uint64_t burst;
    std::uint64_t age;  // smaller is older
    std::uint32_t row;
    std::int32_t run;
    std::int16_t bank;
    std::int16_t behind;  // in its line, or among the free places
  };

  /// `group_mask`: the bits of a bank's number that are its group's.
  RequestQueue(int capacity, int group_mask);

  int size() const { return size_; }
  bool full() const { return free_ == kNone; }

  BankSet misses() const { return misses_; }  // banks that have one
  std::uint64_t miss_age(int bank) const { return of(miss_age_, bank); }
  BankSet hit_groups() const { return hit_groups_; }
  std::uint64_t hit_age(int group) const { return of(hit_age_, group); }
  const Request& oldest_hit(int group) const { return request(of(hit_lines_, group).head); }
  BankSet held_hits() const { return held_hits_; }  // banks that are held and have a hit
  const Request& oldest_held(int bank) const { return request(of(held_lines_, bank).head); }
  bool has_hit(int bank) const { return of(hits_, bank) != 0; }
  bool holds(int bank, std::uint64_t burst) const;

  /// The youngest of all; `open_row` of its bank.
  const Request& push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row,
                      std::uint64_t age, std::int32_t run);
  /// Takes out the oldest hit of a bank that is held, or else of its group. It stands until the next push.
  const Request& take_hit(int bank);
  /// Takes the oldest miss of a bank out, likewise.
  const Request& take_miss(int bank);
  /// The bank has opened a row, and is held until let go or closed.
  void opened(int bank, std::uint32_t row);
  void let_go(int bank);
  void closed(int bank);

  void state(Snapshot& s) {
    s(requests_, size_, free_, misses_, hit_groups_, held_hits_, held_, miss_lines_, held_lines_, hit_lines_,
      miss_age_, hit_age_, hits_);
  }

 private:
  struct Line {
    std::int16_t head = kNone, tail = kNone;
  };

  Request& request(int i) { return requests_[static_cast<std::size_t>(i)]; }
  const Request& request(int i) const { return requests_[static_cast<std::size_t>(i)]; }
  bool is_held(int bank) const { return (held_ >> bank & 1) != 0; }
  void append(Line& line, std::int16_t i);
  const Request& take(Line& line);
  template <typename Pick>
  Line split(Line& line, Pick&& pick);
  void merge(Line& line, Line others);
  void append_newest(Line& line, std::int16_t i, BankSet& set, ByBank<std::uint64_t>& ages, int number);
  void renew(BankSet& set, ByBank<std::uint64_t>& ages, int number, const Line& line);
  const Request& take_held(int bank);
  bool in_line(const Line& line, std::uint64_t burst) const;

  std::vector<Request> requests_;
  int group_mask_;
  int size_ = 0;
  std::int16_t free_ = kNone;
  BankSet misses_ = 0, hit_groups_ = 0, held_hits_ = 0, held_ = 0;
  ByBank<Line> miss_lines_{}, held_lines_{}, hit_lines_{};  // the last by group
  ByBank<std::uint64_t> miss_age_{}, hit_age_{};            // of the head of the line, if there is one
  ByBank<std::int16_t> hits_{};
};

// What every burst goes through is inline.

inline void RequestQueue::append(Line& line, std::int16_t i) {
  (line.head == kNone ? line.head : request(line.tail).behind) = i;
  line.tail = i;
}

inline const RequestQueue::Request& RequestQueue::take(Line& line) {
  const std::int16_t i = line.head;
  Request& r = request(i);
  line.head = r.behind;
  r.behind = free_;
  free_ = i;
  --size_;
  return r;
}

// The line's head has changed.
inline void RequestQueue::renew(BankSet& set, ByBank<std::uint64_t>& ages, int number, const Line& line) {
  if (line.head == kNone)
    set &= ~bank_bit(number);
  else
    of(ages, number) = request(line.head).age;
}

inline void RequestQueue::append_newest(Line& line, std::int16_t i, BankSet& set, ByBank<std::uint64_t>& ages,
                                        int number) {
  if (line.head == kNone) {
    line.head = i;
    set |= bank_bit(number);
    of(ages, number) = request(i).age;
  } else {
    request(line.tail).behind = i;
  }
  line.tail = i;
}

inline const RequestQueue::Request& RequestQueue::push(std::uint64_t burst, int bank, std::uint32_t row,
                                                       std::uint32_t open_row, std::uint64_t age,
                                                       std::int32_t run) {
  const std::int16_t i = free_;
  Request& r = request(i);
  free_ = r.behind;
  r = {burst, age, row, run, static_cast<std::int16_t>(bank), kNone};
  ++size_;
  if (row != open_row) {
    append_newest(of(miss_lines_, bank), i, misses_, miss_age_, bank);
    return r;
  }
  ++of(hits_, bank);
  const int group = bank & group_mask_;
  if (is_held(bank)) {
    append(of(held_lines_, bank), i);
    held_hits_ |= bank_bit(bank);
  } else {
    append_newest(of(hit_lines_, group), i, hit_groups_, hit_age_, group);
  }
  return r;
}

inline const RequestQueue::Request& RequestQueue::take_hit(int bank) {
  --of(hits_, bank);
  if (is_held(bank)) return take_held(bank);
  const int group = bank & group_mask_;
  Line& line = of(hit_lines_, group);
  const Request& taken = take(line);
  renew(hit_groups_, hit_age_, group, line);
  return taken;
}

}  // namespace leto::model
