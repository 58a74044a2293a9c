#include "compiler/import/importer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/errors.h"
#include "compiler/import/constants.h"
#include "compiler/import/patterns.h"
#include "compiler/import/shapes.h"
#include "compiler/passes/fold.h"

namespace leto::compiler::import {
namespace {

constexpr std::int64_t kFirstOpset = 9, kLastOpset = 17;
// A stored tensor with a number of this size is an attention mask, not a weight: nobody trains it.
constexpr double kMaskMagnitude = 1e4;

[[noreturn]] void bad(const std::string& why, const std::string& remedy) {
  throw Error(ExitCode::bad_input, why, remedy);
}

std::vector<float> as_floats(const Tensor& t) {
  return std::vector<float>(t.data.begin(), t.data.end());
}

bool is_mask(const Tensor& t) {
  return std::any_of(t.data.begin(), t.data.end(), [](double x) { return std::fabs(x) >= kMaskMagnitude; });
}

}  // namespace

Converter converter_of(const std::string& op) {
  for (const ConverterTable* table :
       {&elementwise_converters(), &product_converters(), &movement_converters(), &network_converters()}) {
    if (const auto it = table->find(op); it != table->end()) {
      return it->second;
    }
  }
  return nullptr;
}

Importer::Importer(const onnx::ModelProto& model, const Bindings& bindings)
    : model_(model), bindings_(bindings) {}

Graph Importer::run() {
  graph_.name = model_.graph().name().empty() ? "model" : model_.graph().name();
  read_opset();
  read_metadata();
  check_operators();
  note_uses();
  initializers();
  inputs();
  for (const auto& node : model_.graph().node()) {
    for (const auto& output : node.output()) {
      graph_.names.reserve(output);
    }
  }
  for (const auto& node : model_.graph().node()) {
    convert(node);
  }
  outputs();
  set_tokens();
  return dead_code(recognise_gelu(graph_));
}

void Importer::read_opset() {
  for (const auto& set : model_.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") {
      opset_ = set.version();
    }
  }
  if (opset_ < kFirstOpset || opset_ > kLastOpset) {
    throw Error(ExitCode::unsupported, fmt::format("the model uses opset {}", opset_),
                fmt::format("export it with opset {} to {}", kFirstOpset, kLastOpset));
  }
}

void Importer::read_metadata() {
  for (const auto& entry : model_.metadata_props()) {
    if (!entry.key().starts_with("leto.")) {
      continue;
    }
    std::int64_t n = 0;
    const std::string& text = entry.value();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc{} && end == text.data() + text.size() && n >= 0) {
      metadata_[entry.key()] = n;  // other metadata of ours is text, and not the importer's
    }
  }
}

void Importer::note_uses() {
  for (const auto& node : model_.graph().node()) {
    used_.insert(node.input().begin(), node.input().end());
  }
  for (const auto& output : model_.graph().output()) {
    used_.insert(output.name());
  }
}

void Importer::check_operators() const {
  std::map<std::string, std::vector<std::string>> unknown;  // operator -> nodes
  for (const auto& proto : model_.graph().node()) {
    if (!converter_of(proto.op_type())) {
      unknown[proto.op_type()].push_back(NodeView(proto).name());
    }
  }
  if (unknown.empty()) {
    return;
  }
  std::string list;
  for (const auto& [op, nodes] : unknown) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", op, fmt::join(nodes, ", "));
  }
  throw Error(ExitCode::unsupported, "unsupported operators: " + list,
              "export the model without these operators");
}

void Importer::add_entry(const std::string& name, Entry entry) {
  if (name.empty() || !entries_.try_emplace(name, std::move(entry)).second) {
    bad(fmt::format("the name '{}' is defined twice or empty", name), "export the model again");
  }
}

// ---- initializers and inputs
// -----------------------------------------------------------------------------------

void Importer::initializers() {
  for (const auto& proto : model_.graph().initializer()) {
    initializer(proto);
  }
}

void Importer::initializer(const onnx::TensorProto& proto) {
  const std::string where = fmt::format("initializer '{}'", proto.name());
  if (is_drawn(proto)) {
    Tensor described{{dtype_of(proto.data_type(), where), Dims(proto.dims().begin(), proto.dims().end())},
                     {}};
    checked_elements(described.type.shape, where);
    return parameter(proto, described);
  }
  Tensor tensor = read_tensor(proto, where);
  if (is_float(tensor.type.dtype) && !tensor.type.shape.empty() && !is_mask(tensor)) {
    return parameter(proto, tensor);
  }
  add_entry(proto.name(), {-1, std::make_shared<const Tensor>(std::move(tensor))});
}

