// The static rules of a command: extents, types, reach in memory and in the tile. What depends on the state
// of buffers and banks is in machine.cpp.
#include <fmt/format.h>

#include "base/errors.h"
#include "isa/command.h"

namespace leto::isa {
namespace {

__extension__ using Wide = __int128;

// Largest extent, pitch or offset inside a tile: the 24-bit local-store address space.
constexpr std::int64_t kLocalLimit = std::int64_t{1} << 24;
// Largest memory stride, so that sums of a few products stay inside 64 bits after the reach check.
constexpr std::int64_t kMemoryLimit = static_cast<std::int64_t>(2 * kSramBase);

[[noreturn]] void illegal(const Command& command, const std::string& cause, const std::string& remedy) {
  throw Error(ExitCode::illegal_program, describe(command) + ": " + cause, remedy);
}

[[noreturn, gnu::cold]] void beyond(const Command& command, std::string_view name, std::int64_t value,
                                    std::int64_t limit) {
  illegal(command, fmt::format("{} is {}", name, value), fmt::format("keep it within 0 to {}", limit));
}

// Every command that begins comes here: in line, but for what it says when it fails.
inline void check_extent(const Command& command, std::string_view name, std::int64_t value,
                         std::int64_t limit) {
  if (value < 0 || value > limit) beyond(command, name, value, limit);
}

struct Named {
  int shape;  // shape register
  std::string_view name;
};
void check_local(const Command& command, std::initializer_list<Named> extents) {
  for (const Named& e : extents)
    check_extent(command, e.name, command.shape[static_cast<std::size_t>(e.shape)], kLocalLimit);
}

// One command moves no more than a local store can hold, even when a pitch of zero folds its rows onto one
// another: so no command runs for long or needs unbounded memory to describe.
void check_volume(const Command& command, std::initializer_list<std::int64_t> extents) {
  Wide volume = 1;
  for (std::int64_t extent : extents) volume *= extent;
  if (volume > kLocalLimit)
    illegal(command, "the extents multiply to more than a local store holds",
            fmt::format("split the command: at most {} bytes or elements at a time", kLocalLimit));
}

void check_offsets(const Command& command) {
  const Operands operands = operands_of(command);
  for (int i = 0; i < operands.count; ++i) {
    const Operand& operand = operands.item[static_cast<std::size_t>(i)];
    if (operand.offset < 0 || operand.offset > kLocalLimit)
      check_extent(command, fmt::format("the offset into b{}", operand.buffer), operand.offset, kLocalLimit);
  }
}

void check_type(const Command& command, int field, std::initializer_list<DType> allowed) {
  for (DType type : allowed)
    if (command.dtype(field) == type) return;
  std::string names;
  for (DType type : allowed) names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of(type));
  illegal(command,
          fmt::format("{} cannot be {}", spec_of(command.opcode).fields[static_cast<std::size_t>(field)].name,
                      name_of(command.dtype(field))),
          "use one of " + names);
}

// The first and last byte that strides may reach, from an address.
void check_reach(const Command& command, std::int64_t address, std::int64_t bytes,
                 std::initializer_list<std::pair<std::int64_t, std::int64_t>> count_and_stride) {
  Wide low = address, high = Wide{address} + bytes;
  for (const auto& [count, stride] : count_and_stride) {
    if (count == 0 || bytes == 0) return;
    const Wide span = Wide{count - 1} * stride;
    (span < 0 ? low : high) += span;
  }
  if (low >= 0 && high <= kMemoryLimit) return;
  illegal(command, fmt::format("the transfer at address {} leaves memory", address),
          fmt::format("addresses and strides must stay within 0 to {}", kMemoryLimit));
}

void check_transfer(const Command& command) {
  check_local(command, {{0, "bytes per row"}, {1, "rows"}, {3, "planes"}, {5, "pitch"}});
  const Transfer t = transfer_of(command);
  check_volume(command, {t.bytes, t.rows, t.planes});
  check_reach(command, static_cast<std::int64_t>(t.address), t.bytes,
              {{t.rows, t.row_stride}, {t.planes, t.plane_stride}});
}

void check_table(const Command& command, int address, int index_type) {
  check_local(command, {{0, "bytes per row"}, {1, "count"}, {5, "pitch"}});
  check_volume(command, {command.shape[0], command.shape[1]});
  check_extent(command, "rows in the table", command.shape[3], kMemoryLimit);
  check_extent(command, "padding", command.shape[4], command.opcode == Opcode::gather ? 2 : 1);
  check_type(command, index_type, {DType::int32, DType::int64});
  check_reach(command, command[address], command.shape[0], {{command.shape[3], command.shape[2]}});
  if (command.opcode == Opcode::scatter && command.shape[0] % 4 != 0)
    illegal(command, fmt::format("a row of {} bytes", command.shape[0]), "scatter adds whole fp32 elements");
}

void check_banks(const Command& command, std::int64_t most_rows) {
  check_extent(command, "m", command.shape[0], most_rows);
  check_extent(command, "n", command.shape[1], std::int64_t{kMaxBanks} * kBankRows);
}

void check_matmul(const Command& command) {
  check_banks(command, kHeldRows);
  check_local(command, {{2, "k"}, {3, "held pitch"}, {4, "stream pitch"}});
  for (int field : {int{matmul_t::held_type}, int{matmul_t::stream_type}})
    check_type(command, field, {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2});
}

void check_reduction(const Command& command) {
  check_banks(command, std::int64_t{kMaxBanks} * kBankRows);
  if (command.opcode == Opcode::drain)
    check_type(command, drain_t::dst_type, {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2});
  if (command.opcode == Opcode::drain || command.opcode == Opcode::fill) check_local(command, {{2, "pitch"}});
}

void check_vector(const Command& command) {
  check_local(command, {{0, "rows"}, {1, "columns"}, {2, "dst pitch"}, {3, "a pitch"}, {4, "b pitch"}});
  check_volume(command, {command.shape[0], command.shape[1]});
  if (command[vector_t::accumulate] && static_cast<Reduce>(command[vector_t::reduce]) == Reduce::none)
    illegal(command, "accumulate without a reduction", "set reduce, or add the old content as an operand");
}

void check_collect(const Command& command) {
  check_local(command, {{0, "rows"}, {1, "columns"}, {2, "rows of dst"}, {3, "src pitch"}});
  check_volume(command, {command.shape[0], command.shape[1]});
  check_volume(command, {command.shape[2], command.shape[1]});
  check_type(command, collect_t::src_type, {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2});
}

void check_layout(const Command& command) {
  check_local(command, {{0, "rows"}, {1, "columns"}, {2, "src pitch"}, {3, "dst pitch"}});
  check_volume(command, {command.shape[0], command.shape[1]});
}

// Bytes from the first element of row 0 to the last one of the last row.
std::int64_t rows_footprint(std::int64_t rows, std::int64_t pitch, std::int64_t row_bytes) {
  return rows == 0 || row_bytes == 0 ? 0 : (rows - 1) * pitch + row_bytes;
}

std::int64_t matrix_footprint(const Command& command, int index) {
  const auto& s = command.shape;
  const DType type = command.dtype(index == 0 ? int{matmul_t::held_type} : int{matmul_t::stream_type});
  const auto operand = static_cast<std::size_t>(index);
  return rows_footprint(s[operand], s[operand + 3], s[2] * size_of(type));
}

std::int64_t vector_result_footprint(const Command& command) {
  const auto& s = command.shape;
  const int size = size_of(command.dtype(vector_t::dst_type));
  switch (static_cast<Reduce>(command[vector_t::reduce])) {
    case Reduce::none:
      return rows_footprint(s[0], s[2], s[1] * size);
    case Reduce::column_sum:
      return s[1] * size;
    default:
      return rows_footprint(s[0], s[2], size);
  }
}

std::int64_t vector_operand_footprint(const Command& command, int type, int mode, std::int64_t pitch) {
  const std::int64_t rows = command.shape[0], columns = command.shape[1];
  const int size = size_of(command.dtype(type));
  if (rows == 0 || columns == 0) return 0;
  switch (static_cast<Broadcast>(command[mode])) {
    case Broadcast::full:
      return rows_footprint(rows, pitch, columns * size);
    case Broadcast::row:
      return columns * size;
    default:
      return rows_footprint(rows, pitch, size);
  }
}

// Operand 1 is b when a is not read.
std::int64_t vector_footprint(const Command& command, int index) {
  using F = vector_t;
  if (index == 0) return vector_result_footprint(command);
  const bool is_a = index == 1 && reads_a(command);
  return is_a ? vector_operand_footprint(command, F::a_type, F::a_mode, command.shape[3])
              : vector_operand_footprint(command, F::b_type, F::b_mode, command.shape[4]);
}

std::int64_t collect_footprint(const Command& command, int index) {
  const auto& s = command.shape;
  if (index == 0) return s[2] * s[1] * size_of(DType::fp32);
  return index == 1 ? rows_footprint(s[0], s[3], s[1] * size_of(command.dtype(collect_t::src_type)))
                    : s[0] * kIndexBytes;
}

std::int64_t layout_footprint(const Command& command, int index) {
  const auto& s = command.shape;
  const int size = size_of(command.dtype(copy_t::type));
  if (index == 1) return rows_footprint(s[0], s[2], s[1] * size);
  return command.opcode == Opcode::transpose ? rows_footprint(s[1], s[3], s[0] * size)
                                             : rows_footprint(s[0], s[3], s[1] * size);
}

// The header of runs, and the records behind it.
std::int64_t runs_footprint(std::int64_t runs, std::int64_t records, std::int64_t bytes) {
  return runs * kPairBytes + records * bytes;
}

std::int64_t count_footprint(const Command& command, int index) {
  const auto& s = command.shape;
  if (index == 1) return s[0] * s[1];
  return runs_footprint(1, std::int64_t{1} << s[3], kIndexBytes);
}

std::int64_t group_footprint(const Command& command, int index) {
  const auto& s = command.shape;
  const std::int64_t digits = std::int64_t{1} << s[3];
  if (index == 0) return runs_footprint(digits, s[0], kPairBytes);
  return index == 1 ? s[0] * s[1] : digits * kIndexBytes;
}

std::int64_t number_footprint(const Command& command, int index) {
  constexpr std::int64_t kRun = 4;
  if (index == 1) return command.shape[0] * kPairBytes;
  return command[number_t::what] == kRun ? runs_footprint(1, 2, kPairBytes)
                                         : numbered_pairs(command) * kIndexBytes;
}

void check_digits(const Command& command, int type) {
  check_type(command, type, {DType::int32, DType::int64});
  check_local(command, {{0, "records"}, {1, "bytes of a record"}});
  check_volume(command, {command.shape[0], command.shape[1]});
  check_extent(command, "shift", command.shape[2], 31);
  check_extent(command, "bits", command.shape[3], kMostDigitBits);
  if (command.shape[0] > 0 && command.shape[1] < size_of(command.dtype(type)))
    illegal(command, "records are shorter than their keys", "give the distance from record to record");
}

void check_sort(const Command& command) {
  switch (command.opcode) {
    case Opcode::count:
      check_extent(command, "number", command.shape[4], kMostRecords);
      return check_digits(command, count_t::type);
    case Opcode::group:
      check_extent(command, "first payload", command.shape[4], kMostRecords);
      check_extent(command, "records a payload", command.shape[5], kMostRecords);
      check_digits(command, group_t::type);
      if (command.shape[5] == 0 && command.shape[0] > 0 && command.shape[1] != kPairBytes)
        illegal(command, "only pairs have a payload", "give the records that share one");
      return;
    case Opcode::offsets:
      check_local(command, {{0, "lists"}, {1, "counts a list"}});
      check_extent(command, "number", command.shape[2], command.shape[0]);
      return check_volume(command, {command.shape[0], command.shape[1]});
    default:
      check_local(command, {{0, "pairs"}});
      check_extent(command, "number", command.shape[1], kMostRecords / 2);
      check_extent(command, "pairs before", command.shape[2], 1);
      check_extent(command, "pairs behind", command.shape[3], 1);
      check_extent(command, "what", command[number_t::what], 4);
  }
}

void check_spread(const Command& command) {
  check_local(command, {{0, "bytes of a record"}, {1, "runs"}, {3, "records"}});
  check_volume(command, {command.shape[0], command.shape[3]});
  check_extent(command, "places", command.shape[2], kMostRecords);
  check_reach(command, command[spread_t::address], command.shape[0], {{command.shape[2], command.shape[0]}});
}

std::int64_t table_footprint(const Command& command, int index, int index_type) {
  const auto& s = command.shape;
  return index == 0 ? rows_footprint(s[1], s[5], s[0]) : s[1] * size_of(command.dtype(index_type));
}

}  // namespace

