// Commands of an engine compared with a block, whatever the way: in lock-step, or as streams.
#pragma once

#include "model/twin/command_log.h"

namespace leto::model {

template <class Run>
class CommandChecker {
 public:
  virtual ~CommandChecker() = default;

  /// Does the block have this operation, type and size? What the command is given and leaves is not there
  /// yet.
  virtual bool offers(const Run&) const { return true; }
  /// Commands in the order of the engine. Throws TwinMismatch with the first difference.
  virtual void add(Run run) = 0;
  /// Lets the last command come to its end.
  virtual void flush() = 0;

  virtual const CommandLog<Run>& log() const = 0;
  /// Runs a log's commands as the run that left it did.
  virtual void replay(const CommandLog<Run>& log) = 0;
  virtual Comparison& comparison() = 0;
};

/// One that can take the model's place. `Element`: of what a command leaves.
template <class Run, class Element>
class ResultChecker : public CommandChecker<Run> {
 public:
  /// The block's result of a command; no value is compared.
  virtual std::vector<Element> compute(Run run) = 0;
};

}  // namespace leto::model
