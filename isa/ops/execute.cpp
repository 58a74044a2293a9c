#include "base/errors.h"
#include "isa/ops/ops.h"

namespace leto::isa {

void execute(const Command& command, PeState& pe, Memory& memory, const Partials* incoming,
             Partials* outgoing) {
  switch (command.opcode) {
    case Opcode::load:
      return ops::load(command, pe, memory);
    case Opcode::store:
      return ops::store(command, pe, memory);
    case Opcode::gather:
      return ops::gather(command, pe, memory);
    case Opcode::scatter:
      return ops::scatter(command, pe, memory);
    case Opcode::matmul:
      return ops::matmul(command, pe);
    case Opcode::drain:
      return ops::drain(command, pe);
    case Opcode::fill:
      return ops::fill(command, pe);
    case Opcode::pass:
      return ops::pass(command, pe, *outgoing);
    case Opcode::merge:
      return ops::merge(command, pe, *incoming);
    case Opcode::vector:
      return ops::vector(command, pe);
    case Opcode::collect:
      return ops::collect(command, pe);
    case Opcode::transpose:
      return ops::transpose(command, pe);
    case Opcode::copy:
      return ops::copy(command, pe);
    case Opcode::count:
      return ops::count(command, pe);
    case Opcode::offsets:
      return ops::offsets(command, pe);
    case Opcode::group:
      return ops::group(command, pe);
    case Opcode::number:
      return ops::number(command, pe);
    case Opcode::spread:
      return ops::spread(command, pe, memory);
    default:
      throw Error(ExitCode::internal, describe(command) + ": not a unit's command",
                  "report this: core, sync and buffer instructions belong to the issue core");
  }
}

}  // namespace leto::isa
