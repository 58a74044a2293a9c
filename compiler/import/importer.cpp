#include "compiler/import/importer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/errors.h"
#include "compiler/import/patterns.h"
#include "compiler/import/shapes.h"
#include "compiler/import/stored_types.h"
#include "compiler/passes/fold.h"
#include "compiler/reference/kernels.h"

namespace leto::compiler::import {
namespace {

constexpr std::int64_t kMaxFolded = std::int64_t{1} << 26;
// Known numbers of this many elements and more are dropped behind their last reader.
constexpr std::size_t kReleased = std::size_t{1} << 20;
// A stored tensor with a number of this size is an attention mask, not a weight: nobody trains it.
constexpr double kMaskMagnitude = 1e4;

[[noreturn]] void bad(const std::string& why, const std::string& remedy) {
  throw Error(ExitCode::bad_input, why, remedy);
}

DType stored_type(const std::string& key, const std::string& text) {
  const auto type = dtype_from_name(text);
  if (!type || !(is_float(*type) || *type == DType::int8)) {
    throw Error(ExitCode::bad_input, fmt::format("metadata '{}': no type '{}'", key, text),
                "write fp8_e4m3, fp8_e5m2, bf16, fp16, fp32 or, for a table, int8");
  }
  return *type;
}

std::vector<float> as_floats(const Tensor& t) {
  return std::vector<float>(t.data.begin(), t.data.end());
}

/// Rounds to what the tensor's type holds.
void store(Tensor& t) {
  if (!is_float(t.type.dtype)) {
    return reference::round_to(t.type.dtype, t.data);
  }
  std::vector<float> narrow = as_floats(t);
  reference::round_to(t.type.dtype, narrow);
  t.data.assign(narrow.begin(), narrow.end());
}

Tensor computed(const Node& node, const Type& type, const std::vector<reference::Operand<double>>& operands) {
  Tensor result{type, reference::compute<double>({node, type, operands})};
  store(result);
  return result;
}

bool is_mask(const Tensor& t) {
  return std::any_of(t.data.begin(), t.data.end(), [](double x) { return std::fabs(x) >= kMaskMagnitude; });
}

}  // namespace

const std::map<std::string_view, Operator>& operators() {
  static const auto kAll = [] {
    std::map<std::string_view, Operator> all;
    for (const OperatorTable* table :
         {&elementwise_operators(), &activation_operators(), &product_operators(), &movement_operators(),
          &constant_operators(), &indexing_operators(), &reduction_operators(), &loss_operators(),
          &normalisation_operators(), &window_operators(), &resampling_operators(), &recurrent_operators(),
          &loop_operators()}) {
      for (const Operator& row : *table) {
        all.emplace(row.name, row);
      }
    }
    return all;
  }();
  return kAll;
}

Importer::Importer(const onnx::ModelProto& model, std::filesystem::path folder, const ImportOptions& options)
    : model_(model), folder_(std::move(folder)), options_(options) {}

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
  Graph graph = recognise(graph_);
  graph_ = {};  // a causal mask of 8192 tokens is a quarter of a gigabyte in each copy of the graph
  graph = hold(dead_code(graph), stored_);
  refuse_empty(graph);
  return graph;
}

// Shape arithmetic knows empty tensors; a graph to run has none.
void Importer::refuse_empty(const Graph& graph) const {
  for (const Value& v : graph.values) {
    if (elements(v.type) == 0) {
      throw Error(ExitCode::unsupported, fmt::format("'{}' is an empty tensor", v.name),
                  "export the model without it");
    }
  }
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
    if (constexpr std::string_view kStored = "leto.dtype."; entry.key().starts_with(kStored)) {
      stored_[entry.key().substr(kStored.size())] = stored_type(entry.key(), text);
      continue;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc{} && end == text.data() + text.size() && n >= 0) {
      metadata_[entry.key()] = n;  // other metadata of ours is text, and not the importer's
    }
  }
}

void Importer::note_uses() {
  for (const auto& node : model_.graph().node()) {
    for (const auto& input : node.input()) ++uses_left_[input];
    for (const auto& attribute : node.attribute())
      for (const auto& inner : attribute.g().node())  // never counted down: kept
        for (const auto& input : inner.input()) ++uses_left_[input];
  }
  for (const auto& output : model_.graph().output()) {
    ++uses_left_[output.name()];
  }
}

