#include "model/twin/lookup_twin.h"

#include <bit>
#include <cstring>

#include "model/twin/log.h"
#include "model/vector_engine/vector_engine.h"

namespace leto::model {
namespace {

using isa::Broadcast;
using isa::vector_t;

std::vector<std::uint32_t> operand(const isa::Command& command, isa::PeState& pe) {
  const std::int64_t rows = command.shape[0], columns = command.shape[1], pitch = command.shape[3];
  const auto mode = static_cast<Broadcast>(command[vector_t::a_mode]);
  const auto count = static_cast<std::size_t>(rows * columns);
  if (mode == Broadcast::immediate)
    return std::vector(count, static_cast<std::uint32_t>(command[vector_t::value]));
  const DType type = command.dtype(vector_t::a_type);
  const std::byte* data = pe.at(isa::operands_of(command).item[1], isa::footprint(command, 1));
  std::vector<std::uint32_t> all;
  all.reserve(count);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::byte* row = mode == Broadcast::row ? data : data + r * pitch;
      all.push_back(std::bit_cast<std::uint32_t>(load_element(type, row, mode == Broadcast::column ? 0 : c)));
    }
  return all;
}

std::vector<std::uint32_t> results(const isa::Command& command, isa::PeState& pe) {
  const std::int64_t rows = command.shape[0], columns = command.shape[1], pitch = command.shape[2];
  const auto width = static_cast<std::size_t>(size_of(command.dtype(vector_t::dst_type)));
  const std::byte* data = pe.at(isa::operands_of(command).item[0], isa::footprint(command, 0));
  std::vector<std::uint32_t> all(static_cast<std::size_t>(rows * columns));
  auto next = all.begin();
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c)
      std::memcpy(&*next++, data + r * pitch + c * static_cast<std::int64_t>(width), width);
  return all;
}

bool reduces(const isa::Command& command) {
  return static_cast<isa::Reduce>(command[vector_t::reduce]) != isa::Reduce::none;
}

}  // namespace

void LookupTwin::before(const isa::Command& command, isa::PeState& pe, const isa::Partials&,
                        const Timing& timing) {
  wanted_ = command.opcode == isa::Opcode::vector && timing.start != timing.finish &&
            is_lookup(static_cast<isa::VectorOp>(command[vector_t::op]));
  if (!wanted_) return;
  run_ = {};
  run_.op = static_cast<isa::VectorOp>(command[vector_t::op]);
  run_.type = reduces(command) ? DType::fp32 : command.dtype(vector_t::dst_type);
  run_.x = operand(command, pe);
  Comparison& comparison = checker_->comparison();
  const bool offered = checker_->offers(run_);
  if (!offered) ++comparison.count().commands_left_out;
  wanted_ = offered && comparison.wants(timing.start, timing.finish,
                                        static_cast<std::int64_t>(run_.x.size()) *
                                            static_cast<std::int64_t>(kMacsOfLookup));
  if (!wanted_) return;
  run_.row =
      static_cast<int>(VectorEngine::dense(command) ? command.shape[0] * command.shape[1] : command.shape[1]);
  run_.start = timing.start;
  run_.finish = timing.finish;
  run_.command = isa::describe(command);
  run_.operation = operation_of(command, program_);
}

// What goes on into a reduction is not to be seen behind it: then the model's function is asked again.
void LookupTwin::after(const isa::Command& command, isa::PeState& pe, isa::Partials&) {
  if (!wanted_) return;
  if (reduces(command))
    for (const std::uint32_t x : run_.x) run_.result.push_back(looked_up(run_.op, run_.type, x));
  else
    run_.result = results(command, pe);
  checker_->add(std::move(run_));
}

void LookupTwin::log(TwinLog& log) const {
  log.commands = checker_->log();
}

}  // namespace leto::model
