#include "compiler/lower/kernel.h"

namespace leto::compiler {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

/// What an update changes in place.
std::vector<const Place*> states(const UpdateKernel& k) {
  std::vector<const Place*> out;
  for (const auto* state : {&k.table, &k.sums})
    if (*state) out.push_back(&**state);
  for (const auto* moment : {&k.mean, &k.square})
    if (*moment) out.push_back(&(*moment)->rows);
  return out;
}

}  // namespace

std::string_view kind_of(const Kernel& kernel) {
  return std::visit(
      Overload{[](const VectorKernel&) { return "vector"; },
               [](const ColumnReduceKernel&) { return "column_reduce"; },
               [](const MatmulKernel&) { return "matmul"; }, [](const CopyKernel&) { return "copy"; },
               [](const ExchangeKernel&) { return "exchange"; }, [](const GatherKernel&) { return "gather"; },
               [](const BagKernel&) { return "embedding_bag"; },
               [](const ScatterKernel&) { return "scatter"; }, [](const SortKernel&) { return "sort"; },
               [](const UpdateKernel&) { return "update"; },
               [](const AttentionKernel&) { return "attention"; },
               [](const AttentionGradientKernel&) { return "attention_gradient"; },
               [](const AttentionQueryKernel&) { return "attention_query"; }},
      kernel.body);
}

std::optional<DType> product_dtype(const Kernel& kernel) {
  return std::visit(Overload{[](const MatmulKernel& k) { return std::optional(k.a.dtype); },
                             [](const AttentionKernel& k) { return std::optional(k.q.dtype); },
                             [](const AttentionGradientKernel& k) { return std::optional(k.q.dtype); },
                             [](const AttentionQueryKernel& k) { return std::optional(k.k.dtype); },
                             [](const auto&) { return std::optional<DType>(); }},
                    kernel.body);
}

std::vector<const Place*> reads(const Kernel& kernel) {
  using Places = std::vector<const Place*>;
  return std::visit(Overload{[](const VectorKernel& k) {
                               Places out;
                               for (const auto& i : k.inputs) out.push_back(&i);
                               return out;
                             },
                             [](const ColumnReduceKernel& k) { return Places{&k.in}; },
                             [](const MatmulKernel& k) {
                               return Places{&k.a, &k.b};
                             },
                             [](const CopyKernel& k) { return Places{&k.from}; },
                             [](const ExchangeKernel& k) { return Places{&k.data}; },
                             [](const GatherKernel& k) {
                               return Places{&k.table, &k.index};
                             },
                             [](const BagKernel& k) {
                               Places in{&k.table, &k.index};
                               if (k.apart) in.insert(in.end(), {&k.apart->table, &k.apart->index});
                               if (k.weights) in.push_back(&*k.weights);
                               return in;
                             },
                             [](const ScatterKernel& k) {
                               return Places{&k.table, &k.index, &k.rows};
                             },
                             [](const SortKernel& k) {
                               Places in{&k.from};
                               if (k.to) in.push_back(&k.counts);
                               return in;
                             },
                             [](const UpdateKernel& k) {
                               Places in{&k.pairs, &k.gradients};
                               if (k.scalars) in.insert(in.end(), {&k.scalars->rate, &k.scalars->root});
                               if (k.weights) in.push_back(&k.weights->each);
                               for (const Place* state : states(k)) in.push_back(state);
                               return in;
                             },
                             [](const AttentionKernel& k) {
                               return Places{&k.q, &k.k, &k.v};
                             },
                             [](const AttentionGradientKernel& k) {
                               return Places{&k.q, &k.k, &k.v, &k.dy, &k.lse, &k.delta};
                             },
                             [](const AttentionQueryKernel& k) {
                               return Places{&k.dscores, &k.k};
                             }},
                    kernel.body);
}

std::vector<const Place*> writes(const Kernel& kernel) {
  using Places = std::vector<const Place*>;
  return std::visit(Overload{[](const VectorKernel& k) {
                               Places out;
                               for (const auto& o : k.outputs) out.push_back(&o.place);
                               return out;
                             },
                             [](const ColumnReduceKernel& k) { return Places{&k.out}; },
                             [](const MatmulKernel& k) { return Places{&k.c}; },
                             [](const CopyKernel& k) { return Places{&k.to}; },
                             [](const ExchangeKernel& k) { return Places{&k.data}; },
                             [](const GatherKernel& k) { return Places{&k.out}; },
                             [](const BagKernel& k) { return Places{&k.out}; },
                             [](const ScatterKernel& k) { return Places{&k.table}; },
                             [](const SortKernel& k) { return Places{k.to ? &*k.to : &k.counts}; },
                             [](const UpdateKernel& k) {
                               Places out = states(k);
                               if (k.seams) out.insert(out.end(), {&k.seams->pairs, &k.seams->rows});
                               return out;
                             },
                             [](const AttentionKernel& k) {
                               Places out{&k.out};
                               if (k.lse) out.push_back(&*k.lse);
                               return out;
                             },
                             [](const AttentionGradientKernel& k) {
                               return Places{&k.dscores, &k.dk, &k.dv};
                             },
                             [](const AttentionQueryKernel& k) { return Places{&k.dq}; }},
                    kernel.body);
}

CopyKernel copy_kernel(Place from, Place to) {
  for (View* v : {&from.view, &to.view})
    if (v->shape.empty()) v->shape = v->strides = {1};
  return {std::move(from), std::move(to)};
}

bool in_sram(const Lowered& lowered, const Place& place) {
  const Storage& s = lowered.storages[std::size_t(place.view.storage)];
  return s.address + std::uint64_t(place.view.offset * size_of(place.dtype)) >= isa::kSramBase;
}

std::vector<Place*> places(Kernel& kernel) {
  std::vector<Place*> out;
  for (const auto& list : {reads(kernel), writes(kernel)})
    for (const Place* place : list)
      out.push_back(const_cast<Place*>(place));  // the kernel itself is not const
  return out;
}

}  // namespace leto::compiler