namespace {

/// The operator's name as the error states it, empty when import knows it.
std::string unknown_operator(const onnx::NodeProto& proto, std::int64_t opset) {
  const std::string& domain = proto.domain();
  if (!domain.empty() && domain != "ai.onnx" && domain != "com.microsoft") {
    return domain + "." + proto.op_type();
  }
  const auto it = operators().find(proto.op_type());
  if (it == operators().end()) {
    return proto.op_type();
  }
  return it->second.since <= opset ? "" : fmt::format("{} of opset {}", proto.op_type(), opset);
}

}  // namespace

void Importer::check_operators() const {
  std::map<std::string, std::vector<std::string>> unknown;  // operator -> nodes
  for (const auto& proto : model_.graph().node()) {
    if (const std::string name = unknown_operator(proto, opset_); !name.empty()) {
      unknown[name].push_back(NodeView(proto).name());
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
              "export the model without these operators; docs/operators.md lists those that are supported");
}

void Importer::add_entry(const std::string& name, ValueId id) {
  if (name.empty() || !entries_.try_emplace(name, id).second) {
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
  const Type type = described_type(proto, where);
  const bool weight = is_float(type.dtype) && !type.shape.empty();
  if (is_drawn(proto) || (weight && is_external(proto) && type.shape.size() > 1 && !options_.weights)) {
    return parameter(proto, {type, {}});
  }
  Tensor tensor = read_tensor(proto, where, folder_);
  // A mask lies in the model: what is beside it are weights, read or not.
  if (weight && (is_external(proto) || !is_mask(tensor))) {
    return parameter(proto, tensor);
  }
  const ValueId id = constant(proto.name(), std::move(tensor));
  named_.insert(id);
  add_entry(proto.name(), id);
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
  add_entry(proto.name(), id);
}

void Importer::inputs() {
  for (const auto& info : model_.graph().input()) {
    if (entries_.contains(info.name())) {
      continue;  // before IR version 4 initializers are inputs too
    }
    const std::string where = fmt::format("input '{}'", info.name());
    if (!info.type().has_tensor_type()) {
      throw Error(ExitCode::unsupported, where + " is not a tensor",
                  "export the model with tensors as inputs");
    }
    const Type type{dtype_of(info.type().tensor_type().elem_type(), where), input_shape(info)};
    checked_elements(type.shape, where);
    if (elements(type) == 0) {  // no numbers: known
      add_entry(info.name(), constant(info.name(), {type, {}}));
      continue;
    }
    const ValueId id = graph_.add_value(info.name(), type, Role::input);
    const auto limit = metadata_.find("leto.limit." + info.name());
    graph_.value(id).limit = limit == metadata_.end() || is_float(type.dtype) ? 0 : limit->second;
    add_entry(info.name(), id);
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
  const Bindings& bindings = options_.bindings;
  auto it = bindings.find(name);
  if (it == bindings.end() && axis == 0) {
    it = bindings.find("batch");
  }
  if (it == bindings.end()) {
    bad(fmt::format("dimension {} of input '{}' is open ('{}')", axis, input, name),
        fmt::format("give --dim {}=N, or export the model with fixed shapes", name));
  }
  if (it->second < 1) {
    bad(fmt::format("dimension {} of input '{}' is bound to {}", axis, input, it->second),
        "give a size of 1 or more");
  }
  return it->second;
}

// ---- nodes
// -----------------------------------------------------------------------------------------------------

void Importer::convert(const onnx::NodeProto& proto) {
  const NodeView node(proto);
  operators().at(node.op()).convert(*this, node);
  release_operands(proto);
}

// A mask over all pairs of positions takes most of an import's memory, and each step towards it as much.
void Importer::release_operands(const onnx::NodeProto& proto) {
  for (const auto& name : proto.input()) {
    if (name.empty() || --uses_left_[name] > 0) {
      continue;
    }
    const ValueId id = entries_.at(name);
    const auto numbers = known_.find(id);
    if (numbers == known_.end() || numbers->second.data.size() < kReleased || is_needed(id)) {
      continue;
    }
    known_.erase(numbers);
    const bool read = std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& n) {
      return std::find(n.inputs.begin(), n.inputs.end(), id) != n.inputs.end();
    });
    if (!read) {
      graph_.value(id).data = {};
    }
  }
}

/// Does a name of the value still have readers?
bool Importer::is_needed(ValueId id) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto left = uses_left_.find(entry.first);
    return entry.second == id && left != uses_left_.end() && left->second > 0;
  });
}

ValueId Importer::value(const NodeView& node, std::size_t i) const {
  const auto it = entries_.find(node.input(i));
  if (it == entries_.end()) {
    node.fail(node.has_input(i) ? fmt::format("operand {} ('{}') is not defined above it", i, node.input(i))
                                : fmt::format("operand {} is missing", i));
  }
  return it->second;
}

