// The state of one import: the graph so far and what each name of the model stands for.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "compiler/compiler.h"
#include "compiler/import/tensor.h"

namespace leto::compiler::import {

class Importer {
 public:
  using Attributes = std::map<std::string, Attribute>;

  /// `folder`: where the files of external data are.
  Importer(const onnx::ModelProto& model, std::filesystem::path folder, const ImportOptions& options);
  Graph run();

  // For the converters (convert_*.cpp).
  std::int64_t opset() const { return opset_; }
  Graph& graph() { return graph_; }
  Dims shape(ValueId id) const { return graph_.value(id).type.shape; }
  DType dtype(ValueId id) const { return graph_.value(id).type.dtype; }
  /// Operand i as a value of the graph.
  ValueId value(const NodeView& node, std::size_t i) const;
  /// What a name stands for that the node's subgraph uses.
  ValueId named(const NodeView& node, const std::string& name) const;
  /// The numbers of a value that hangs on constants and inputs that are given, else nullptr.
  const Tensor* given_numbers(ValueId id);
  /// Operand i, or a value, if its numbers are known at import, else nullptr.
  const Tensor* known(const NodeView& node, std::size_t i) const;
  const Tensor* known(ValueId id) const;
  /// Operand i, whose numbers the import needs: known ones, or those given for an input. Error(unsupported)
  /// when they are computed at run time.
  const Tensor& required(const NodeView& node, std::size_t i);
  /// The same as integers (shapes, axes).
  Dims integers(const NodeView& node, std::size_t i);
  /// A stored weight that must not be trained (running statistics): a constant copy of it.
  ValueId frozen(const NodeView& node, std::size_t i);

  /// Appends an operation named after the node, or computes it here and now when all its operands are known.
  ValueId emit(const NodeView& node, Op op, std::vector<ValueId> inputs, Attributes attributes = {});
  /// The same with the result in the type of `like`: for operations whose first operand is a constant.
  ValueId emit_like(const NodeView& node, ValueId like, Op op, std::vector<ValueId> inputs,
                    Attributes attributes = {});
  ValueId reshape(const NodeView& node, ValueId x, const Dims& shape);
  /// An fp32 constant of shape [].
  ValueId scalar(double x);
  /// A constant whose numbers are known.
  ValueId constant(const std::string& name, Tensor tensor);
  /// The node's output i is this value.
  void define(const NodeView& node, std::size_t i, ValueId id);
  void define(const NodeView& node, std::size_t i, Tensor known);
  bool is_used(const std::string& name) const { return uses_left_.contains(name); }
  /// An integer input that indexes a table: its values are below `limit` unless the model says otherwise.
  void limit_indices(ValueId id, std::int64_t limit);
  /// Remembers scores whose log softmax this is, for the loss that reads it.
  void set_scores(ValueId log_softmax, ValueId scores) { scores_[log_softmax] = scores; }
  ValueId scores_of(ValueId log_softmax) const;

 private:
  void read_opset();
  void read_metadata();
  void note_uses();
  void check_operators() const;
  void initializers();
  void initializer(const onnx::TensorProto& proto);
  void parameter(const onnx::TensorProto& proto, const Tensor& tensor);
  void inputs();
  Dims input_shape(const onnx::ValueInfoProto& info) const;
  std::int64_t bound(const std::string& input, int axis, const std::string& symbol) const;
  void convert(const onnx::NodeProto& proto);
  void release_operands(const onnx::NodeProto& proto);
  bool is_needed(ValueId id) const;
  std::optional<ValueId> folded(const NodeView& node, Op op, const std::vector<ValueId>& inputs,
                                const Attributes& attributes);
  void outputs();
  ValueId output_named(const std::string& name, ValueId id);
  void set_tokens();
  void refuse_empty(const Graph& graph) const;
  void add_entry(const std::string& name, ValueId id);
  void rename(ValueId id, const std::string& name);

  const onnx::ModelProto& model_;
  std::filesystem::path folder_;
  const ImportOptions& options_;
  std::int64_t opset_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueId> entries_;  // what the model's names stand for
  std::unordered_map<ValueId, Tensor> known_;         // constants
  std::unordered_map<ValueId, Tensor> given_;         // what follows from the inputs that are given
  std::unordered_map<std::string, int> uses_left_;    // of the model's names: readers still to be converted
  std::map<std::string, std::int64_t> metadata_;      // "leto.…" numbers
  std::map<std::string, DType> stored_;               // "leto.dtype.<tensor>"
  std::map<ValueId, ValueId> scores_;
  std::unordered_set<ValueId> named_;
};

/// Appends what a node means and defines its outputs.
using Converter = void (*)(Importer&, const NodeView&);

/// An operator of ONNX: the one place that says what import makes of it.
struct Operator {
  std::string_view name;
  int since;  // the first opset with this meaning; the last is kLastOpset
  Converter convert;
  std::string_view how;  // for the manual: operations it becomes, what is refused
};
inline constexpr int kFirstOpset = 1, kLastOpset = 17;

// One table a group of operators (convert_*.cpp).
using OperatorTable = std::vector<Operator>;
const OperatorTable& elementwise_operators();
const OperatorTable& activation_operators();
const OperatorTable& product_operators();
const OperatorTable& movement_operators();
const OperatorTable& constant_operators();
const OperatorTable& indexing_operators();
const OperatorTable& reduction_operators();
const OperatorTable& loss_operators();
const OperatorTable& normalisation_operators();
const OperatorTable& window_operators();
const OperatorTable& resampling_operators();
const OperatorTable& recurrent_operators();
const OperatorTable& loop_operators();

/// All of them by name.
const std::map<std::string_view, Operator>& operators();

}  // namespace leto::compiler::import
