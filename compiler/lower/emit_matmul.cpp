// Matrix products. The move core loads tiles of a and b chunk by chunk along k and stores tiles of c; the
// compute core transposes what is not k-adjacent, streams b against held rows of a into accumulator slots,
// and drains each slot while the engine goes on with the next.
#include "compiler/lower/matmul_loops.h"
#include "compiler/lower/rounding.h"

namespace leto::compiler {
namespace {

void define_buffers(MatmulCode& code) {
  PeEmitter& pe = code.context.pe;
  const MatmulPlan& p = code.plan;
  pe.reset_buffers();
  const auto operand = [&](const MatmulOperand& o, std::int64_t rows) {
    return pe.buffer(aligned(tile_bytes(p, o, rows, code.shape.k, code.element)), o.depth);
  };
  const auto raw = [&](const MatmulOperand& o, std::int64_t rows, int direct) {
    return o.transpose ? pe.buffer(aligned(raw_tile_bytes(p, rows, code.element)), o.raw_depth) : direct;
  };
  code.a = operand(p.a, p.tile_m());
  code.b = operand(p.b, p.tile_n());
  std::int64_t c = 0;
  for (const MatmulPart& part : p.parts) c = std::max(c, part.tile_m * part.tile_n * code.result);
  code.c = pe.buffer(aligned(c), p.c_depth);
  code.a_raw = raw(p.a, p.tile_m(), code.a);
  code.b_raw = raw(p.b, p.tile_n(), code.b);
}

}  // namespace

void emit_matmul(EmitContext& context, const MatmulKernel& kernel) {
  const MatmulShape shape = placed_shape(context.lowered, kernel);
  MatmulCode code{context, shape, chosen(context, matmul_plans(shape, context.chip, context.candidate + 1))};
  code.element = size_of(shape.a.dtype);
  code.result = size_of(shape.c.dtype);
  context.pe.barrier(isa::Scope::pe);
  define_buffers(code);
  context.begin_code();
  for (const MatmulPart& part : code.plan.parts) {
    emit_matmul_moves(code, part);
    emit_matmul_compute(code, part);
  }
}

}  // namespace leto::compiler
