// Records that come and go by the million: taken and given back by number, never freed.
#pragma once

#include <vector>

#include "base/snapshot.h"

namespace leto::model {

template <class T>
class Pool {
 public:
  /// The number of a record in whatever state its last user left it. References do not survive this.
  int take() {
    if (unused_.empty()) {
      items_.emplace_back();
      return static_cast<int>(items_.size()) - 1;
    }
    constexpr std::size_t kAhead = 4;  // this one was asked for when it was so far ahead
    const int id = unused_.back();
    unused_.pop_back();
    if (unused_.size() >= kAhead) __builtin_prefetch(items_.data() + unused_[unused_.size() - kAhead], 1);
    return id;
  }
  void give(int id) { unused_.push_back(id); }

  T& operator[](int id) { return items_[static_cast<std::size_t>(id)]; }
  const T& operator[](int id) const { return items_[static_cast<std::size_t>(id)]; }
  /// Those that are taken; show(record) shows a snapshot one.
  template <class Show>
  void state(Snapshot& s, Show&& show) {
    std::uint64_t count = s.size(items_.size());
    s(unused_);
    if (s.loads()) items_.resize(count);
    std::vector<char> taken(items_.size(), 1);
    for (const int id : unused_) taken.at(static_cast<std::size_t>(id)) = 0;
    for (std::size_t id = 0; id < items_.size(); ++id)
      if (taken[id]) show(items_[id]);
  }
  void state(Snapshot& s) {
    state(s, [&s](T& one) { s(one); });
  }

  /// Asks the host to have the record at hand soon.
  void prefetch(int id) const { __builtin_prefetch(items_.data() + id); }

 private:
  std::vector<T> items_;
  std::vector<int> unused_;
};

}  // namespace leto::model
