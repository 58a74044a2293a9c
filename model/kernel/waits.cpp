#include "model/kernel/waits.h"

#include "base/errors.h"

namespace leto::model {
namespace {

constexpr std::size_t kShown = 10;

std::string operation_of(const isa::Program& program, std::uint32_t source) {
  if (source >= program.sources.size()) return "";
  return fmt::format(" of {} ({})", program.sources[source].operation, program.sources[source].phase);
}

std::string line(const Wait& wait, const isa::Program& program) {
  const isa::Instruction& instruction = program.code[wait.core][wait.pc];
  return fmt::format("pe {} {} waits for {} since cycle {} at core {} pc {} `{}`{}", wait.pe, wait.who,
                     wait.what, wait.since, wait.core, wait.pc, isa::to_text(instruction),
                     operation_of(program, instruction.source));
}

}  // namespace

void throw_deadlock(const std::vector<Wait>& waits, const isa::Program& program, Cycle at) {
  std::string text =
      fmt::format("deadlock at cycle {}: nothing can happen any more, and {} wait", at, waits.size());
  for (std::size_t i = 0; i < std::min(waits.size(), kShown); ++i) text += "\n  " + line(waits[i], program);
  if (waits.size() > kShown) text += fmt::format("\n  and {} more", waits.size() - kShown);
  throw Error(ExitCode::deadlock, text,
              "find the command that should have pushed, popped, posted or arrived: it was never issued, or "
              "waits too");
}

}  // namespace leto::model
