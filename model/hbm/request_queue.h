// The requests of one direction that wait in a controller: by bank in order of age, and for each bank the
// oldest that its open row serves (hit) and the oldest that needs another row (miss).
#pragma once

#include <cstdint>
#include <vector>

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
    std::int16_t older, younger;  // in the same bank
    std::int16_t bank;
  };

  RequestQueue(int capacity, int banks);

  int size() const { return size_; }
  bool full() const { return free_ == kNone; }

  BankSet hits() const { return hits_; }
  BankSet misses() const { return misses_; }
  std::uint64_t hit_age(int bank) const { return at(bank).hit_age; }
  std::uint64_t miss_age(int bank) const { return at(bank).miss_age; }
  bool holds(int bank, std::uint64_t burst) const;

  /// The youngest of all; `open_row` of its bank.
  void push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row, std::uint64_t age,
            std::int32_t run);
  /// Takes the hit of a bank out.
  Request take_hit(int bank);
  /// Takes the miss of a bank out, whose row is open from now on.
  Request take_miss(int bank);
  /// The bank's open row has changed (kNoRow: closed).
  void row_changed(int bank, std::uint32_t open_row);

 private:
  struct Line {  // the requests of a bank
    std::int16_t oldest = kNone, youngest = kNone, hit = kNone, miss = kNone;
    std::uint64_t hit_age = 0, miss_age = 0;
  };
  Line& at(int bank) { return lines_[static_cast<std::size_t>(bank)]; }
  const Line& at(int bank) const { return lines_[static_cast<std::size_t>(bank)]; }
  Request& request(int i) { return requests_[static_cast<std::size_t>(i)]; }
  const Request& request(int i) const { return requests_[static_cast<std::size_t>(i)]; }
  void unlink(int i);
  void set_hit(int bank, std::int16_t i);
  void set_miss(int bank, std::int16_t i);

  std::vector<Request> requests_;
  std::vector<Line> lines_;
  BankSet hits_ = 0, misses_ = 0;  // banks that have one
  int size_ = 0;
  std::int16_t free_ = kNone;  // places, linked by `younger`
};

// What every burst goes through is inline.

inline void RequestQueue::set_hit(int bank, std::int16_t i) {
  at(bank).hit = i;
  if (i == kNone) {
    hits_ &= ~bank_bit(bank);
  } else {
    hits_ |= bank_bit(bank);
    at(bank).hit_age = request(i).age;
  }
}

inline void RequestQueue::set_miss(int bank, std::int16_t i) {
  at(bank).miss = i;
  if (i == kNone) {
    misses_ &= ~bank_bit(bank);
  } else {
    misses_ |= bank_bit(bank);
    at(bank).miss_age = request(i).age;
  }
}

inline void RequestQueue::push(std::uint64_t burst, int bank, std::uint32_t row, std::uint32_t open_row,
                               std::uint64_t age, std::int32_t run) {
  const std::int16_t i = free_;
  Request& r = request(i);
  free_ = r.younger;
  Line& line = at(bank);
  r = {burst, age, row, run, line.youngest, kNone, static_cast<std::int16_t>(bank)};
  (line.youngest == kNone ? line.oldest : request(line.youngest).younger) = i;
  line.youngest = i;
  ++size_;
  if (row == open_row) {
    if (line.hit == kNone) set_hit(bank, i);
  } else if (line.miss == kNone) {
    set_miss(bank, i);
  }
}

inline void RequestQueue::unlink(int i) {
  Request& r = request(i);
  Line& line = at(r.bank);
  (r.older == kNone ? line.oldest : request(r.older).younger) = r.younger;
  (r.younger == kNone ? line.youngest : request(r.younger).older) = r.older;
  r.younger = free_;
  free_ = static_cast<std::int16_t>(i);
  --size_;
}

inline RequestQueue::Request RequestQueue::take_hit(int bank) {
  const int i = at(bank).hit;
  const Request taken = request(i);
  unlink(i);
  std::int16_t next = taken.younger;
  while (next != kNone && request(next).row != taken.row) next = request(next).younger;
  set_hit(bank, next);
  return taken;
}

}  // namespace leto::model
