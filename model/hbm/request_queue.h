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
  const Request& operator[](int request) const { return requests_[static_cast<std::size_t>(request)]; }

  BankSet hits() const { return hits_; }
  BankSet misses() const { return misses_; }
  int hit(int bank) const { return at(bank).hit; }
  int miss(int bank) const { return at(bank).miss; }
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
  };
  Line& at(int bank) { return lines_[static_cast<std::size_t>(bank)]; }
  const Line& at(int bank) const { return lines_[static_cast<std::size_t>(bank)]; }
  Request& request(int i) { return requests_[static_cast<std::size_t>(i)]; }
  void unlink(int i);
  void set_hit(int bank, std::int16_t i);
  void set_miss(int bank, std::int16_t i);

  std::vector<Request> requests_;
  std::vector<Line> lines_;
  BankSet hits_ = 0, misses_ = 0;  // banks that have one
  int size_ = 0;
  std::int16_t free_ = kNone;  // places, linked by `younger`
};

}  // namespace leto::model
