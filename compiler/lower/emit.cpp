#include "compiler/lower/emit.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/errors.h"
#include "compiler/lower/tunables.h"

namespace leto::compiler {
namespace {

/// Columns of one storage that lie apart in every row of it.
bool columns_apart(const Place& a, const Place& b) {
  if (a.view.storage != b.view.storage || a.view.strides != b.view.strides || a.view.shape.size() != 2 ||
      b.view.shape.size() != 2 || a.view.strides[1] != 1)
    return false;
  const std::int64_t pitch = a.view.strides[0];
  if (pitch <= 0) return false;
  const std::int64_t at_a = a.view.offset % pitch, at_b = b.view.offset % pitch;
  const std::int64_t end_a = at_a + a.view.shape[1], end_b = at_b + b.view.shape[1];
  return end_a <= pitch && end_b <= pitch && (end_a <= at_b || end_b <= at_a);
}

/// Bytes touched since the last barrier of all PEs: what a kernel must not meet without one.
class Pending {
 public:
  explicit Pending(const Lowered& lowered) : lowered_(lowered) {}

  bool conflicts(const Kernel& kernel) const {
    for (const Place* p : reads(kernel))
      if (meets(written_, *p)) return true;
    for (const Place* p : writes(kernel))
      if (meets(written_, *p) || meets(read_, *p)) return true;
    return false;
  }
  void clear() { read_.clear(), written_.clear(); }
  void note(const Kernel& kernel) {
    for (const Place* p : reads(kernel)) read_.push_back(p);
    for (const Place* p : writes(kernel)) written_.push_back(p);
  }

 private:
  struct Range {
    std::uint64_t begin, end;
  };
  Range range(const Place& place) const {
    const auto& s = lowered_.storages[std::size_t(place.view.storage)];
    return {s.address, s.address + std::uint64_t(s.bytes())};
  }
  bool meets(const std::vector<const Place*>& others, const Place& place) const {
    const Range r = range(place);
    return std::any_of(others.begin(), others.end(), [&](const Place* other) {
      const Range o = range(*other);
      return o.begin < r.end && r.begin < o.end && !columns_apart(*other, place);
    });
  }

