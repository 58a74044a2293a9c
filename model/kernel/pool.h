// Records that come and go by the million: taken and given back by number, never freed.
#pragma once

#include <vector>

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
    const int id = unused_.back();
    unused_.pop_back();
    return id;
  }
  void give(int id) { unused_.push_back(id); }

  T& operator[](int id) { return items_[static_cast<std::size_t>(id)]; }
  const T& operator[](int id) const { return items_[static_cast<std::size_t>(id)]; }
  /// Asks the host to have the record at hand soon.
  void prefetch(int id) const { __builtin_prefetch(items_.data() + id); }

 private:
  std::vector<T> items_;
  std::vector<int> unused_;
};

}  // namespace leto::model
