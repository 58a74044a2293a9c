// matmul: both operands are widened to fp32 (exact), the streamed one is packed k-major in panels of kLanes
// vectors so that lanes run across j; every accumulator still sees its products in ascending k.
#include <algorithm>

#include "isa/ops/matmul_kernel.h"
#include "isa/ops/ops.h"

namespace leto::isa::ops {
namespace {

// k-block: a packed panel (kDepth x kLanes fp32 = 16 KiB) stays in the first-level cache.
constexpr std::int64_t kDepth = 256;

// A k-contiguous operand in a tile.
struct Matrix {
  const std::byte* data;
  DType type;
  std::int64_t rows, pitch;
};

// Working space, kept between commands: a matmul is short, an allocation is not.
struct Workspace {
  std::vector<float> held, row, panel;
};

Matrix matrix_of(const Command& command, PeState& pe, int index) {
  const auto i = static_cast<std::size_t>(index);
  const int type = index == 0 ? int{matmul_t::held_type} : int{matmul_t::stream_type};
  return {pe.at(operands_of(command).item[i], footprint(command, index)), command.dtype(type),
          command.shape[i], command.shape[i + 3]};
}

void widen(const Matrix& matrix, std::int64_t row, std::int64_t k, std::int64_t depth, float* to) {
  load_elements(matrix.type, matrix.data + row * matrix.pitch + k * size_of(matrix.type), to, depth);
}

void widen_held(const Matrix& held, std::int64_t k, std::int64_t depth, Workspace& w) {
  w.held.resize(static_cast<std::size_t>(held.rows * depth));
  for (std::int64_t i = 0; i < held.rows; ++i) widen(held, i, k, depth, w.held.data() + i * depth);
}

// Packs vectors [j, j + kLanes) as [k][lane]; lanes past the last vector are zero.
void pack_panel(const Matrix& stream, std::int64_t j, std::int64_t k, std::int64_t depth, Workspace& w) {
  w.row.resize(static_cast<std::size_t>(depth));
  w.panel.assign(static_cast<std::size_t>(depth * kLanes), 0.0f);
  for (std::int64_t lane = 0; lane < std::min<std::int64_t>(kLanes, stream.rows - j); ++lane) {
    widen(stream, j + lane, k, depth, w.row.data());
    for (std::int64_t i = 0; i < depth; ++i)
      w.panel[static_cast<std::size_t>(i * kLanes + lane)] = w.row[static_cast<std::size_t>(i)];
  }
}

void multiply_panel(const Command& command, PeState& pe, std::int64_t j, std::int64_t depth,
                    const Workspace& w) {
  const std::int64_t m = command.shape[0], n = command.shape[1];
  const int bank = banks_of(command).first;
  for (std::int64_t i = 0; i < m; i += kRows)
    multiply_block({w.held.data() + i * depth, depth, w.panel.data(), accumulator_row(pe, bank, n, i, j),
                    kBankRows, static_cast<int>(std::min<std::int64_t>(kRows, m - i)), depth},
                   best_path());
}

void clear_banks(const Banks& banks, PeState& pe) {
  for (int i = 0; i < banks.count; ++i) std::fill_n(pe.accumulators(banks.first + i), kBankElements, 0.0f);
}

// Which NaN a chain of fused operations ends in differs between machines: make it the canonical one.
void canonicalise_banks(const Banks& banks, PeState& pe) {
  for (int i = 0; i < banks.count; ++i) {
    float* acc = pe.accumulators(banks.first + i);
    for (int e = 0; e < kBankElements; ++e) acc[e] = canonical(acc[e]);
  }
}

}  // namespace

static_assert(kBankRows % kLanes == 0 && kBankRows % kRows == 0, "a block must lie inside one bank");

void matmul(const Command& command, PeState& pe) {
  static thread_local Workspace workspace;
  const Matrix held = matrix_of(command, pe, 0), stream = matrix_of(command, pe, 1);
  const std::int64_t k = command.shape[2];
  if (command[matmul_t::first]) clear_banks(banks_of(command), pe);
  for (std::int64_t done = 0; done < k; done += kDepth) {
    const std::int64_t depth = std::min(kDepth, k - done);
    widen_held(held, done, depth, workspace);
    for (std::int64_t j = 0; j < stream.rows; j += kLanes) {
      pack_panel(stream, j, done, depth, workspace);
      multiply_panel(command, pe, j, depth, workspace);
    }
  }
  canonicalise_banks(banks_of(command), pe);
}

}  // namespace leto::isa::ops
