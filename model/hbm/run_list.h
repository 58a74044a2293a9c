// The runs of a controller: a FIFO of those not yet wholly accepted, and the reads whose data is not yet all
// back.
#pragma once

#include <cstdint>
#include <vector>

#include "base/snapshot.h"
#include "model/hbm/command_timing.h"

namespace leto::model {

/// Consecutive bursts in the address space of a channel.
struct Run {
  std::uint64_t first_burst;
  std::int32_t bursts;
  bool write;
  std::uint32_t tag;  // comes back with the completion
};

class RunList {
 public:
  struct Item {
    std::uint64_t next_burst;
    Tick at;
    std::int32_t to_accept, to_return;
    std::uint32_t tag;
    std::int32_t behind;  // the next one in the FIFO, or among the free places
    bool write;
  };

  bool empty() const { return front_ == kNone; }
  std::int32_t front() const { return front_; }
  Item& operator[](std::int32_t i) { return items_[static_cast<std::size_t>(i)]; }
  const Item& operator[](std::int32_t i) const { return items_[static_cast<std::size_t>(i)]; }

  void push(const Run& run, Tick at) {
    const std::int32_t i = place();
    (*this)[i] = {run.first_burst, at, run.bursts, run.bursts, run.tag, kNone, run.write};
    (front_ == kNone ? front_ : (*this)[back_].behind) = i;
    back_ = i;
  }
  /// Takes the front out of the FIFO; its place stays until release().
  void pop() { front_ = (*this)[front_].behind; }
  void release(std::int32_t i) {
    (*this)[i].behind = free_;
    free_ = i;
  }

  void state(Snapshot& s) { s(items_, front_, back_, free_); }

 private:
  static constexpr std::int32_t kNone = -1;

  std::int32_t place() {
    if (free_ == kNone) {
      items_.push_back({});
      return static_cast<std::int32_t>(items_.size()) - 1;
    }
    const std::int32_t i = free_;
    free_ = (*this)[i].behind;
    return i;
  }

  std::vector<Item> items_;
  std::int32_t front_ = kNone, back_ = kNone, free_ = kNone;
};

}  // namespace leto::model