ValueId Importer::named(const NodeView& node, const std::string& name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) node.fail(fmt::format("its body uses '{}', which is not defined above it", name));
  return it->second;
}

const Tensor* Importer::known(ValueId id) const {
  const auto it = known_.find(id);
  return it == known_.end() ? nullptr : &it->second;
}

const Tensor* Importer::known(const NodeView& node, std::size_t i) const {
  const auto it = entries_.find(node.input(i));
  return it == entries_.end() ? nullptr : known(it->second);
}

const Tensor& Importer::required(const NodeView& node, std::size_t i) {
  const ValueId id = value(node, i);
  const Tensor* tensor = given_numbers(id);
  if (!tensor) {
    node.refuse(fmt::format("operand {} computed at run time", i));
  }
  return *tensor;
}

/// The numbers of a value that hangs on nothing but constants and the inputs that are given, else nullptr.
const Tensor* Importer::given_numbers(ValueId id) {
  if (const Tensor* tensor = known(id)) {
    return tensor;
  }
  if (const auto it = given_.find(id); it != given_.end()) {
    return &it->second;
  }
  const Value& v = graph_.value(id);
  if (const auto given = options_.given.find(v.name);
      v.role == Role::input && given != options_.given.end()) {
    if (static_cast<std::int64_t>(given->second.size()) != elements(v.type)) {
      bad(fmt::format("input '{}' is given {} numbers, its type has {} elements", v.name,
                      given->second.size(), elements(v.type)),
          "give a tensor of the declared shape");
    }
    return &given_.emplace(id, Tensor{v.type, {given->second.begin(), given->second.end()}}).first->second;
  }
  const auto node =
      std::find_if(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& n) { return n.output == id; });
  if (node == graph_.nodes.end()) {
    return nullptr;
  }
  std::vector<reference::Operand<double>> operands;
  for (const ValueId operand : node->inputs) {
    const Tensor* tensor = given_numbers(operand);
    if (!tensor) {
      return nullptr;
    }
    operands.push_back({tensor->type, tensor->data});
  }
  return &given_.emplace(id, computed(*node, v.type, operands)).first->second;
}

Dims Importer::integers(const NodeView& node, std::size_t i) {
  return import::integers(required(node, i), node);
}

ValueId Importer::constant(const std::string& name, Tensor tensor) {
  const ValueId id = graph_.constant(name, tensor.type, as_floats(tensor));
  known_.emplace(id, std::move(tensor));
  return id;
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
  return constant(name, {type, {v.data.begin(), v.data.end()}});
}

ValueId Importer::emit(const NodeView& node, Op op, std::vector<ValueId> inputs, Attributes attributes) {
  if (const auto id = folded(node, op, inputs, attributes)) {
    return *id;
  }
  return graph_.add(op, std::move(inputs), std::move(attributes), Phase::forward, node.name());
}

std::optional<ValueId> Importer::folded(const NodeView& node, Op op, const std::vector<ValueId>& inputs,
                                        const Attributes& attributes) {
  std::vector<reference::Operand<double>> operands;
  for (const ValueId id : inputs) {
    const Tensor* tensor = known(id);
    if (!tensor) {
      return std::nullopt;
    }
    operands.push_back({tensor->type, tensor->data});
  }
  const Node operation{op, inputs, -1, attributes, Phase::forward, node.name()};
  const Type type = infer(graph_, operation);
  if (elements(type) > kMaxFolded) {
    node.refuse(fmt::format("a constant of {} elements", elements(type)));
  }
  return constant(node.name(), computed(operation, type, operands));
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
  return constant("c", {Type{DType::fp32, {}}, {static_cast<float>(x)}});
}

void Importer::rename(ValueId id, const std::string& name) {
  const Value& v = graph_.value(id);
  if ((v.role == Role::intermediate || v.role == Role::constant) && named_.insert(id).second) {
    graph_.value(id).name = name;
  }
}

void Importer::define(const NodeView& node, std::size_t i, ValueId id) {
  if (!node.output(i).empty()) {
    add_entry(node.output(i), id);
    rename(id, node.output(i));
  }
}

void Importer::define(const NodeView& node, std::size_t i, Tensor tensor) {
  if (!node.output(i).empty()) {
    define(node, i, constant("constant", std::move(tensor)));
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
    const ValueId id = output_named(info.name(), it->second);
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
