// A foreign block under the random commands that rtl/'s own block of its kind is tested with: cycle by cycle
// in the place of that block, or by its channels (stream_checker.h).
#pragma once

#include <functional>
#include <optional>

#include "model/twin/log.h"
#include "model/twin/stream_checker.h"

namespace leto::model {

class ForeignTrial {
 public:
  using MakeForeign = std::function<std::unique_ptr<rtl::ForeignBlock>()>;

  /// `make` gives a block of its own each time, with the pins below.
  ForeignTrial(const StreamSpec& stream, const ChipConfig& chip, const std::string& instance,
               std::uint64_t seed, MakeForeign make)
      : stream_(stream), chip_(chip), instance_(instance), seed_(seed), make_(std::move(make)) {}

  /// The pins that the block can have, or at level cycle has to have.
  static std::vector<rtl::ForeignPort> pins(const StreamSpec& stream, const ChipConfig& chip);

  struct Result {
    std::optional<Finding> finding;
    int given = 0, left_out = 0;  // commands; those that the descriptor does not name are left out
    TwinCount count;
    std::int64_t least = 0, most = 0;  // window: cycles beyond what the descriptor's latency counts from
  };
  /// So many commands, or as far as the first difference. Address generators and routers only once in a
  /// process. Throws Error(bad_input) when hardly any random command is one that the block is given.
  Result run(int commands);
  /// The finding's surroundings, after a run that found it.
  void show(TwinWindow& window);

 private:
  Result run_cycles(int commands);
  Result run_streams(int commands, TwinWindow* window);
  template <class Checker, class Drive>
  Result drive(Checker& checker, Drive give);
  Result run_addresses(int commands);
  Result run_routers(int commands);
  template <class Twins>
  Result collect(const Twins& twins, const std::exception_ptr& failure, int given);
  template <class Programs>
  void give(StreamChecker& checker, Result& result, int commands, Programs& programs);

  StreamSpec stream_;
  ChipConfig chip_;
  std::string instance_;
  std::uint64_t seed_;
  MakeForeign make_;
  TwinLog log_;       // level cycle: up to the finding
  int commands_ = 0;  // of the run
};

}  // namespace leto::model