  const Lowered& lowered_;
  std::vector<const Place*> read_, written_;
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
void emit_one(EmitContext& context, const ExchangeKernel& k) {
  emit_exchange(context, k);
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
void emit_one(EmitContext& context, const SortKernel& k) {
  emit_sort(context, k);
}
void emit_one(EmitContext& context, const UpdateKernel& k) {
  emit_update(context, k);
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

/// Which kernels wait for all PEs. Those of a repeat share their code, so that one waits where any must.
std::vector<bool> waits_of(const Lowered& lowered, const Repeats& repeats) {
  std::vector<bool> waits(lowered.kernels.size());
  Pending pending(lowered);
  for (std::size_t k = 0; k < waits.size(); ++k) {
    const bool exchanges = std::holds_alternative<ExchangeKernel>(lowered.kernels[k].body);
    waits[k] = exchanges || pending.conflicts(lowered.kernels[k]);
    if (waits[k]) pending.clear();
    if (!exchanges) pending.note(lowered.kernels[k]);
  }
  for (const Repeat& r : repeats.list)
    for (int k = r.first; k + r.period < r.end(); ++k)
      if (waits[std::size_t(k + r.period)]) waits[std::size_t(r.first + (k - r.first) % r.period)] = true;
  return waits;
}

class Emitter {
 public:
  Emitter(const Lowered& lowered, const Repeats& repeats, const ChipConfig& chip, const Choices& choices,
          std::vector<isa::Instruction>* code)
      : lowered_(lowered),
        choices_(choices),
        pe_(code),
        context_{lowered, chip, pe_},
        waits_(waits_of(lowered, repeats)) {}

  void kernel(int k) {
    pe_.begin(std::uint32_t(k));
    context_.sync = waits_[std::size_t(k)] ? isa::Scope::all : isa::Scope::pe;
    context_.candidate = candidate_of(lowered_.kernels[std::size_t(k)]);
    std::visit([&](const auto& body) { emit_one(context_, body); }, lowered_.kernels[std::size_t(k)].body);
  }

  void repeat(const Repeat& r) {
    std::vector<TripLoop> loops(std::size_t(r.period));
    for (int j = 0; j < r.period; ++j) loops[std::size_t(j)].moves = moves_of(r, r.first + j);
    const std::int64_t usual = most_common(loops);
    auto& core = pe_.move;
    pe_.reset_buffers();  // a trip's first kernel follows on the last one's
    pe_.begin(std::uint32_t(r.first));
    const int trip = core.keep(), travelled = core.keep();
    core.set(trip, 0);
    core.set(travelled, 0);
    const auto both = [&](const std::function<void()>& body) {
      pe_.compute.loop(
          pe_.compute.constant(r.trips), [&] { core.loop(core.constant(r.trips), body, r.period); },
          r.period);
    };
    both([&] {
      for (int j = 0; j < r.period; ++j) {
        auto& loop = loops[std::size_t(j)];
        loop.trip = trip, loop.travelled = travelled, loop.usual = usual;
        context_.loop = &loop;
        kernel(r.first + j);
      }
      core.addi(trip, trip, 1);
      core.addi(travelled, travelled, usual);
    });
    context_.loop = nullptr;
    pe_.reset_buffers();
    core.let_go();
  }

  void end() { pe_.end(); }

 private:
  using Moves = std::vector<std::pair<StorageId, std::int64_t>>;

  int candidate_of(const Kernel& kernel) const {
    if (choices_.empty()) return 0;
    const auto found = choices_.find(tuning_name(lowered_, kernel));
    return found == choices_.end() ? 0 : found->second;
  }

  std::vector<StorageId> storages(int k) const {
    std::vector<StorageId> out;
    for (const auto& list :
         {reads(lowered_.kernels[std::size_t(k)]), writes(lowered_.kernels[std::size_t(k)])})
      for (const Place* p : list) out.push_back(p->view.storage);
    return out;
  }

  // How far the storages of kernel k of the first trip move from trip to trip.
  Moves moves_of(const Repeat& r, int k) const {
    const auto first = storages(k);
    Moves moves;
    for (std::size_t i = 0; i < first.size(); ++i) moves.emplace_back(first[i], 0);
    for (int trip = 1; trip < r.trips; ++trip) {
      const auto now = storages(k + trip * r.period);
      for (std::size_t i = 0; i < first.size(); ++i) {
        const auto moved = std::int64_t(address(now[i]) - address(first[i]));
        if (trip == 1) moves[i].second = moved;
        if (moved != trip * moves[i].second)
          throw Error(ExitCode::internal, "a loop's addresses are not one stride apart",
                      "report the model; compile it with --unroll");
      }
    }
    return moves;
  }

  std::uint64_t address(StorageId id) const { return lowered_.storages[std::size_t(id)].address; }

  static std::int64_t most_common(const std::vector<TripLoop>& loops) {
    std::map<std::int64_t, int> counts;
    for (const auto& loop : loops)
      for (const auto& [storage, bytes] : loop.moves)
        if (bytes != 0) ++counts[bytes];
    const auto best = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return best == counts.end() ? 0 : best->first;
  }

  const Lowered& lowered_;
  const Choices& choices_;
  PeEmitter pe_;
  EmitContext context_;
  std::vector<bool> waits_;
};

}  // namespace

int EmitContext::address_register(const Place& place) const {
  auto& core = pe.move;
  const auto first = std::int64_t(address(place));
  std::int64_t bytes = 0;
  if (loop)
    for (const auto& [storage, moves] : loop->moves)
      if (storage == place.view.storage) bytes = moves;
  if (bytes == 0) return core.constant(first);
  const auto r = core.reg();
  if (bytes == loop->usual) {
    core.addi(r, loop->travelled, first);
  } else {
    core.muli(r, loop->trip, bytes);
    core.addi(r, r, first);
  }
  return r;
}

// What all PEs have made goes out.
void emit_exchange(EmitContext& context, const ExchangeKernel& kernel) {
  context.pe.barrier(isa::Scope::all);
  context.pe.barrier(isa::Scope::pe, kernel.bytes, kernel.chips);
}

void EmitContext::open(std::string_view kind, const std::vector<PeEmitter::Buffer>& buffers, bool computes) {
  if (sync == isa::Scope::pe && opened == kind && pe.buffers() == buffers) return;
  pe.barrier(isa::Scope::pe);
  pe.reset_buffers();
  for (const auto& b : buffers) pe.buffer(b.bytes, b.depth);
  opened = kind;
  begin_code(computes);
}

void emit_all(const Lowered& lowered, const Repeats& repeats, const ChipConfig& chip, const Choices& choices,
              std::vector<isa::Instruction>* code) {
  Emitter emitter(lowered, repeats, chip, choices, code);
  int next = 0;
  for (const Repeat& r : repeats.list) {
    while (next < r.first) emitter.kernel(next++);
    emitter.repeat(r);
    next = r.end();
  }
  while (next < int(lowered.kernels.size())) emitter.kernel(next++);
  emitter.end();
}

}  // namespace leto::compiler
