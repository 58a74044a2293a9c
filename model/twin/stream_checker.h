// A foreign reduction engine against the model, where its inside may differ: order and data of what it leaves (level
// data), and each command's length too (level window).
//
// Commands go one by one: the next is offered when all of the one before has come out. Each channel (stream_pins.inc) is
// valid/ready or AXI-Stream, which are the same handshake: f, g and b bring operands (b as a stream, or as a memory
// read by b_index in the same cycle), d, p and w take results. At level data every stream stops at random, at both ends;
// a beat that waits has to stay as it is. A command that makes no progress for kPatience cycles is a finding too.
#pragma once

#include <map>
#include <memory>
#include <random>

#include "model/twin/comparison.h"
#include "model/twin/reduction_checker.h"
#include "rtl/foreign.h"

namespace leto::model {

enum class CompareLevel : std::uint8_t { cycle, window, data };

/// How a foreign reduction engine is spoken to, besides its pins.
struct StreamSpec {
  CompareLevel level = CompareLevel::data;
  std::int64_t least = 0, most = 0;  // window: cycles that a command may take more than the model says
  std::map<isa::Opcode, std::uint32_t> operations;  // codes of cmd_op; those that are not there are not given to it
  std::map<DType, std::uint32_t> types;             // codes of cmd_type
  bool dense = false;                               // d_data: elements follow one another; else one a 32-bit lane
  int beat = 0;                                     // most elements in a beat of d; 0: as many as fit

  /// The encodings of the instruction set.
  static StreamSpec defaults();
};

class StreamChecker {
 public:
  static constexpr int kPatience = 2000;

  StreamChecker(std::unique_ptr<rtl::ForeignBlock> block, const StreamSpec& stream, const TwinSpec& spec,
                const std::string& instance, std::uint64_t seed);

  /// The pins that a map can join.
  static std::vector<rtl::ForeignPort> pins();

  /// Throws TwinMismatch with the first difference. False: the block has no such operation or type.
  bool add(const ReductionRun& run);

  Comparison& comparison() { return comparison_; }
  std::int64_t least_seen = 0, most_seen = 0;  // cycles that commands took more than the model says, without stalls

 private:
  struct Input;
  struct Output;

  bool offers(const ReductionRun& run) const;
  void offer(const ReductionRun& run);
  void command(const ReductionRun& run);
  /// What moved in a cycle.
  struct Moved {
    bool command, data;
  };
  Moved clock(const ReductionRun& run, std::vector<Input>& inputs, Output& output);
  void drive(Input& input);
  void read_banks(const ReductionRun& run);
  void check(const ReductionRun& run, Output& output, bool ready);
  void check_beat(const ReductionRun& run, Output& output);
  void check_length(const ReductionRun& run, Cycle cycles);
  void see_pins();
  bool stops() { return stream_.level == CompareLevel::data && random_() % 4 == 0; }
  bool has(int pin) const { return block_->joined(pin) > 0; }
  std::uint32_t& value(int pin) { return *block_->pin(pin); }
  void differ(const ReductionRun& run, const Output& output, const std::string& signal, const std::string& model,
              const std::string& rtl);

  std::unique_ptr<rtl::ForeignBlock> block_;
  StreamSpec stream_;
  Comparison comparison_;
  std::mt19937_64 random_;
  Cycle now_ = 0;  // clocks since the reset
  bool seen_ = false;
};

}  // namespace leto::model
