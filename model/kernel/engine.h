// What every compute engine tells the PE about a command before it starts.
#pragma once

#include "isa/command.h"
#include "model/kernel/time.h"

namespace leto::model {

/// Time and local-store traffic of a command on an otherwise empty PE.
struct Work {
  Cycle cycles = 0;
  std::int64_t read = 0, written = 0;  // local-store bytes
};

}  // namespace leto::model
