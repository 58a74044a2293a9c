// What a twin found: the first difference between the model and the RTL, with its surroundings.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Of a command that is for none.
inline constexpr const char* kForNone = "no operation";

/// What the block was doing.
struct Story {
  std::string command;    // the instruction: "core 1 pc 42: matmul @7"
  std::string operation;  // the graph operation it is for
  std::string doing;      // how far it is
  std::string inputs;     // decoded: what the wrong element was made from where that is known, or the last

  /// The same for a program, where the block is one that is compared by its channels; a log does not keep it.
  struct Input {
    std::string channel;
    std::vector<std::size_t> elements, beats;  // of the command, from 0; no beats: the block reads a memory
    std::vector<std::string> values;
  };
  std::string channel = {};
  std::optional<std::size_t> element = {};  // of the channel and command, from 0
  std::vector<Input> made_from = {};
};

struct Finding {
  std::string instance, signal;
  Cycle cycle = 0;                   // of the PE
  std::uint64_t compared_cycle = 0;  // of those that this twin compared
  std::string model, rtl;            // both values, decoded
  Story story;
  std::uint64_t seed = 0;
  bool planted = false;  // by inject

  /// One line.
  std::string text() const;
};

struct TwinLog;

class TwinMismatch : public Error {
 public:
  explicit TwinMismatch(Finding finding, std::shared_ptr<const TwinLog> log = nullptr);
  const Finding& finding() const { return finding_; }
  /// For a replay; null when it comes from a block alone.
  const TwinLog* log() const { return log_.get(); }

 private:
  Finding finding_;
  std::shared_ptr<const TwinLog> log_;
};

}  // namespace leto::model
