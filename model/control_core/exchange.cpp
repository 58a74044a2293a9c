#include "model/control_core/exchange.h"

#include "base/errors.h"

namespace leto::model {

Cycle exchange_at(const isa::Instruction& barrier, const ChipConfig& chip) {
  const std::int64_t bytes = barrier.field[isa::barrier_t::bytes];
  if (bytes == 0) return 0;
  if (static_cast<isa::Scope>(barrier.field[isa::barrier_t::scope]) == isa::Scope::all)
    throw Error(ExitCode::illegal_program, "barrier scope=all: exchanges bytes",
                "exchange behind it, at a barrier of scope pe");
  return static_cast<Cycle>(exchange_cycles(chip, bytes, barrier.field[isa::barrier_t::chips]));
}

}  // namespace leto::model
