// The memory side of load, store, gather and scatter.
#include "isa/command.h"

namespace leto::isa {
namespace {

void append(std::vector<Run>& runs, std::uint64_t address, std::int64_t bytes) {
  if (!runs.empty() && runs.back().address + static_cast<std::uint64_t>(runs.back().bytes) == address)
    runs.back().bytes += bytes;
  else
    runs.push_back({address, bytes});
}

}  // namespace

Transfer transfer_of(const Command& command) {
  const int field = command.opcode == Opcode::load ? int{load_t::address} : int{store_t::address};
  const auto& s = command.shape;
  return {static_cast<std::uint64_t>(command[field]), s[0], s[1], s[2], s[3], s[4], s[5]};
}

std::vector<Run> runs_of(const Command& command) {
  const Transfer t = transfer_of(command);
  std::vector<Run> runs;
  if (t.bytes == 0) return runs;
  for (std::int64_t plane = 0; plane < t.planes; ++plane)
    for (std::int64_t row = 0; row < t.rows; ++row)
      append(runs, t.address + static_cast<std::uint64_t>(plane * t.plane_stride + row * t.row_stride),
             t.bytes);
  return runs;
}

std::vector<Run> runs_of(const Command& command, std::span<const std::int64_t> indices) {
  const int field = command.opcode == Opcode::gather ? int{gather_t::address} : int{scatter_t::address};
  const auto table = static_cast<std::uint64_t>(command[field]);
  std::vector<Run> runs;
  if (command.shape[0] == 0) return runs;
  runs.reserve(indices.size());
  for (std::int64_t index : indices)
    runs.push_back({table + static_cast<std::uint64_t>(index * command.shape[2]), command.shape[0]});
  return runs;
}

}  // namespace leto::isa
