// What all twins of a chip have in common, whatever the block.
#pragma once

#include "isa/command.h"
#include "isa/program.h"
#include "model/twin/comparison.h"

namespace leto::model {

struct TwinLog;

class Twin {
 public:
  virtual ~Twin() = default;
  /// Lets what was begun come to its end.
  virtual void flush() = 0;
  /// What it keeps, for a replay.
  virtual void log(TwinLog& log) const = 0;
  virtual Comparison& comparison() = 0;
};

/// The graph operation that a command is for.
inline std::string operation_of(const isa::Command& command, const isa::Program& program) {
  return command.source < program.sources.size() ? program.sources[command.source].operation : kForNone;
}

}  // namespace leto::model
