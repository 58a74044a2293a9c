// What blocks of each kind have at the levels data and window: the fields of a command, the channels that
// operands and results pass by, and the pins of all that. One row a kind, in stream_contract.cpp; what a
// command brings to its channels is stream_jobs.cpp's.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtypes.h"
#include "rtl/foreign.h"

namespace leto::model {

struct StreamField {
  std::string_view name;
  int bits;
};

struct StreamChannel {
  std::string_view name;
  bool input;
  int lane = 32;                         // bits; 0: it has no data, only fields
  std::string_view operations = "";      // that need it, a space behind each; "": every one; "-": none has to
  bool by_element = false;               // an index counts elements, else beats
  std::string_view order = "";           // of a matrix engine: the loops, where the descriptor gives none …
  std::string_view dims = "";            // … and what tells two elements apart: two of m, n, k
  std::vector<StreamField> fields = {};  // of a beat

  // Where its pins are: NAME_valid and so on; `place`: of an input's beat, as `index` counts.
  int valid = 0, ready = 0, data = 0, last = 0, keep = 0, count = 0, index = 0, first_field = 0;
};

struct StreamCode {
  std::string_view name;
  std::uint32_t code;  // that the instruction set has
};

class StreamContract {
 public:
  StreamContract(std::string_view block, std::vector<StreamField> command,
                 std::vector<StreamChannel> channels, std::vector<StreamCode> operations,
                 std::vector<DType> types, std::vector<std::string_view> sizes);

  static constexpr int kValid = 0, kReady = 1, kFirstField = 2;  // pins of a command: cmd_valid and so on

  std::string_view block;
  std::vector<StreamField> command;
  std::vector<StreamChannel> channels;
  std::vector<StreamCode> operations;
  std::vector<DType> types;
  std::vector<std::string_view> sizes;  // of a command, that a block may limit
  std::vector<rtl::ForeignPort> pins;

  /// By name, which there is.
  int channel(std::string_view name) const;

 private:
  int add(const std::string& name, int bits, bool input, int step);
  std::deque<std::string> names_;
};

/// Null: blocks of this kind are compared cycle by cycle only.
const StreamContract* stream_contract(std::string_view block);

}  // namespace leto::model
