// The state of one import: the graph so far and what each name of the model stands for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "compiler/compiler.h"
#include "compiler/import/tensor.h"

namespace leto::compiler::import {

class Importer {
 public:
  using Attributes = std::map<std::string, Attribute>;

  Importer(const onnx::ModelProto& model, const Bindings& bindings);
  Graph run();

  // For the converters (convert_*.cpp).
  std::int64_t opset() const { return opset_; }
  Graph& graph() { return graph_; }
  const Dims& shape(ValueId id) const { return graph_.value(id).type.shape; }
  DType dtype(ValueId id) const { return graph_.value(id).type.dtype; }
  /// Operand i as a value of the graph; a known tensor becomes a constant.
  ValueId value(const NodeView& node, std::size_t i);
  /// Operand i if it is known at import, else nullptr.
  const Tensor* known(const NodeView& node, std::size_t i) const;
  /// Operand i as known integers (shapes, axes); Error(unsupported) when it is computed at run time.
  Dims integers(const NodeView& node, std::size_t i) const;
  /// A stored weight that must not be trained (running statistics): a constant copy of it.
  ValueId frozen(const NodeView& node, std::size_t i);

  /// Appends an operation named after the node.
  ValueId emit(const NodeView& node, Op op, std::vector<ValueId> inputs, Attributes attributes = {});
  /// The same with the result in the type of `like`: for operations whose first operand is a constant.
  ValueId emit_like(const NodeView& node, ValueId like, Op op, std::vector<ValueId> inputs,
                    Attributes attributes = {});
  ValueId reshape(const NodeView& node, ValueId x, const Dims& shape);
  ValueId scalar(double x);
  /// The node's output i is this value.
  void define(const NodeView& node, std::size_t i, ValueId id);
  void define(const NodeView& node, std::size_t i, Tensor known);
  bool is_used(const std::string& name) const { return used_.contains(name); }
  /// An integer input that indexes a table: its values are below `limit` unless the model says otherwise.
  void limit_indices(ValueId id, std::int64_t limit);
  /// Remembers scores whose log softmax this is, for the loss that reads it.
  void set_scores(ValueId log_softmax, ValueId scores) { scores_[log_softmax] = scores; }
  ValueId scores_of(ValueId log_softmax) const;

 private:
  struct Entry {
    ValueId id = -1;
    std::shared_ptr<const Tensor> tensor;  // known at import
  };

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
  bool fold(const NodeView& node);
  void outputs();
  ValueId output_named(const std::string& name, ValueId id);
  void set_tokens();
  Entry& entry(const NodeView& node, std::size_t i);
  void add_entry(const std::string& name, Entry entry);
  ValueId materialise(const std::string& name, Entry& entry);
  void rename(ValueId id, const std::string& name);

  const onnx::ModelProto& model_;
  const Bindings& bindings_;
  std::int64_t opset_ = 0;
  Graph graph_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_set<std::string> used_;
  std::map<std::string, std::int64_t> metadata_;  // "leto.…" numbers
  std::map<ValueId, ValueId> scores_;
  std::unordered_set<ValueId> named_;
};

/// Appends what a node means and defines its outputs.
using Converter = void (*)(Importer&, const NodeView&);
using ConverterTable = std::unordered_map<std::string, Converter>;

// One table a group of operators.
const ConverterTable& elementwise_converters();
const ConverterTable& product_converters();
const ConverterTable& movement_converters();
const ConverterTable& network_converters();

/// nullptr when nothing converts this operator.
Converter converter_of(const std::string& op);

}  // namespace leto::compiler::import