void Importer::parameter(const onnx::TensorProto& proto, const Tensor& tensor) {
  const ValueId id = graph_.add_value(proto.name(), tensor.type, Role::parameter);
  Value& v = graph_.value(id);
  v.data = as_floats(tensor);
  if (is_drawn(proto)) {
    v.drawn = true;
    v.mean = external_number(proto, "mean");
    v.deviation = external_number(proto, "deviation");
    if (!(v.deviation >= 0)) {
      bad(fmt::format("initializer '{}' has a negative deviation", proto.name()),
          "write a deviation of 0 or more");
    }
  }
  add_entry(proto.name(), {id, nullptr});
}

void Importer::inputs() {
  for (const auto& info : model_.graph().input()) {
    if (entries_.contains(info.name())) {
      continue;  // before IR version 4 initializers are inputs too
    }
    const std::string where = fmt::format("input '{}'", info.name());
    const Type type{dtype_of(info.type().tensor_type().elem_type(), where), input_shape(info)};
    checked_elements(type.shape, where);
    if (std::find(type.shape.begin(), type.shape.end(), 0) != type.shape.end()) {
      bad(where + " is empty", "give every dimension a positive size");
    }
    const ValueId id = graph_.add_value(info.name(), type, Role::input);
    const auto limit = metadata_.find("leto.limit." + info.name());
    graph_.value(id).limit = limit == metadata_.end() || is_float(type.dtype) ? 0 : limit->second;
    add_entry(info.name(), {id, nullptr});
  }
}

Dims Importer::input_shape(const onnx::ValueInfoProto& info) const {
  Dims shape;
  const auto& dims = info.type().tensor_type().shape().dim();
  for (int axis = 0; axis < dims.size(); ++axis) {
    const bool open = !dims[axis].has_dim_value() || dims[axis].dim_value() < 0;
    shape.push_back(open ? bound(info.name(), axis, dims[axis].dim_param()) : dims[axis].dim_value());
  }
  return shape;
}

// A symbol is bound by its name, an unnamed dimension by "<input>.<axis>", a leading one also by "batch".
std::int64_t Importer::bound(const std::string& input, int axis, const std::string& symbol) const {
  const std::string name = symbol.empty() ? fmt::format("{}.{}", input, axis) : symbol;
  auto it = bindings_.find(name);
  if (it == bindings_.end() && axis == 0) {
    it = bindings_.find("batch");
  }
  if (it == bindings_.end()) {
    bad(fmt::format("dimension {} of input '{}' is open ('{}')", axis, input, name),
        fmt::format("give --bind {}=N, or export the model with fixed shapes", name));
  }
  return it->second;
}

// ---- nodes
// -----------------------------------------------------------------------------------------------------

void Importer::convert(const onnx::NodeProto& proto) {
  const NodeView node(proto);
  if (!fold(node)) {
    converter_of(node.op())(*this, node);
  }
}

bool Importer::fold(const NodeView& node) {
  std::vector<const Tensor*> operands;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    operands.push_back(known(node, i));
    if (!operands.back() && node.has_input(i)) {
      return false;
    }
  }
  if (operands.empty()) {
    return false;
  }
  auto result = import::fold(node, operands);
  if (result) {
    define(node, 0, std::move(*result));
  }
  return result.has_value();
}

Importer::Entry& Importer::entry(const NodeView& node, std::size_t i) {
  const auto it = entries_.find(node.input(i));
  if (it == entries_.end()) {
    node.fail(fmt::format("operand {} ('{}') is not defined above it", i, node.input(i)));
  }
  return it->second;
}

ValueId Importer::materialise(const std::string& name, Entry& e) {
  if (e.id < 0) {
    if (e.tensor->data.empty()) {
      bad(fmt::format("'{}' is an empty tensor", name), "export the model without it");
    }
    e.id = graph_.constant("constant", e.tensor->type, as_floats(*e.tensor));
    rename(e.id, name);
  }
  return e.id;
}

ValueId Importer::value(const NodeView& node, std::size_t i) {
  return materialise(node.input(i), entry(node, i));
}

const Tensor* Importer::known(const NodeView& node, std::size_t i) const {
  const auto it = entries_.find(node.input(i));
  return it == entries_.end() ? nullptr : it->second.tensor.get();
}

Dims Importer::integers(const NodeView& node, std::size_t i) const {
  const Tensor* t = known(node, i);
  if (!t) {
    node.refuse(fmt::format("operand {} computed at run time", i));
  }
  return import::integers(*t, node);
}

