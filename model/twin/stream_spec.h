// How a foreign block is spoken to, besides its pins: what its descriptor says (docs/foreign.md).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/dtypes.h"

namespace leto::model {

enum class CompareLevel : std::uint8_t { cycle, window, data };

struct ChannelSpec {
  std::string order;        // loops of a matrix engine's elements (stream_order.h); empty: the contract's
  int beat = 0;             // most elements in a beat; 0: as many as fit
  int lane = 0;             // bits of a lane; 0: the contract's
  bool dense = false;       // narrow elements lie one behind the other; else one a lane
  bool joined = false;      // a beat may hold the end of one row and the start of the next
  bool row_last = false;    // `last` comes with each row's last beat; else with the command's
  int delay = 0;            // cycles from an index to the data read there
  bool by_element = false;  // an index counts elements; else beats
};

/// Values that a block takes: from least to most, in steps from 0.
struct Extent {
  std::int64_t least = 1, most = 65535, step = 1;
  bool holds(std::int64_t value) const { return value >= least && value <= most && value % step == 0; }
};

struct StreamSpec {
  std::string block = "reduction_engine";  // whose contract it keeps
  std::string place;                       // file:line of the descriptor, for errors
  CompareLevel level = CompareLevel::data;
  std::int64_t least = 0, most = 0;  // window: cycles that a command may take, more than the model says …
  bool from_model = true;            // … or in all
  int patience = 0;  // cycles without any progress that are a finding; 0: 2,000 and one a multiply-add
  std::set<std::string> pins;  // of ours that are joined
  std::map<std::string, std::uint32_t>
      operations;                        // codes of cmd_op; those that are not there are not given to it
  std::map<DType, std::uint32_t> types;  // codes of the types; the same
  std::map<std::string, ChannelSpec> channels;
  /// What a pin says of a number x: how many units of so many it takes, less so many.
  struct Count {
    int unit = 1, less = 0;
  };
  std::map<std::string, Count> counts;  // by pin
  std::map<std::string, Extent>
      shape;              // of a command: m, n, k; count; depth, bytes. Those not there: anything
  double bound = 0;       // |error| that is allowed, of sum|ab|, or of max(1, |result|); 0: no bit
  bool ordinary = false;  // no NaN, infinity or subnormal, and no sum that comes near
  std::set<std::string> answered = {"reserve", "wait"};  // buffer manager: operations that it answers

  bool has(const std::string& pin) const { return pins.contains(pin); }
  bool fits(const std::string& size, std::int64_t value) const {
    const auto found = shape.find(size);
    return found == shape.end() || found->second.holds(value);
  }
  ChannelSpec channel(std::string_view name) const {
    const auto found = channels.find(std::string(name));
    return found == channels.end() ? ChannelSpec{} : found->second;
  }
};

}  // namespace leto::model
