#include "compiler/lower/likeness.h"

#include <algorithm>

namespace leto::compiler {
namespace {

class Key {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void add(T x) { text_.append(reinterpret_cast<const char*>(&x), sizeof x); }
  void add(const Dims& dims) {
    add(dims.size());
    for (const auto d : dims) add(d);
  }
  void add(const VectorKernel::Ref& ref) {
    add(ref.kind);
    add(ref.index);
  }
  void add(const VectorKernel::Step& s) {
    add(s.op);
    add(s.reduce);
    add(s.a);
    add(s.b);
    add(s.value);
    add(s.dtype);
    add(s.column);
  }
  void add(const AttentionTerms& terms) {
    add(terms.scale);
    add(terms.causal);
  }
  void add_place(const Place& place, std::size_t storage) {
    add(storage);
    add(place.dtype);
    add(place.view.offset);
    add(place.view.shape);
    add(place.view.strides);
  }

  void add_body(const VectorKernel& k) {
    add(k.shape);
    add(k.inputs.size());
    add(k.steps.size());
    for (const auto& s : k.steps) add(s);
    for (const auto& o : k.outputs) add(o.step);
  }
  void add_body(const ColumnReduceKernel& k) { add(k.reduce); }
  void add_body(const AttentionKernel& k) {
    add(static_cast<const AttentionTerms&>(k));
    add(k.lse.has_value());
  }
  void add_body(const AttentionGradientKernel& k) { add(static_cast<const AttentionTerms&>(k)); }
  void add_body(const AttentionQueryKernel& k) {
    add(static_cast<const AttentionTerms&>(k));
    add(k.value_columns);
  }
  void add_body(const MatmulKernel&) {}
  void add_body(const CopyKernel&) {}
  void add_body(const ExchangeKernel& k) {
    add(k.bytes);
    add(k.chips);
  }
  void add_body(const GatherKernel& k) {
    add(k.padding);
    add(k.least);
  }
  void add_body(const BagKernel& k) {
    add(k.apart.has_value());
    add(k.weights.has_value());
  }
  void add_body(const ScatterKernel& k) { add(k.padding); }
  void add_body(const UpdateKernel& k) {
    add(k.table.has_value());
    add(k.sums.has_value());
    add(k.scalars.has_value());
    add(k.weights ? k.weights->bag : 0);
    for (const auto& moment : {k.mean, k.square}) add(moment ? moment->share : 0.0F);
    add(k.seams.has_value());
    add(k.block);
    add(k.rate);
    add(k.epsilon);
  }

  void add_body(const SortKernel& k) {
    add(std::int64_t(k.step));
    add(k.tile);
    add(k.chunk);
    add(k.shift);
    add(k.bits);
    add(k.share);
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string likeness(const Kernel& kernel) {
  Key key;
  key.add(kernel.body.index());
  std::visit([&](const auto& body) { key.add_body(body); }, kernel.body);
  std::vector<StorageId> seen;  // storages by first use
  for (const auto& list : {reads(kernel), writes(kernel)})
    for (const Place* place : list) {
      const auto at = std::find(seen.begin(), seen.end(), place->view.storage);
      key.add_place(*place, std::size_t(at - seen.begin()));
      if (at == seen.end()) seen.push_back(place->view.storage);
    }
  return key.take();
}

}  // namespace leto::compiler
