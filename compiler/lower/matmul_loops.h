// The loops that both cores of a matrix product run: units of work, tiles of c, chunks of k. The two cores
// meet only in circular buffers, so they must go through the same tiles in the same order.
#pragma once

#include <functional>

#include "compiler/lower/emit.h"
#include "compiler/lower/matmul_plan.h"

namespace leto::compiler {

/// What both cores need to know of a matmul kernel.
struct MatmulCode {
  EmitContext& context;
  MatmulShape shape;
  MatmulPlan plan;
  int element = 0, result = 0;  // bytes
  int a = 0, b = 0, c = 0;      // buffers
  int a_raw = 0, b_raw = 0;     // where loads go: the buffers, or those in front of the layout engine

  std::int64_t chunks() const { return plan.chunks(shape.k); }
  /// Bytes from one chunk to the next in a tile of an operand.
  std::int64_t chunk_step(const MatmulOperand& operand) const {
    const std::int64_t rows = &operand == &plan.a ? plan.tile_m() : plan.tile_n();
    return operand.transpose ? raw_tile_bytes(plan, rows, element) : plan.tile_k * element;
  }
};

/// What one PE works on: rows [m_start, m_end) and columns [n_start, n_end) of one batch. Registers.
struct MatmulUnit {
  int m_start, m_end, n_start, n_end;
  int k_start = 0;         // where k is split
  int k_middle = 0;        // rounds of the loop over k between the first and the last
  std::vector<int> batch;  // index registers, -1 for 0
};
void for_each_unit(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part,
                   const std::function<void(const MatmulUnit&)>& body);

/// A tile of c: where it starts and what is left of it there. Registers.
struct MatmulTile {
  int m0 = 0, rows = 0, n0 = 0, columns = 0;
};
/// `around` comes before (true) and after (false) the tiles that share a kept operand's tile; its tile has
/// only that operand's fields.
void for_each_tile(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part, const MatmulUnit& unit,
                   const std::function<void(const MatmulTile&, bool before)>& around,
                   const std::function<void(const MatmulTile&)>& body);

/// A chunk of k, one matmul command a slot. The loop over chunks is unrolled by as many as share a tile of an
/// operand's buffer.
struct MatmulChunk {
  struct Side {
    bool opens = false, closes = false;  // the first, the last chunk of its tile (never of a kept one)
    std::int64_t width = 0;              // k of the tile
    std::int64_t index = 0;              // of the chunk in the tile
  };
  bool first = false, last = false;  // of k
  std::int64_t k = 0;
  std::int64_t from = 0;  // k between where the round of the loop starts and the chunk
  Side a, b;
};
/// `next` ends each round of the loop, which covers so much k.
void for_each_chunk(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part, const MatmulUnit& unit,
                    const std::function<void(const MatmulChunk&)>& body,
                    const std::function<void(std::int64_t k)>& next);

/// The PEs along a split k: each adds the sums of the one before to its own and hands them on; the last one
/// keeps them. Registers hold 1 or 0, to be looped over.
struct MatmulChain {
  int not_first, not_last, last;
  isa::Direction from, to;
};
MatmulChain chain_of(CoreEmitter& core, const MatmulCode& code, const MatmulPart& part);

/// The move core's and the compute core's part of it.
void emit_matmul_moves(const MatmulCode& code, const MatmulPart& part);
void emit_matmul_compute(const MatmulCode& code, const MatmulPart& part);

}  // namespace leto::compiler