std::int64_t footprint(const Command& command, int index) {
  const auto& s = command.shape;
  switch (command.opcode) {
    case Opcode::load:
    case Opcode::store:
      return s[3] == 0 ? 0 : rows_footprint(s[1] * s[3], s[5], s[0]);
    case Opcode::gather:
      return table_footprint(command, index, gather_t::index_type);
    case Opcode::scatter:
      return table_footprint(command, index, scatter_t::index_type);
    case Opcode::matmul:
      return matrix_footprint(command, index);
    case Opcode::drain:
      return rows_footprint(s[0], s[2], s[1] * size_of(command.dtype(drain_t::dst_type)));
    case Opcode::fill:
      return rows_footprint(s[0], s[2], s[1] * size_of(DType::fp32));
    case Opcode::vector:
      return vector_footprint(command, index);
    case Opcode::collect:
      return collect_footprint(command, index);
    case Opcode::transpose:
    case Opcode::copy:
      return layout_footprint(command, index);
    case Opcode::count:
      return count_footprint(command, index);
    case Opcode::offsets:
      return index == 1 ? s[0] * s[1] * kIndexBytes : s[1] * kIndexBytes;
    case Opcode::group:
      return group_footprint(command, index);
    case Opcode::number:
      return number_footprint(command, index);
    case Opcode::spread:
      return runs_footprint(s[1], s[3], s[0]);
    default:
      return 0;
  }
}

void check(const Command& command) {
  check_offsets(command);
  switch (command.opcode) {
    case Opcode::load:
    case Opcode::store:
      return check_transfer(command);
    case Opcode::gather:
      return check_table(command, gather_t::address, gather_t::index_type);
    case Opcode::scatter:
      return check_table(command, scatter_t::address, scatter_t::index_type);
    case Opcode::matmul:
      return check_matmul(command);
    case Opcode::vector:
      return check_vector(command);
    case Opcode::collect:
      return check_collect(command);
    case Opcode::transpose:
    case Opcode::copy:
      return check_layout(command);
    case Opcode::count:
    case Opcode::offsets:
    case Opcode::group:
    case Opcode::number:
      return check_sort(command);
    case Opcode::spread:
      return check_spread(command);
    default:
      if (command.unit == Unit::reduction) check_reduction(command);
  }
}

}  // namespace leto::isa
