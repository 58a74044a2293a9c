#include "compiler/lower/transfer.h"

#include "base/errors.h"

namespace leto::compiler {

Transfer transfer_of(int element_bytes, std::initializer_list<Level> levels) {
  Transfer t{Amount::constant(element_bytes)};
  std::vector<Level> left;
  for (const auto& level : levels) {
    if (level.extent.is_constant() && level.extent.value == 1) continue;
    if (left.empty() && t.bytes.is_constant() && level.stride == t.bytes.value)
      t.bytes = level.extent.times(t.bytes.value);
    else
      left.push_back(level);
  }
  if (left.size() > 2)
    throw Error(ExitCode::internal, "a tile has more levels than a transfer command knows",
                "report the model");
  if (!left.empty()) t.rows = left[0].extent, t.row_stride = left[0].stride;
  if (left.size() > 1) t.planes = left[1].extent, t.plane_stride = left[1].stride;
  return t;
}

namespace {

int shape_of(CoreEmitter& core, const Transfer& t) {
  return core.shape(
      {t.bytes, t.rows, Amount::constant(t.row_stride), t.planes, Amount::constant(t.plane_stride), t.bytes});
}

}  // namespace

void emit_load(CoreEmitter& core, int buffer, int address, const Transfer& t, isa::Multicast multicast,
               Flags flags, int offset) {
  using F = isa::load_t;
  core.emit(isa::Opcode::load, {{F::dst, buffer},
                                {F::dst_offset, offset},
                                {F::reserve, flags.hold},
                                {F::push, flags.advance},
                                {F::address, address},
                                {F::shape, shape_of(core, t)},
                                {F::multicast, std::int64_t(multicast)}});
}

void emit_store(CoreEmitter& core, int buffer, int address, const Transfer& t, Flags flags) {
  using F = isa::store_t;
  core.emit(isa::Opcode::store, {{F::src, buffer},
                                 {F::wait, flags.hold},
                                 {F::pop, flags.advance},
                                 {F::address, address},
                                 {F::shape, shape_of(core, t)}});
}

}  // namespace leto::compiler
