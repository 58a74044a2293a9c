#include "apps/zoo/builder.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>

#include "base/hash.h"
#include "base/rng.h"

namespace leto::zoo {
namespace {

constexpr std::int64_t kStoredBytes = 64 << 10;  // larger weights are written without data
constexpr int kOpset = 17, kIrVersion = 8;       // the newest that libonnx 1.12 reads

std::int64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

void external(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
  auto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

}  // namespace

int onnx_type(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return onnx::TensorProto::BFLOAT16;
    case DType::fp16:
      return onnx::TensorProto::FLOAT16;
    default:
      return onnx::TensorProto::FLOAT;
  }
}

ModelBuilder::ModelBuilder(std::string name, DType dtype, std::uint64_t seed)
    : dtype_(size_of(dtype) == 1 ? DType::bf16 : dtype), stored_(dtype), seed_(seed) {
  model_.set_ir_version(kIrVersion);
  model_.set_producer_name("leto zoo");
  model_.add_opset_import()->set_version(kOpset);
  graph().set_name(std::move(name));
}

void ModelBuilder::set_type(onnx::ValueInfoProto& value, std::string_view name, const Shape& shape,
                            int type) {
  value.set_name(std::string(name));
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  auto& dims = *tensor.mutable_shape();
  for (const auto extent : shape) dims.add_dim()->set_dim_value(extent);
}

std::string ModelBuilder::input(std::string_view name, const Shape& shape) {
  set_type(*graph().add_input(), name, shape, onnx_type(dtype_));
  note_stored_type(name);
  return std::string(name);
}

std::string ModelBuilder::index_input(std::string_view name, const Shape& shape, std::int64_t limit) {
  return typed_input(name, shape, onnx::TensorProto::INT64, limit);
}

std::string ModelBuilder::typed_input(std::string_view name, const Shape& shape, int type,
                                      std::int64_t limit) {
  set_type(*graph().add_input(), name, shape, type);
  if (limit != 0) metadata("leto.limit." + std::string(name), std::to_string(limit));
  return std::string(name);
}

onnx::TensorProto& ModelBuilder::initializer(std::string_view name, const Shape& shape, int type) {
  auto& tensor = *graph().add_initializer();
  tensor.set_name(std::string(name));
  tensor.set_data_type(type);
  for (const auto extent : shape) tensor.add_dims(extent);
  return tensor;
}

void ModelBuilder::store(onnx::TensorProto& tensor, DType dtype, std::span<const float> data) {
  std::string raw(data.size() * static_cast<std::size_t>(size_of(dtype)), '\0');
  store_elements(dtype, data.data(), reinterpret_cast<std::byte*>(raw.data()), std::ssize(data));
  tensor.set_raw_data(std::move(raw));
}

std::string ModelBuilder::weight(std::string_view name, const Shape& shape, double deviation) {
  auto& tensor = initializer(name, shape, onnx_type(dtype_));
  note_stored_type(name);
  const auto count = product(shape);
  if (count * size_of(dtype_) > kStoredBytes) {
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    external(tensor, "location", "leto-normal");
    external(tensor, "mean", "0");
    external(tensor, "deviation", fmt::format("{}", deviation));
    return std::string(name);
  }
  std::vector<float> data(static_cast<std::size_t>(count));
  fill_normal(seed_, fnv1a(name), 0, 0.0, deviation, data);
  std::vector<std::byte> rounded(data.size() * static_cast<std::size_t>(size_of(stored_)));
  store_elements(stored_, data.data(), rounded.data(), count);
  load_elements(stored_, rounded.data(), data.data(), count);
  store(tensor, dtype_, data);
  return std::string(name);
}

std::string ModelBuilder::filled(std::string_view name, const Shape& shape, float value) {
  store(initializer(name, shape, onnx_type(dtype_)), dtype_,
        std::vector<float>(static_cast<std::size_t>(product(shape)), value));
  return std::string(name);
}

std::string ModelBuilder::constant(std::string_view name, const Shape& shape,
                                   const std::vector<float>& data) {
  return constant_of(dtype_, name, shape, data);
}

std::string ModelBuilder::wide_constant(std::string_view name, const Shape& shape,
                                        const std::vector<float>& data) {
  return constant_of(DType::fp32, name, shape, data);
}

onnx::TensorProto& ModelBuilder::constant_node(std::string_view name, int type) {
  auto& added = *graph().add_node();
  added.set_op_type("Constant");
  added.set_name(std::string(name));
  added.add_output(std::string(name));
  auto& attribute = *added.add_attribute();
  attribute.set_name("value");
  attribute.set_type(onnx::AttributeProto::TENSOR);
  auto& tensor = *attribute.mutable_t();
  tensor.set_data_type(type);
  return tensor;
}

std::string ModelBuilder::typed_number(std::string_view name, int type, double value) {
  auto& tensor = constant_node(name, type);
  switch (type) {
    case onnx::TensorProto::DOUBLE:
      tensor.add_double_data(value);
      break;
    case onnx::TensorProto::INT64:
      tensor.add_int64_data(static_cast<std::int64_t>(value));
      break;
    case onnx::TensorProto::FLOAT:
      tensor.add_float_data(static_cast<float>(value));
      break;
    default:  // of the narrow ones
      tensor.add_int32_data(static_cast<std::int32_t>(value));
  }
  return std::string(name);
}

std::string ModelBuilder::constant_of(DType dtype, std::string_view name, const Shape& shape,
                                      const std::vector<float>& data) {
  auto& tensor = constant_node(name, onnx_type(dtype));
  for (const auto extent : shape) tensor.add_dims(extent);
  store(tensor, dtype, data);
  return std::string(name);
}

std::string ModelBuilder::integers(std::string_view name, const std::vector<std::int64_t>& data) {
  auto& tensor = initializer(name, {std::ssize(data)}, onnx::TensorProto::INT64);
  for (const auto value : data) tensor.add_int64_data(value);
  return std::string(name);
}

std::string ModelBuilder::integer_scalar(std::string_view name, std::int64_t data) {
  initializer(name, {}, onnx::TensorProto::INT64).add_int64_data(data);
  return std::string(name);
}

std::string ModelBuilder::node(std::string_view op, const std::vector<std::string>& inputs,
                               std::string_view name) {
  auto& added = *graph().add_node();
  added.set_op_type(std::string(op));
  added.set_name(std::string(name));
  for (const auto& input : inputs) added.add_input(input);
  added.add_output(std::string(name));
  return std::string(name);
}

std::string ModelBuilder::cast(const std::string& x, DType to, std::string_view name) {
  return dtype_ == DType::fp32 ? x : cast_to(x, onnx_type(to), name);
}

std::string ModelBuilder::cast_to(const std::string& x, int type, std::string_view name) {
  const auto y = node("Cast", {x}, name);
  integer("to", type);
  return y;
}

std::string ModelBuilder::widened(const std::string& x, std::string_view name) {
  return cast(x, DType::fp32, name);
}

std::string ModelBuilder::narrowed(const std::string& x, std::string_view name) {
  return cast(x, dtype_, name);
}

std::vector<std::string> ModelBuilder::split(const std::string& input, int parts, std::int64_t axis,
                                             std::string_view name, const std::string& sizes) {
  auto& added = *graph().add_node();
  added.set_op_type("Split");
  added.set_name(std::string(name));
  added.add_input(input);
  added.add_input(sizes);
  for (int i = 0; i < parts; ++i) added.add_output(fmt::format("{}.{}", name, i));
  integer("axis", axis);
  return {added.output().begin(), added.output().end()};
}

ModelBuilder& ModelBuilder::further_output(std::string_view name) {
  graph().mutable_node()->rbegin()->add_output(std::string(name));
  return *this;
}

ModelBuilder& ModelBuilder::integer(std::string_view key, std::int64_t value) {
  auto& attribute = *graph().mutable_node()->rbegin()->add_attribute();
  attribute.set_name(std::string(key));
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return *this;
}

ModelBuilder& ModelBuilder::number(std::string_view key, float value) {
  auto& attribute = *graph().mutable_node()->rbegin()->add_attribute();
  attribute.set_name(std::string(key));
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
  return *this;
}

ModelBuilder& ModelBuilder::text(std::string_view key, std::string_view value) {
  auto& attribute = *graph().mutable_node()->rbegin()->add_attribute();
  attribute.set_name(std::string(key));
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(std::string(value));
  return *this;
}

ModelBuilder& ModelBuilder::list(std::string_view key, const std::vector<std::int64_t>& values) {
  auto& attribute = *graph().mutable_node()->rbegin()->add_attribute();
  attribute.set_name(std::string(key));
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const auto value : values) attribute.add_ints(value);
  return *this;
}

void ModelBuilder::output(const std::string& name, const Shape& shape) {
  typed_output(name, shape, onnx_type(dtype_));
}

void ModelBuilder::typed_output(const std::string& name, const Shape& shape, int type) {
  set_type(*graph().add_output(), name, shape, type);
}

void ModelBuilder::tokens(std::int64_t count) {
  metadata("leto.tokens", std::to_string(count));
}

void ModelBuilder::stored_as(std::string_view name, DType type) {
  metadata("leto.dtype." + std::string(name), std::string(name_of(type)));
}

void ModelBuilder::note_stored_type(std::string_view name) {
  if (stored_ != dtype_) stored_as(name, stored_);
}

void ModelBuilder::metadata(const std::string& key, const std::string& value) {
  auto& entry = *model_.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

}  // namespace leto::zoo
