// In which order a channel of a matrix engine brings its elements: loops over m, n and k, outermost first.
// "k/16 n m": block by block of 16 of k, in each all n, in each all m. What the innermost loop goes over is a
// row.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace leto::model {

/// By m, n, k.
inline constexpr std::string_view kDims = "mnk";

class LoopOrder {
 public:
  /// `dims`: what tells the channel's elements apart. Empty result: it is one; else what is wrong.
  static std::string fault(std::string_view text, std::string_view dims);
  /// Of a text without fault.
  explicit LoopOrder(std::string_view text);

  struct Range {
    int from = 0, to = 0;
  };
  using Place = std::array<Range, 3>;  // where the loops stand in m, n, k: one, a block, or all
  /// Every element, and whether it is the last one of its row.
  void each(const std::array<int, 3>& sizes, const std::function<void(const Place&, bool)>& visit) const;
  /// The dimension of the innermost loop.
  std::size_t inner() const { return loops_.back().dim; }

 private:
  struct Loop {
    std::size_t dim;
    int block;  // how many at once; 1: one by one
  };
  static std::vector<Loop> loops_of(std::string_view text);
  void walk(std::size_t loop, Place& place, const std::function<void(const Place&, bool)>& visit) const;

  std::vector<Loop> loops_;
};

}  // namespace leto::model
