// A foreign block against the model, where its inside may differ: order and data of what it leaves (level
// data), and each command's length too (level window). What it has is its contract's (stream_contract.h), how
// it is spoken to its descriptor's (stream_spec.h), what a command brings stream_jobs.h's.
//
// Commands go one by one: the next is offered when all of the one before has gone in and come out. Each
// channel is valid/ready or AXI-Stream, which are the same handshake; an input may be a memory instead that
// the block reads by an index. At level data every channel stops at random, at both ends; a beat that waits
// has to stay as it is. A command that makes no progress for long is a finding too, and so is what comes out
// unasked: a beat before the next command is taken is one beyond the last one's.
#pragma once

#include <map>
#include <memory>
#include <random>

#include "model/twin/comparison.h"
#include "model/twin/stream_contract.h"
#include "model/twin/stream_jobs.h"
#include "rtl/foreign.h"

namespace leto::model {

class StreamChecker {
 public:
  static constexpr int kPatience = 2000;

  /// `stream.block` has a contract.
  StreamChecker(std::unique_ptr<rtl::ForeignBlock> block, const StreamSpec& stream, const TwinSpec& spec,
                const std::string& instance, std::uint64_t seed);
  ~StreamChecker();

  /// The pins that a map can join.
  static const std::vector<rtl::ForeignPort>& pins(const StreamSpec& stream) {
    return stream_contract(stream.block)->pins;
  }

  /// Run: a ReductionRun, MatrixRun, LookupRun or BufferRequest. Has the block this operation, type and size?
  template <class Run>
  bool offers(const Run& run) const {
    return model::offers(run, stream_);
  }
  /// Throws TwinMismatch with the first difference. False: the block does not offer it.
  template <class Run>
  bool add(const Run& run) {
    if (!offers(run)) return false;
    play(job_of(run, stream_));
    return true;
  }
  /// What the block leaves of one that it offers; no value is compared, but how it speaks is.
  template <class Run>
  std::vector<std::uint32_t> compute(const Run& run) {
    comparing_ = false;
    play(job_of(run, stream_));
    comparing_ = true;
    return std::move(collected_);
  }
  /// From a reset, and with the stops of the first command.
  void restart();
  /// Nothing more comes out.
  void flush();

  /// What it compares, and can be given a fault.
  static std::vector<std::string> signals(const StreamSpec& stream);

  Comparison& comparison() { return comparison_; }
  std::int64_t least_seen = 0, most_seen = 0;  // cycles that commands took beyond what `latency` counts from

 private:
  struct Source;
  struct Sink;
  /// What moved in a cycle.
  struct Moved {
    bool command = false, data = false;
  };

  void play(const StreamJob& job);
  bool done() const;
  Source source(const Flow& flow) const;
  Sink sink(const Flow& flow) const;
  void lay(const StreamChannel& channel, const Flow& flow, Source& source) const;
  void tell(const StreamJob& job);
  Moved clock();
  void drive(Source& source);
  void put(const Source& source, std::size_t from, std::size_t count);
  void put_keep(const StreamChannel& channel, std::size_t count, std::size_t lanes);
  void read_memory(Source& source, std::size_t index);
  void check_rest();
  void check_unasked(bool commanded);
  bool check(Sink& sink, bool ready, bool commanded);
  void check_beat(Sink& sink);
  void check_sides(const Sink& sink);
  void check_data(Sink& sink);
  void collect(std::size_t place, std::uint32_t value);
  void check_keep(const Sink& sink);
  void compare(int pin, std::uint64_t model);
  void check_length(Cycle cycles);
  void see_pins();
  bool stops() { return stream_.level == CompareLevel::data && random_() % 4 == 0; }
  bool has(int pin) const { return block_->joined(pin) > 0; }
  bool held_ready(int ready) const { return !has(ready) || block_->value(ready) != 0; }
  std::string name(int pin) const { return std::string(block_->ports()[static_cast<std::size_t>(pin)].name); }
  [[noreturn]] void refuse(const std::string& cause, const std::string& remedy) const;
  void differ(const std::string& signal, const std::string& model, const std::string& rtl, Story story = {});
  Story story_of(const Sink& sink, std::size_t element) const;
  Story::Input input_of(const Source& source, const std::vector<std::size_t>& elements) const;
  std::string last_inputs() const;

  std::unique_ptr<rtl::ForeignBlock> block_;
  StreamSpec stream_;
  const StreamContract& contract_;
  Comparison comparison_;
  std::mt19937_64 random_;
  Cycle now_ = 0;  // the model's, and behind it as long as the block takes more time
  bool seen_ = false;
  bool comparing_ = true;
  std::vector<std::uint32_t> collected_;  // what the command under way has left

  const StreamJob* job_ = nullptr;  // under way; null: none
  bool waits_ = false;              // it is not accepted yet
  Story last_;                      // the command before
  std::vector<Source> sources_;
  std::vector<Sink> sinks_;
};

}  // namespace leto::model
