#include "compiler/import/tensor.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/errors.h"

namespace leto::compiler::import {
namespace {

using onnx::TensorProto;

[[noreturn]] void damaged(const std::string& where, const std::string& why) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", where, why), "export the model again");
}

template <typename T>
std::vector<double> from_raw(const std::string& raw) {
  std::vector<double> out(raw.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T x;
    std::memcpy(&x, raw.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(x);
  }
  return out;
}

std::vector<double> from_raw_halves(const std::string& raw, float (*widen)(std::uint16_t)) {
  std::vector<double> out(raw.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, raw.data() + i * 2, 2);
    out[i] = widen(bits);
  }
  return out;
}

template <typename Field>
std::vector<double> from_field(const Field& field) {
  return std::vector<double>(field.begin(), field.end());
}

std::vector<double> from_halves(const TensorProto& p, float (*widen)(std::uint16_t)) {
  std::vector<double> out;
  for (const std::int32_t bits : p.int32_data()) {
    out.push_back(widen(static_cast<std::uint16_t>(bits)));
  }
  return out;
}

std::vector<double> raw_data(const TensorProto& p, const std::string& raw, const std::string& where) {
  switch (p.data_type()) {
    case TensorProto::FLOAT:
      return from_raw<float>(raw);
    case TensorProto::DOUBLE:
      return from_raw<double>(raw);
    case TensorProto::INT64:
      return from_raw<std::int64_t>(raw);
    case TensorProto::INT32:
      return from_raw<std::int32_t>(raw);
    case TensorProto::INT16:
      return from_raw<std::int16_t>(raw);
    case TensorProto::UINT16:
      return from_raw<std::uint16_t>(raw);
    case TensorProto::UINT32:
      return from_raw<std::uint32_t>(raw);
    case TensorProto::UINT64:
      return from_raw<std::uint64_t>(raw);
    case TensorProto::INT8:
      return from_raw<std::int8_t>(raw);
    case TensorProto::UINT8:
    case TensorProto::BOOL:
      return from_raw<std::uint8_t>(raw);
    case TensorProto::BFLOAT16:
      return from_raw_halves(raw, float_from_bf16);
    case TensorProto::FLOAT16:
      return from_raw_halves(raw, float_from_fp16);
    default:
      damaged(where, "unknown element type");
  }
}

std::vector<double> typed_data(const TensorProto& p) {
  switch (p.data_type()) {
    case TensorProto::FLOAT:
      return from_field(p.float_data());
    case TensorProto::DOUBLE:
      return from_field(p.double_data());
    case TensorProto::INT64:
      return from_field(p.int64_data());
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return from_field(p.uint64_data());
    case TensorProto::BFLOAT16:
      return from_halves(p, float_from_bf16);
    case TensorProto::FLOAT16:
      return from_halves(p, float_from_fp16);
    default:
      return from_field(p.int32_data());
  }
}

const std::string* external(const TensorProto& p, std::string_view key) {
  for (const auto& entry : p.external_data()) {
    if (entry.key() == key) {
      return &entry.value();
    }
  }
  return nullptr;
}

/// A number among the external data keys, 0 when it is not there.
std::uint64_t external_count(const TensorProto& p, std::string_view key, const std::string& where) {
  const std::string* text = external(p, key);
  std::uint64_t n = 0;
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
    if (error != std::errc{} || end != text->data() + text->size()) {
      damaged(where, fmt::format("{} = '{}' is not a number", key, *text));
    }
  }
  return n;
}

/// The bytes of a tensor of `bytes` bytes that lies in a file beside the model, and nowhere else.
std::string external_data(const TensorProto& p, std::uint64_t bytes, const std::string& where,
                          const std::filesystem::path& folder) {
  const std::string* location = external(p, "location");
  const std::filesystem::path file(location ? *location : "");
  const bool inside = !file.empty() && file.is_relative() &&
                      std::none_of(file.begin(), file.end(), [](const auto& part) { return part == ".."; });
  if (!inside) {
    damaged(where, fmt::format("its data lies in '{}', which is no file beside the model", file.string()));
  }
  const std::uint64_t offset = external_count(p, "offset", where),
                      length = external_count(p, "length", where);
  std::ifstream in(folder / file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? std::streamoff(in.tellg()) : -1;
  if (size < 0) {
    damaged(where, fmt::format("its data lies in '{}', which cannot be read", file.string()));
  }
  if ((length != 0 && length != bytes) || offset > std::uint64_t(size) ||
      bytes > std::uint64_t(size) - offset) {
    damaged(where,
            fmt::format("needs {} bytes, '{}' does not have them at {}", bytes, file.string(), offset));
  }
  std::string raw(bytes, '\0');
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(raw.data(), static_cast<std::streamsize>(bytes));
  if (!in) {
    damaged(where, fmt::format("'{}' cannot be read", file.string()));
  }
  return raw;
}

/// Bytes of an element as the model stores it.
std::uint64_t stored_size(int onnx_type) {
  switch (onnx_type) {
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64:
      return 8;
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 4;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16:
      return 2;
    default:
      return 1;
  }
}

constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

}  // namespace

