#include "compiler/passes/fold.h"

#include <algorithm>

#include "compiler/ops.h"
#include "compiler/passes/builder.h"
#include "compiler/passes/rewriter.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler {
namespace {

using Dims = Builder::Dims;

constexpr std::int64_t kFoldElements = 64;  // larger constants are left to the chip

class Folder {
 public:
  explicit Folder(const Graph& graph) : rewriter_(graph) {}
  Graph run();

 private:
  const Graph& to() { return rewriter_.to(); }
  bool small_constant(ValueId id);
  bool is_scalar_constant(ValueId id, float x);
  /// The new value that the node's result equals, or -1.
  ValueId simpler(const Node& node, const std::vector<ValueId>& in, const Type& out);
  ValueId constant(const Node& node, const std::vector<ValueId>& in, const Type& out);
  ValueId identity(const Node& node, const std::vector<ValueId>& in, const Type& out);
  ValueId merged_move(const Node& node, ValueId in, const Type& out);
  const Node* new_producer(ValueId id);

  Rewriter rewriter_;
  std::vector<int> new_producer_;  // index of the new node that made a new value, -1 for leaves
};

bool Folder::small_constant(ValueId id) {
  const Value& v = to().value(id);
  return v.role == Role::constant && elements(v.type) <= kFoldElements;
}

bool Folder::is_scalar_constant(ValueId id, float x) {
  const Value& v = to().value(id);
  return v.role == Role::constant && v.data.size() == 1 && v.data[0] == x;
}

ValueId Folder::constant(const Node& node, const std::vector<ValueId>& in, const Type& out) {
  std::vector<reference::Operand<float>> operands;
  for (const ValueId id : in) {
    if (!small_constant(id)) {
      return -1;
    }
    operands.push_back({to().value(id).type, to().value(id).data});
  }
  if (elements(out) > kFoldElements) {
    return -1;
  }
  std::vector<float> data = reference::compute<float>({node, out, operands});
  reference::round_to(out.dtype, data);
  return rewriter_.to().constant(rewriter_.from().value(node.output).name + ".folded", out, std::move(data));
}

ValueId Folder::identity(const Node& node, const std::vector<ValueId>& in, const Type& out) {
  const bool same = to().value(in[0]).type == out;
  switch (node.op) {
    case Op::add:
    case Op::sub:
      return same && is_scalar_constant(in[1], 0) ? in[0] : -1;
    case Op::mul:
      if (same && is_scalar_constant(in[1], 1)) {
        return in[0];
      }
      return to().value(in[1]).type == out && is_scalar_constant(in[0], 1) ? in[1] : -1;
    case Op::reduce_sum:
    case Op::reduce_max:
      return same ? in[0] : -1;  // nothing but axes of size 1
    case Op::cast:
    case Op::reshape:
    case Op::slice:
    case Op::embed:
    case Op::expand:
      return same ? in[0] : -1;
    case Op::concat:
      return same && in.size() == 1 ? in[0] : -1;
    default:
      return -1;
  }
}

const Node* Folder::new_producer(ValueId id) {
  for (auto i = new_producer_.size(); i < to().values.size(); ++i) {
    new_producer_.push_back(-1);
  }
  const int node = new_producer_[static_cast<std::size_t>(id)];
  return node < 0 ? nullptr : &to().nodes[static_cast<std::size_t>(node)];
}

/// reshape of reshape, transpose of transpose.
ValueId Folder::merged_move(const Node& node, ValueId in, const Type& out) {
  const Node* inner = new_producer(in);
  const bool chained = inner != nullptr && inner->op == node.op;
  const ValueId source = chained ? inner->inputs[0] : in;
  if (node.op == Op::reshape) {
    if (!chained) {
      return -1;
    }
    return Builder(rewriter_.to(), node.phase, node.name).reshape(source, out.shape);
  }
  Dims perm = node.list("perm");
  if (chained) {
    for (std::int64_t& p : perm) {
      p = inner->list("perm")[static_cast<std::size_t>(p)];
    }
  }
  const bool identity = std::is_sorted(perm.begin(), perm.end());
  if (!chained && !identity) {
    return -1;
  }
  return Builder(rewriter_.to(), node.phase, node.name).transpose(source, perm);
}

ValueId Folder::simpler(const Node& node, const std::vector<ValueId>& in, const Type& out) {
  ValueId id = constant(node, in, out);
  if (id < 0) {
    id = identity(node, in, out);
  }
  if (id < 0 && (node.op == Op::reshape || node.op == Op::transpose)) {
    id = merged_move(node, in[0], out);
  }
  return id;
}

Graph Folder::run() {
  const Graph& from = rewriter_.from();
  for (const Node& node : from.nodes) {
    const ValueId id = simpler(node, rewriter_.mapped(node.inputs), from.value(node.output).type);
    if (id >= 0) {
      rewriter_.replace(node.output, id);
    } else {
      rewriter_.copy(node);
    }
    new_producer_.resize(to().values.size(), -1);
    for (std::size_t n = to().nodes.size(); n-- > 0;) {
      int& slot = new_producer_[static_cast<std::size_t>(to().nodes[n].output)];
      if (slot >= 0) {
        break;
      }
      slot = static_cast<int>(n);
    }
  }
  return rewriter_.finish();
}

}  // namespace

Graph fold(const Graph& graph) {
  return Folder(graph).run();
}

}  // namespace leto::compiler
