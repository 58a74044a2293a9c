// A queue of at most N records in place: none is ever made or freed.
#pragma once

#include <array>
#include <cstddef>

#include "base/snapshot.h"

namespace leto::model {

template <class T, std::size_t N>
class Ring {
  static_assert((N & (N - 1)) == 0, "a power of two");

 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == N; }

  T& operator[](std::size_t i) { return items_[(first_ + i) % N]; }
  const T& operator[](std::size_t i) const { return items_[(first_ + i) % N]; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }

  /// A new last record, in whatever state its last use left it.
  T& grow() { return (*this)[size_++]; }
  void pop_front() {
    first_ = (first_ + 1) % N;
    --size_;
  }

  /// show(record) shows a snapshot one.
  template <class Show>
  void state(Snapshot& s, Show&& show) {
    s(first_, size_);
    for (std::size_t i = 0; i < size_; ++i) show((*this)[i]);
  }

 private:
  std::array<T, N> items_{};
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace leto::model
