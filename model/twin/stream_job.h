// A command as a foreign block's channels see it, whatever the block: what it is told, the elements that go
// in and those that have to come out, each in its order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/dtypes.h"
#include "model/kernel/time.h"

namespace leto::model {

/// The elements of one channel.
struct Flow {
  int channel = 0;           // of the contract
  DType type = DType::fp32;  // of an element
  std::vector<std::uint32_t> elements;
  /// Beats do not reach over a row's end, unless the channel joins rows.
  struct Row {
    std::size_t end;      // elements of it and those before it
    std::size_t address;  // of its first one, as `memory` lies
  };
  std::vector<Row> rows;
  std::size_t pitch = 1;              // elements of a row of `memory`
  std::vector<std::uint32_t> memory;  // an input's: what a block reads that gives an index
  int returns_to = -1;                // an output's: the input whose memory it writes

  /// An output's element that may differ: how much, from what exact value. Empty: no bit.
  struct Bound {
    double exact = 0, slack = 0;
  };
  std::vector<Bound> bounds;
  std::vector<std::size_t> places;  // of a result's elements in what the command leaves; empty: in order
  /// The fields of its one beat; none: anything goes.
  std::vector<std::optional<std::uint64_t>> fields;
};

struct StreamJob {
  std::vector<std::uint64_t> command;  // fields, in the contract's order
  std::vector<Flow> in, out;
  /// Which elements of in[i] an element of the results was made from. Null: the one in its own place.
  std::function<std::vector<std::size_t>(std::size_t i, std::size_t element)> made_from;
  Cycle start = 0;                     // the model's, or a clock before
  Cycle cycles = 0;                    // that the model takes
  std::uint64_t work = 0;              // multiply-adds
  std::string name, operation, doing;  // for the finding
};

}  // namespace leto::model