DType dtype_of(int onnx_type, const std::string& where) {
  switch (onnx_type) {
    case TensorProto::FLOAT:
    case TensorProto::DOUBLE:
      return DType::fp32;
    case TensorProto::BFLOAT16:
      return DType::bf16;
    case TensorProto::FLOAT16:
      return DType::fp16;
    case TensorProto::INT64:
    case TensorProto::UINT64:
    case TensorProto::UINT32:
      return DType::int64;
    case TensorProto::INT32:
    case TensorProto::INT16:
    case TensorProto::UINT16:
    case TensorProto::UINT8:
      return DType::int32;
    case TensorProto::INT8:
    case TensorProto::BOOL:
      return DType::int8;
    default:
      throw Error(ExitCode::unsupported,
                  fmt::format("{}: element type {} is not supported", where, onnx_type),
                  "use float, double, float16, bfloat16, integer or bool tensors");
  }
}

std::int64_t checked_elements(const Dims& shape, const std::string& where) {
  std::int64_t extent = 1;  // dimensions of size 0 aside: strides are computed for an empty tensor too
  bool empty = false;
  for (const std::int64_t d : shape) {
    if (d < 0 || d > kMaxElements / extent) {
      damaged(where, fmt::format("shape [{}] is not possible", fmt::join(shape, ",")));
    }
    empty = empty || d == 0;
    extent *= std::max<std::int64_t>(d, 1);
  }
  return empty ? 0 : extent;
}

Type described_type(const TensorProto& p, const std::string& where) {
  Type type{dtype_of(p.data_type(), where), Dims(p.dims().begin(), p.dims().end())};
  checked_elements(type.shape, where);
  return type;
}

bool is_external(const TensorProto& p) {
  return p.data_location() == TensorProto::EXTERNAL;
}

Tensor read_tensor(const TensorProto& p, const std::string& where, const std::filesystem::path& folder) {
  Tensor t{described_type(p, where), {}};
  const std::int64_t n = elements(t.type);
  if (is_external(p)) {
    t.data = raw_data(
        p, external_data(p, static_cast<std::uint64_t>(n) * stored_size(p.data_type()), where, folder),
        where);
  } else {
    t.data = p.has_raw_data() ? raw_data(p, p.raw_data(), where) : typed_data(p);
  }
  if (static_cast<std::int64_t>(t.data.size()) != n) {
    damaged(where, fmt::format("has {} numbers, its shape [{}] needs {}", t.data.size(),
                               fmt::join(t.type.shape, ","), n));
  }
  return t;
}

bool is_drawn(const TensorProto& p) {
  const std::string* location = external(p, "location");
  return is_external(p) && location && *location == "leto-normal";
}

double external_number(const TensorProto& p, std::string_view key) {
  const std::string* text = external(p, key);
  double x = 0;
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), x);
    if (error != std::errc{} || end != text->data() + text->size()) {
      damaged(fmt::format("initializer '{}'", p.name()),
              fmt::format("{} = '{}' is not a number", key, *text));
    }
  }
  return x;
}

NodeView::NodeView(const onnx::NodeProto& proto) : proto_(&proto), name_(proto.name()) {
  if (name_.empty()) {
    name_ = proto.output_size() > 0 && !proto.output(0).empty() ? proto.output(0) : proto.op_type();
  }
}

namespace {
const std::string kNone;
}

const std::string& NodeView::input(std::size_t i) const {
  return i < inputs() ? proto_->input(static_cast<int>(i)) : kNone;
}

const std::string& NodeView::output(std::size_t i) const {
  return i < outputs() ? proto_->output(static_cast<int>(i)) : kNone;
}

const onnx::AttributeProto* NodeView::find(std::string_view key) const {
  for (const auto& a : proto_->attribute()) {
    if (a.name() == key) {
      return &a;
    }
  }
  return nullptr;
}

std::int64_t NodeView::integer(std::string_view key, std::int64_t otherwise) const {
  const auto* a = find(key);
  return a && a->has_i() ? a->i() : otherwise;
}

double NodeView::number(std::string_view key, double otherwise) const {
  const auto* a = find(key);
  return a && a->has_f() ? static_cast<double>(a->f()) : otherwise;
}

std::string NodeView::text(std::string_view key, std::string_view otherwise) const {
  const auto* a = find(key);
  return a && a->has_s() ? a->s() : std::string(otherwise);
}

Dims NodeView::list(std::string_view key, const Dims& otherwise) const {
  const auto* a = find(key);
  return a ? Dims(a->ints().begin(), a->ints().end()) : otherwise;
}

void NodeView::fail(const std::string& why) const {
  throw Error(ExitCode::bad_input, fmt::format("node '{}' ({}): {}", name_, op(), why),
              "export the model again");
}

void NodeView::refuse(const std::string& what) const {
  throw Error(ExitCode::unsupported, fmt::format("node '{}' ({}): {} is not supported", name_, op(), what),
              "export the model without it");
}

}  // namespace leto::compiler::import
