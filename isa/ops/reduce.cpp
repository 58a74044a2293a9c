// drain, fill, pass, merge: the reduction engine's traffic with the accumulator banks.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/errors.h"
#include "isa/ops/ops.h"

namespace leto::isa::ops {
namespace {

// Calls f(row, column, accumulators, count) for every piece of a row that lies in one bank.
template <typename F>
void for_each_piece(PeState& pe, int bank, std::int64_t m, std::int64_t n, F f) {
  for (std::int64_t row = 0; row < m; ++row)
    for (std::int64_t column = 0; column < n; column += kBankRows)
      f(row, column, accumulator_row(pe, bank, n, row, column),
        std::min<std::int64_t>(kBankRows, n - column));
}

}  // namespace

void drain(const Command& command, PeState& pe) {
  const auto [m, n, pitch] = std::tuple(command.shape[0], command.shape[1], command.shape[2]);
  const DType type = command.dtype(drain_t::dst_type);
  std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  for_each_piece(pe, banks_of(command).first, m, n,
                 [&](std::int64_t row, std::int64_t column, const float* acc, std::int64_t count) {
                   store_elements(type, acc, tile + row * pitch + column * size_of(type), count);
                 });
}

void fill(const Command& command, PeState& pe) {
  const auto [m, n, pitch] = std::tuple(command.shape[0], command.shape[1], command.shape[2]);
  const std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  for_each_piece(pe, banks_of(command).first, m, n,
                 [&](std::int64_t row, std::int64_t column, float* acc, std::int64_t count) {
                   std::memcpy(acc, tile + row * pitch + column * 4, static_cast<std::size_t>(count) * 4);
                 });
}

void pass(const Command& command, PeState& pe, Partials& outgoing) {
  const std::int64_t m = command.shape[0], n = command.shape[1];
  outgoing = {std::vector<float>(static_cast<std::size_t>(m * n)), m, n};
  for_each_piece(pe, banks_of(command).first, m, n,
                 [&](std::int64_t row, std::int64_t column, const float* acc, std::int64_t count) {
                   std::copy_n(acc, count, outgoing.values.data() + row * n + column);
                 });
}

void merge(const Command& command, PeState& pe, const Partials& incoming) {
  const std::int64_t m = command.shape[0], n = command.shape[1];
  if (incoming.m != m || incoming.n != n)
    throw Error(ExitCode::illegal_program,
                fmt::format("{}: merges {} x {} partial sums, the neighbour passed {} x {}",
                            describe(command), m, n, incoming.m, incoming.n),
                "give pass and merge the same shape, in the same order");
  for_each_piece(pe, banks_of(command).first, m, n,
                 [&](std::int64_t row, std::int64_t column, float* acc, std::int64_t count) {
                   const float* theirs = incoming.values.data() + row * n + column;
                   for (std::int64_t i = 0; i < count; ++i) acc[i] = canonical(theirs[i] + acc[i]);
                 });
}

}  // namespace leto::isa::ops
