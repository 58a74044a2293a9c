// Writes ONNX (opset 17, IR 8) one node at a time.
//
// A float weight up to 64 KiB is stored in the file, drawn from (seed, name). A larger one is written without
// data: its initializer says EXTERNAL, location "leto-normal" with a mean and a deviation, and whoever needs
// its values draws them. What ONNX cannot say travels as model metadata: "leto.limit.<input>" = an index
// input's values are below it, "leto.tokens" = tokens (or samples) of a step, "leto.dtype.<tensor>" = the
// type a bf16 tensor is to have in memory, its numbers being numbers of that type (ONNX 1.12 has no fp8).
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtypes.h"

namespace leto::zoo {

using Shape = std::vector<std::int64_t>;

class ModelBuilder {
 public:
  /// `dtype` is that of every float tensor of the model: fp32, bf16 or fp16; fp8: of its inputs and drawn
  /// weights, the rest is bf16.
  ModelBuilder(std::string name, DType dtype, std::uint64_t seed);

  /// As the file declares its float tensors.
  DType dtype() const { return dtype_; }

  /// A float input of the model.
  std::string input(std::string_view name, const Shape& shape);
  /// An int64 input whose values are in [0, limit).
  std::string index_input(std::string_view name, const Shape& shape, std::int64_t limit);
  /// An input of any element type of ONNX. Integers: in [0, limit), unless that is 0.
  std::string typed_input(std::string_view name, const Shape& shape, int type, std::int64_t limit = 0);
  /// A weight drawn from normal(0, deviation).
  std::string weight(std::string_view name, const Shape& shape, double deviation);
  /// Says that a weight lies in memory in another type than the model declares.
  void stored_as(std::string_view name, DType type);
  /// A weight that starts at one value (biases, scales).
  std::string filled(std::string_view name, const Shape& shape, float value);
  /// A float Constant node: part of the computation, never trained.
  std::string constant(std::string_view name, const Shape& shape, const std::vector<float>& data);
  /// The same in fp32, whatever the model's type.
  std::string wide_constant(std::string_view name, const Shape& shape, const std::vector<float>& data);
  /// One number, of shape [], of any element type of ONNX.
  std::string typed_number(std::string_view name, int type, double value);
  /// An int64 initializer (shapes, axes, splits).
  std::string integers(std::string_view name, const std::vector<std::int64_t>& data);

  /// A single one, of shape [].
  std::string integer_scalar(std::string_view name, std::int64_t data);

  /// Adds a node and returns its first output, which is called `name`.
  std::string node(std::string_view op, const std::vector<std::string>& inputs, std::string_view name);
  /// x in another type: a Cast, or x itself when that is the model's.
  std::string widened(const std::string& x, std::string_view name);   // from the model's type to fp32
  std::string narrowed(const std::string& x, std::string_view name);  // from fp32 to the model's type
  /// x in a type of ONNX.
  std::string cast_to(const std::string& x, int type, std::string_view name);
  /// As node, with outputs `name`.0, `name`.1, …
  std::vector<std::string> split(const std::string& input, int parts, std::int64_t axis,
                                 std::string_view name, const std::string& sizes);
  /// One more output of the node added last.
  ModelBuilder& further_output(std::string_view name);
  // Attributes of the node added last.
  ModelBuilder& integer(std::string_view key, std::int64_t value);
  ModelBuilder& number(std::string_view key, float value);
  ModelBuilder& text(std::string_view key, std::string_view value);
  ModelBuilder& list(std::string_view key, const std::vector<std::int64_t>& values);

  void output(const std::string& name, const Shape& shape);
  void typed_output(const std::string& name, const Shape& shape, int type);
  /// Tokens (or samples) that a step of the model works on.
  void tokens(std::int64_t count);

  onnx::ModelProto finish() { return std::move(model_); }

 private:
  std::string constant_of(DType dtype, std::string_view name, const Shape& shape,
                          const std::vector<float>& data);
  std::string cast(const std::string& x, DType to, std::string_view name);
  onnx::TensorProto& constant_node(std::string_view name, int type);
  onnx::TensorProto& initializer(std::string_view name, const Shape& shape, int type);
  void set_type(onnx::ValueInfoProto& value, std::string_view name, const Shape& shape, int type);
  static void store(onnx::TensorProto& tensor, DType dtype, std::span<const float> data);
  void note_stored_type(std::string_view name);
  void metadata(const std::string& key, const std::string& value);
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  onnx::ModelProto model_;
  DType dtype_;   // as the file declares it
  DType stored_;  // of inputs and drawn weights
  std::uint64_t seed_;
};

/// The element type's number in ONNX.
int onnx_type(DType dtype);

}  // namespace leto::zoo
