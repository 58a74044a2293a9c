// The values of each command, one function an instruction. Commands have begun and been checked
// (PeState::begin), so every access lies inside its tile.
#pragma once

#include "isa/machine.h"

namespace leto::isa::ops {

void load(const Command& command, PeState& pe, const Memory& memory);
void store(const Command& command, PeState& pe, Memory& memory);
void gather(const Command& command, PeState& pe, const Memory& memory);
void scatter(const Command& command, PeState& pe, Memory& memory);
void matmul(const Command& command, PeState& pe);
void drain(const Command& command, PeState& pe);
void fill(const Command& command, PeState& pe);
void pass(const Command& command, PeState& pe, Partials& outgoing);
void merge(const Command& command, PeState& pe, const Partials& incoming);
void vector(const Command& command, PeState& pe);
void collect(const Command& command, PeState& pe);
void transpose(const Command& command, PeState& pe);
void copy(const Command& command, PeState& pe);
void count(const Command& command, PeState& pe);
void offsets(const Command& command, PeState& pe);
void group(const Command& command, PeState& pe);
void number(const Command& command, PeState& pe);
void spread(const Command& command, PeState& pe, Memory& memory);

/// Row `row` of the m x n accumulators that start at `bank`, columns [column, column + count): at most one
/// bank wide.
inline float* accumulator_row(PeState& pe, int bank, std::int64_t n, std::int64_t row, std::int64_t column) {
  const std::int64_t across = (n + kBankRows - 1) / kBankRows;
  const auto index = static_cast<int>(row / kBankRows * across + column / kBankRows);
  return pe.accumulators(bank + index) + row % kBankRows * kBankRows + column % kBankRows;
}

}  // namespace leto::isa::ops
