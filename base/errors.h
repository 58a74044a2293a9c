// Typed errors: one line of cause, one of remedy, and the exit code that the command line maps them to.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace leto {

/// Exit codes of the command line (frozen: scripts rest on them).
enum class ExitCode : int {
  ok = 0,
  usage = 2,
  bad_input = 3,        // an input file that is malformed
  unsupported = 4,      // well-formed, but nothing here can do it
  does_not_fit = 5,     // a memory or a buffer is too small
  illegal_program = 6,  // a program breaks a rule of the ISA
  deadlock = 7,
  mismatch = 8,  // a comparison that was asked for differs
  resource = 9,  // disk, memory
  internal = 70,
};

/// what() is the cause (with file:line, offset, node or instruction); remedy() what the user can do about it.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& cause, std::string remedy)
      : std::runtime_error(cause), code_(code), remedy_(std::move(remedy)) {}
  ExitCode code() const { return code_; }
  const std::string& remedy() const { return remedy_; }

 private:
  ExitCode code_;
  std::string remedy_;
};

}  // namespace leto
