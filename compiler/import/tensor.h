// A tensor of the model file in memory, and the model's nodes as the converters see them.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph.h"

namespace leto::compiler::import {

using Dims = std::vector<std::int64_t>;

/// Numbers known at import. Integers up to 2^53 are exact; doubles of the model are fp32 from here on.
struct Tensor {
  Type type;
  std::vector<double> data;
};

/// Element type for an ONNX type number; Error(unsupported) naming `where` for strings and the like.
DType dtype_of(int onnx_type, const std::string& where);

/// Elements of a shape; Error(bad_input) naming `where` when a size is negative or the product absurd.
std::int64_t checked_elements(const Dims& shape, const std::string& where);

/// What the tensor says about itself; the data is not looked at.
Type described_type(const onnx::TensorProto& proto, const std::string& where);

/// Reads raw, typed or external data (a file in `folder`); it must fill the shape exactly.
Tensor read_tensor(const onnx::TensorProto& proto, const std::string& where,
                   const std::filesystem::path& folder = {});

/// Does its data lie in another file?
bool is_external(const onnx::TensorProto& proto);

/// An initializer of the zoo that is drawn instead of stored: external data at "leto-normal".
bool is_drawn(const onnx::TensorProto& proto);
/// A number among its external data keys.
double external_number(const onnx::TensorProto& proto, std::string_view key);

/// Read access to a node of the model.
class NodeView {
 public:
  explicit NodeView(const onnx::NodeProto& proto);
  const std::string& op() const { return proto_->op_type(); }
  const std::string& name() const { return name_; }
  std::size_t inputs() const { return static_cast<std::size_t>(proto_->input_size()); }
  std::size_t outputs() const { return static_cast<std::size_t>(proto_->output_size()); }
  /// Empty when the operand is left out.
  const std::string& input(std::size_t i) const;
  const std::string& output(std::size_t i) const;
  bool has_input(std::size_t i) const { return !input(i).empty(); }

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::int64_t integer(std::string_view key, std::int64_t otherwise) const;
  double number(std::string_view key, double otherwise) const;
  std::string text(std::string_view key, std::string_view otherwise) const;
  Dims list(std::string_view key, const Dims& otherwise) const;
  const onnx::AttributeProto* find(std::string_view key) const;

  /// Error(bad_input) and Error(unsupported) that name this node.
  [[noreturn]] void fail(const std::string& why) const;
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  const onnx::NodeProto* proto_;
  std::string name_;
};

}  // namespace leto::compiler::import