ValueId Importer::frozen(const NodeView& node, std::size_t i) {
  const ValueId id = value(node, i);
  const Value& v = graph_.value(id);
  if (v.role != Role::parameter) {
    return id;
  }
  if (v.data.empty()) {
    node.refuse("a drawn tensor as a statistic");
  }
  const std::string name = v.name + ".frozen";
  const Type type = v.type;
  return graph_.constant(name, type, std::vector<float>(v.data));
}

ValueId Importer::emit(const NodeView& node, Op op, std::vector<ValueId> inputs, Attributes attributes) {
  return graph_.add(op, std::move(inputs), std::move(attributes), Phase::forward, node.name());
}

ValueId Importer::emit_like(const NodeView& node, ValueId like, Op op, std::vector<ValueId> inputs,
                            Attributes attributes) {
  attributes["dtype"] = std::string(name_of(dtype(like)));
  return emit(node, op, std::move(inputs), std::move(attributes));
}

ValueId Importer::reshape(const NodeView& node, ValueId x, const Dims& to) {
  return shape(x) == to ? x : emit(node, Op::reshape, {x}, {{"shape", to}});
}

ValueId Importer::scalar(double x) {
  return graph_.scalar(static_cast<float>(x));
}

void Importer::rename(ValueId id, const std::string& name) {
  const Value& v = graph_.value(id);
  if ((v.role == Role::intermediate || v.role == Role::constant) && named_.insert(id).second) {
    graph_.value(id).name = name;
  }
}

void Importer::define(const NodeView& node, std::size_t i, ValueId id) {
  if (!node.output(i).empty()) {
    add_entry(node.output(i), {id, nullptr});
    rename(id, node.output(i));
  }
}

void Importer::define(const NodeView& node, std::size_t i, Tensor tensor) {
  if (!node.output(i).empty()) {
    add_entry(node.output(i), {-1, std::make_shared<const Tensor>(std::move(tensor))});
  }
}

void Importer::limit_indices(ValueId id, std::int64_t limit) {
  Value* v = &graph_.value(id);
  for (auto node = graph_.nodes.rbegin(); v->role == Role::intermediate && node != graph_.nodes.rend();
       ++node) {
    const bool same_numbers = node->op == Op::reshape || node->op == Op::cast || node->op == Op::transpose ||
                              node->op == Op::slice || node->op == Op::expand;
    if (node->output == id && same_numbers) {
      id = node->inputs[0];
      v = &graph_.value(id);
    }
  }
  if (v->role == Role::input && (v->limit == 0 || v->limit > limit)) {
    v->limit = limit;
  }
}

ValueId Importer::scores_of(ValueId log_softmax) const {
  const auto it = scores_.find(log_softmax);
  return it == scores_.end() ? -1 : it->second;
}

// ---- results
// ---------------------------------------------------------------------------------------------------

// An output that is another value's second name becomes a copy of it.
ValueId Importer::output_named(const std::string& name, ValueId id) {
  if (graph_.value(id).name != name) {
    const std::string type(name_of(dtype(id)));
    id = graph_.add(Op::cast, {id}, {{"dtype", type}}, Phase::forward, name);
    rename(id, name);
  }
  return id;
}

void Importer::outputs() {
  for (const auto& info : model_.graph().output()) {
    const auto it = entries_.find(info.name());
    if (it == entries_.end()) {
      bad(fmt::format("output '{}' is not defined", info.name()), "export the model again");
    }
    const ValueId id = output_named(info.name(), materialise(info.name(), it->second));
    const bool one_number = elements(graph_.value(id).type) == 1 && is_float(dtype(id));
    bool is_loss = one_number && info.name().find("loss") != std::string::npos;
    for (const Node& node : graph_.nodes) {
      is_loss = is_loss || (node.output == id && (node.op == Op::cross_entropy || node.op == Op::mse));
    }
    if (is_loss && graph_.loss < 0) {
      graph_.loss = id;
    } else {
      graph_.outputs.push_back(id);
    }
  }
  if (graph_.outputs.empty() && graph_.loss < 0) {
    bad("the model has no outputs", "export the model again");
  }
}

void Importer::set_tokens() {
  if (const auto it = metadata_.find("leto.tokens"); it != metadata_.end()) {
    graph_.tokens = it->second;
    return;
  }
  for (const Value& v : graph_.values) {
    if (v.role == Role::input && !is_float(v.type.dtype)) {
      graph_.tokens = elements(v.type);
      return;
    }
  }
}

}  // namespace leto::compiler::import
