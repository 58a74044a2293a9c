// Which loads and copies of a program bring indices: they have to be carried out with values off too.
//
// A buffer's number is used for many things one after the other, so what counts is the definition that an
// instruction sees. Definitions are ordered by barriers, and both cores pass the same ones: between the n-th
// and the next barrier in the code, the last definition up to there holds. What a loop leaves at its end may
// be seen at its begin.
#pragma once

#include <array>
#include <vector>

#include "isa/program.h"

namespace leto::model {

class IndexFlow {
 public:
  explicit IndexFlow(const isa::Program& program);

  /// Does the load, transpose or copy at `pc` of a core move indices?
  bool carries(int core, std::uint32_t pc) const { return carries_[static_cast<std::size_t>(core)][pc] != 0; }

 private:
  std::array<std::vector<char>, isa::kCores> carries_;
};

}  // namespace leto::model
