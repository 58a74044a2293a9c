#include "compiler/lower/emit.h"

#include <algorithm>

namespace leto::compiler {
namespace {

/// Bytes touched since the last barrier of all PEs: what a kernel must not meet without one.
class Pending {
 public:
  explicit Pending(const Lowered& lowered) : lowered_(lowered) {}

  bool conflicts(const Kernel& kernel) const {
    for (const Place* p : reads(kernel))
      if (meets(written_, range(*p))) return true;
    for (const Place* p : writes(kernel))
      if (meets(written_, range(*p)) || meets(read_, range(*p))) return true;
    return false;
  }
  void clear() { read_.clear(), written_.clear(); }
  void note(const Kernel& kernel) {
    for (const Place* p : reads(kernel)) read_.push_back(range(*p));
    for (const Place* p : writes(kernel)) written_.push_back(range(*p));
  }

 private:
  struct Range {
    std::uint64_t begin, end;
  };
  Range range(const Place& place) const {
    const auto& s = lowered_.storages[std::size_t(place.view.storage)];
    return {s.address, s.address + std::uint64_t(s.bytes())};
  }
  static bool meets(const std::vector<Range>& ranges, Range r) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](Range o) { return o.begin < r.end && r.begin < o.end; });
  }

  const Lowered& lowered_;
  std::vector<Range> read_, written_;
};

void emit_one(EmitContext& context, const VectorKernel& k) {
  emit_vector(context, k);
}
void emit_one(EmitContext& context, const ColumnReduceKernel& k) {
  emit_column_reduce(context, k);
}
void emit_one(EmitContext& context, const MatmulKernel& k) {
  emit_matmul(context, k);
}
void emit_one(EmitContext& context, const CopyKernel& k) {
  emit_copy(context, k);
}
void emit_one(EmitContext& context, const GatherKernel& k) {
  emit_gather(context, k);
}
void emit_one(EmitContext& context, const BagKernel& k) {
  emit_bags(context, k);
}
void emit_one(EmitContext& context, const ScatterKernel& k) {
  emit_scatter(context, k);
}
void emit_one(EmitContext& context, const AttentionKernel& k) {
  emit_attention(context, k);
}
void emit_one(EmitContext& context, const AttentionGradientKernel& k) {
  emit_attention_gradient(context, k);
}
void emit_one(EmitContext& context, const AttentionQueryKernel& k) {
  emit_attention_query(context, k);
}

}  // namespace

void emit_all(const Lowered& lowered, const ChipConfig& chip, std::vector<isa::Instruction>* code) {
  PeEmitter pe(code);
  EmitContext context{lowered, chip, pe};
  Pending pending(lowered);
  std::uint32_t source = 0;
  for (const auto& kernel : lowered.kernels) {
    pe.begin(source++);
    const bool wait = pending.conflicts(kernel);
    context.sync = wait ? isa::Scope::all : isa::Scope::pe;
    if (wait) pending.clear();
    std::visit([&](const auto& body) { emit_one(context, body); }, kernel.body);
    pending.note(kernel);
  }
  pe.end();
}

}  // namespace leto::compiler
