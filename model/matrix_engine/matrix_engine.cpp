#include "model/matrix_engine/matrix_engine.h"

#include <algorithm>

#include "base/errors.h"

namespace leto::model {
namespace {

constexpr Cycle kLoad = 32;  // cycles to load a held block: one row of each tile a cycle
using isa::matmul_t;

Cycle stream_cycles(const isa::Command& matmul) {
  return std::max(static_cast<Cycle>(matmul.shape[1]), kLoad);
}

}  // namespace

Cycle MatrixEngine::blocks(const isa::Command& matmul) const {
  const int width = size_of(matmul.dtype(matmul_t::held_type));
  const int bytes = width == 1 && config_.double_rate_8bit ? 1 : std::max(width, 2);
  return ceil_div(static_cast<Cycle>(matmul.shape[2] * bytes), static_cast<Cycle>(config_.inner_bytes));
}

Cycle MatrixEngine::exposed_load(Cycle now, Cycle held_ready) const {
  if (finish_ != now) return kLoad;
  const Cycle loaded = std::max(held_ready, last_block_) + kLoad;
  return loaded > now ? std::min(loaded - now, kLoad) : 0;
}

Work MatrixEngine::work(const isa::Command& matmul, Cycle now, Cycle held_ready) const {
  const auto [m, n, k, held_pitch, stream_pitch, unused] = matmul.shape;
  if (m > isa::kBankRows * config_.tiles)
    throw Error(ExitCode::illegal_program,
                fmt::format("{} holds {} rows, the matrix engine has {} tiles of {}", isa::describe(matmul),
                            m, config_.tiles, isa::kBankRows),
                "compile for this chip, or raise matrix_engine.tiles");
  if (m == 0 || n == 0 || k == 0) return {};
  const Cycle fill = finish_ == now ? 0 : static_cast<Cycle>(config_.pipeline_cycles);
  Work work;
  work.cycles = blocks(matmul) * stream_cycles(matmul) + exposed_load(now, held_ready) + fill;
  work.read = m * k * size_of(matmul.dtype(matmul_t::held_type)) +
              n * k * size_of(matmul.dtype(matmul_t::stream_type));
  return work;
}

void MatrixEngine::started(const isa::Command& matmul, Cycle start, Cycle finish) {
  if (finish == start) return;
  finish_ = finish;
  last_block_ = finish - std::min(finish - start, stream_cycles(matmul));
}

}  // namespace leto::model
