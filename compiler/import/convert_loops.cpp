// Loop, of which one kind is known: the bags of a table, as exporters write an embedding bag with offsets. A
// trip takes the indices from one offset to the next, gathers their rows and sums them. All trips together
// are one operation of the graph; where bags begin and end must be known.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/import/emitter.h"
#include "compiler/import/shapes.h"

namespace leto::compiler::import {
namespace {

/// The body of the loop, from its results back.
class BagLoop {
 public:
  BagLoop(Importer& m, const NodeView& node) : m_(m), node_(node), e_(m, node), body_(body_of(node)) {
    if (body_.input_size() != 2 || body_.output_size() != 2) refuse();
    for (const auto& made : body_.node())
      for (const auto& output : made.output()) makers_[output] = &made;
  }

  void convert() {
    const onnx::NodeProto* sum = maker(body_.output(1).name(), {"ReduceSum", "ReduceMean"});
    const onnx::NodeProto* from = maker(sum->input(0), {"Gather", "Mul"});
    if (from->op_type() == "Mul") {
      weights_ = maker(maker(from->input(1), {"Unsqueeze"})->input(0), {"Slice"});
      from = maker(from->input(0), {"Gather"});
    }
    slice_ = maker(from->input(1), {"Slice"});
    const ValueId table = outer(from->input(0)), index = outer(slice_->input(0));
    if (e_.rank(table) != 2 || e_.rank(index) != 1) refuse();
    const Dims begins = bounds(1), ends = bounds(2);
    check(begins, ends, e_.shape(index)[0]);
    m_.limit_indices(index, e_.shape(table)[0]);
    e_.define(0, bags(table, index, begins, ends, sum->op_type() == "ReduceMean"));
  }

 private:
  [[noreturn]] void refuse() const { node_.refuse("a Loop that is not the bags of an embedding table"); }
  static const onnx::GraphProto& body_of(const NodeView& node) {
    const onnx::AttributeProto* body = node.find("body");
    if (body == nullptr || !body->has_g()) node.fail("it has no body");
    return body->g();
  }
  const onnx::NodeProto* maker(const std::string& name, std::initializer_list<std::string_view> ops) const {
    const auto made = makers_.find(name);
    if (made == makers_.end() || std::find(ops.begin(), ops.end(), made->second->op_type()) == ops.end() ||
        made->second->input_size() == 0)
      refuse();
    return made->second;
  }
  ValueId outer(const std::string& name) const {
    if (makers_.contains(name)) refuse();
    return m_.named(node_, name);
  }

  /// The slice's begins or ends of all trips: an outer list of which trip i takes element i.
  Dims bounds(int operand) const {
    if (slice_->input_size() <= operand) refuse();
    std::string name = slice_->input(operand);
    while (makers_.contains(name) && makers_.at(name)->op_type() == "Unsqueeze")
      name = makers_.at(name)->input(0);
    const onnx::NodeProto* element = maker(name, {"Gather"});
    if (element->input(1) != body_.input(0).name()) refuse();
    const Tensor* list = m_.given_numbers(outer(element->input(0)));
    if (list == nullptr) node_.refuse("bags whose offsets are not known: give them with --inputs, or");
    Dims numbers;
    for (const double x : list->data) numbers.push_back(static_cast<std::int64_t>(x));
    numbers.resize(static_cast<std::size_t>(trips(std::ssize(numbers))));
    return numbers;
  }
  /// As many as the loop asks for, if the lists have so many.
  std::int64_t trips(std::int64_t most) const {
    if (!node_.has_input(0)) return most;
    const Dims asked = m_.integers(node_, 0);
    if (asked.size() != 1 || asked[0] < 1 || asked[0] > most) refuse();
    return asked[0];
  }
  void check(const Dims& begins, const Dims& ends, std::int64_t lookups) const {
    if (begins.size() != ends.size()) refuse();
    for (std::size_t i = 0; i < begins.size(); ++i)
      if (begins[i] < 0 || begins[i] > ends[i] || ends[i] > lookups)
        node_.fail(fmt::format("bag {} goes from lookup {} to {} of {}", i, begins[i], ends[i], lookups));
  }

  ValueId bags(ValueId table, ValueId index, const Dims& begins, const Dims& ends, bool mean) {
    const auto count = std::ssize(begins);
    const std::int64_t length = ends[0] - begins[0];
    bool even = length > 0 && m_.shape(index)[0] == count * length;
    for (std::int64_t i = 0; even && i < count; ++i)
      even = begins[std::size_t(i)] == i * length && ends[std::size_t(i)] == (i + 1) * length;
    ValueId sums = even ? even_bags(table, index, count, length) : ragged_bags(table, index, begins, ends);
    if (!mean) return sums;
    std::vector<double> shares;
    for (std::size_t i = 0; i < begins.size(); ++i)
      shares.push_back(1.0 / static_cast<double>(std::max<std::int64_t>(ends[i] - begins[i], 1)));
    return e_.mul(sums, e_.numbers(m_.dtype(sums), {count, 1}, std::move(shares)));
  }

  ValueId even_bags(ValueId table, ValueId index, std::int64_t count, std::int64_t length) {
    ValueId rows = e_.rows(table, e_.reshape(index, {count, length}));
    if (weights_ != nullptr) rows = e_.mul(rows, e_.reshape(weights(), {count, length, 1}));
    return e_.reshape(e_.sum(rows, {1}), {count, m_.shape(table)[1]});
  }

  // Bags of different lengths: every row is added to its bag. Lookups that no bag has name none.
  ValueId ragged_bags(ValueId table, ValueId index, const Dims& begins, const Dims& ends) {
    const std::int64_t lookups = m_.shape(index)[0];
    std::vector<double> bag(static_cast<std::size_t>(lookups), -1);
    for (std::size_t i = 0; i < begins.size(); ++i)
      std::fill(bag.begin() + begins[i], bag.begin() + ends[i], static_cast<double>(i));
    ValueId rows = e_.rows(table, index);
    if (weights_ != nullptr) rows = e_.mul(rows, e_.reshape(weights(), {lookups, 1}));
    const ValueId sums = e_.op(Op::scatter_add, {rows, e_.numbers(DType::int64, {lookups}, std::move(bag))},
                               {{"rows", std::ssize(begins)}, {"padding", std::int64_t{1}}});
    return e_.cast(sums, m_.dtype(table));
  }

  /// A weight for each lookup, cut like the indices.
  ValueId weights() const {
    if (weights_->input_size() != slice_->input_size() || weights_->input(1) != slice_->input(1) ||
        weights_->input(2) != slice_->input(2))
      refuse();
    return outer(weights_->input(0));
  }

  Importer& m_;
  const NodeView& node_;
  Emitter e_;
  const onnx::GraphProto& body_;
  std::map<std::string, const onnx::NodeProto*> makers_;
  const onnx::NodeProto* slice_ = nullptr;
  const onnx::NodeProto* weights_ = nullptr;
};

void loop(Importer& m, const NodeView& node) {
  BagLoop(m, node).convert();
}

}  // namespace

const OperatorTable& loop_operators() {
  static const OperatorTable kTable = {
      {"Loop", 11, loop,
       "gather, reduce_sum: only the bags of an embedding table (Slice, Gather, ReduceSum or ReduceMean), "
       "with "
       "offsets that are known or given; scatter_add where bags differ in length"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
