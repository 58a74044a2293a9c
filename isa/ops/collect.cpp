// collect: rows of a tile added up by slot, in fp32.
#include <fmt/format.h>

#include <cstring>

#include "base/errors.h"
#include "isa/ops/ops.h"

namespace leto::isa::ops {

void collect(const Command& command, PeState& pe) {
  const auto& s = command.shape;
  const auto operands = operands_of(command);
  std::byte* to = pe.at(operands.item[0], footprint(command, 0));
  const std::byte* rows = pe.at(operands.item[1], footprint(command, 1));
  const std::byte* slots = pe.at(operands.item[2], footprint(command, 2));
  const std::int64_t columns = s[1];
  std::vector<float> sums(static_cast<std::size_t>(s[2] * columns), 0.0f),
      row(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < s[0]; ++r) {
    std::int32_t slot;
    std::memcpy(&slot, slots + r * kIndexBytes, sizeof slot);
    if (slot < 0) continue;
    if (slot >= s[2])
      throw Error(ExitCode::illegal_program,
                  fmt::format("{}: slot {} of row {} is beyond {} rows", describe(command), slot, r, s[2]),
                  "give the slots that number left");
    load_elements(command.dtype(collect_t::src_type), rows + r * s[3], row.data(), columns);
    float* sum = sums.data() + slot * columns;
    for (std::int64_t c = 0; c < columns; ++c) sum[c] = canonical(sum[c] + row[static_cast<std::size_t>(c)]);
  }
  if (!sums.empty()) std::memcpy(to, sums.data(), sums.size() * sizeof(float));
}

}  // namespace leto::isa::ops
