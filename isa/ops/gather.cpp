// gather, scatter: rows of a table in memory, chosen by an index list in a tile.
#include <fmt/format.h>

#include <cstring>

#include "base/errors.h"
#include "isa/ops/ops.h"

namespace leto::isa {
namespace {

DType index_type(const Command& command) {
  return command.dtype(command.opcode == Opcode::gather ? int{gather_t::index_type}
                                                        : int{scatter_t::index_type});
}

std::int64_t index_at(DType type, const std::byte* list, std::int64_t i) {
  if (type == DType::int64) {
    std::int64_t index;
    std::memcpy(&index, list + i * 8, 8);
    return index;
  }
  std::int32_t index;
  std::memcpy(&index, list + i * 4, 4);
  return index;
}

void check_index(const Command& command, std::int64_t position, std::int64_t index) {
  const std::int64_t rows = command.shape[3];
  if (index < rows && (index >= 0 || command.shape[4] != 0)) return;
  throw Error(ExitCode::illegal_program,
              fmt::format("{}: index {} at position {} of the list is outside the table of {} rows",
                          describe(command), index, position, rows),
              "check the index input against the size of the table");
}

}  // namespace

std::vector<std::int64_t> index_rows(const Command& command, const PeState& pe) {
  const std::byte* list = pe.at(operands_of(command).item[1], footprint(command, 1));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(command.shape[1]));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = index_at(index_type(command), list, static_cast<std::int64_t>(i));
    check_index(command, static_cast<std::int64_t>(i), rows[i]);
  }
  return rows;
}

namespace ops {

void gather(const Command& command, PeState& pe, const Memory& memory) {
  const std::int64_t pitch = command.shape[5];
  const auto bytes = static_cast<std::size_t>(command.shape[0]);
  std::byte* row = pe.at(operands_of(command).item[0], footprint(command, 0));
  for (const std::int64_t index : index_rows(command, pe)) {
    if (index >= 0)
      memory.read(row_address(command, index), row, bytes);
    else if (command.shape[4] == 1)
      std::memset(row, 0, bytes);
    row += pitch;
  }
}

void scatter(const Command& command, PeState& pe, Memory& memory) {
  const std::int64_t pitch = command.shape[5];
  const std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  const auto bytes = static_cast<std::size_t>(command.shape[0]);
  std::vector<float> sum(bytes / sizeof(float)), addend(sum.size());
  std::int64_t row = -1;
  for (const std::int64_t index : index_rows(command, pe)) {
    ++row;
    if (index < 0) continue;
    const std::uint64_t address = row_address(command, index);
    memory.read(address, reinterpret_cast<std::byte*>(sum.data()), bytes);
    std::memcpy(addend.data(), tile + row * pitch, bytes);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = canonical(sum[i] + addend[i]);
    memory.write(address, reinterpret_cast<const std::byte*>(sum.data()), bytes);
  }
}

}  // namespace ops
}  // namespace leto::isa
