// What a twin found: the first difference between the model and the RTL, with its surroundings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/errors.h"
#include "model/kernel/time.h"

namespace leto::model {

/// What the block was doing.
struct Story {
  std::string command;    // the instruction: "core 1 pc 42: matmul @7"
  std::string operation;  // the graph operation it is for
  std::string doing;      // how far it is
  std::string inputs;     // the last ones, decoded
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
