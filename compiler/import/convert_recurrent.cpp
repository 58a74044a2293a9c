// Recurrent layers, unrolled: a product for all steps' inputs at once, then step after step.
#include <algorithm>

#include "compiler/import/emitter.h"

namespace leto::compiler::import {
namespace {

/// What the three layers share: x [steps, batch, in], weights [directions, gates * hidden, …].
class Recurrent {
 public:
  Recurrent(Importer& m, const NodeView& node, std::int64_t gates)
      : m_(m), node_(node), e_(m, node), gates_(gates), layout_(node.integer("layout", 0)) {
    check();
  }
  virtual ~Recurrent() = default;
  void run();

 protected:
  /// One step of one direction: from its inputs' products [batch, gates * hidden] and the state.
  virtual ValueId step(ValueId from_input, ValueId hidden) = 0;
  virtual void begin(std::int64_t) {}
  virtual void end() {}
  virtual void finish() {}

  /// Operand i's part of a direction, [0] dropped; -1 when it is left out.
  ValueId part(std::size_t i) {
    if (!node_.has_input(i)) {
      return -1;
    }
    const ValueId all = m_.value(node_, i), own = e_.slice(all, 0, direction_, 1);
    const Dims dims = e_.shape(own);
    return e_.reshape(own, Dims(dims.begin() + 1, dims.end()));
  }
  /// Columns of gate g.
  ValueId gate(ValueId all, std::int64_t g) { return e_.slice(all, e_.rank(all) - 1, g * hidden_, hidden_); }
  ValueId times(ValueId x, ValueId weights) {
    return e_.op(Op::matmul, {x, weights}, {{"trans_b", std::int64_t{1}}});
  }
  /// The initial state, zeros by default: operand i, [directions, batch, hidden].
  ValueId initial(std::size_t i) {
    if (!node_.has_input(i)) {
      return e_.numbers(e_.dtype(x_), {batch_, hidden_},
                        std::vector<double>(static_cast<std::size_t>(batch_ * hidden_), 0));
    }
    const ValueId all = m_.value(node_, i);
    const ValueId first = layout_ != 0 ? e_.transpose(all, {1, 0, 2}) : all;
    return e_.reshape(e_.slice(first, 0, direction_, 1), {batch_, hidden_});
  }
  ValueId sigmoid(ValueId x) { return e_.op(Op::sigmoid, {x}); }
  ValueId tanh(ValueId x) { return e_.op(Op::tanh, {x}); }
  /// States of the directions [batch, hidden] as [directions, batch, hidden], or batch first.
  ValueId stacked(const std::vector<ValueId>& states) {
    std::vector<ValueId> parts;
    for (const ValueId h : states) {
      parts.push_back(e_.reshape(h, layout_ != 0 ? Dims{batch_, 1, hidden_} : Dims{1, batch_, hidden_}));
    }
    return e_.concat(parts, layout_ != 0 ? 1 : 0);
  }

  Importer& m_;
  const NodeView& node_;
  Emitter e_;
  std::int64_t gates_, layout_;
  std::int64_t directions_ = 1, direction_ = 0, steps_ = 0, batch_ = 0, hidden_ = 0;
  ValueId x_ = -1;
  ValueId recurrence_ = -1, recurrence_bias_ = -1;  // of the current direction; -1 = no bias

 private:
  void check();
  std::vector<ValueId> one_direction(bool backwards);
};

void Recurrent::check() {
  if (node_.has("clip") || node_.has("activation_alpha") || node_.has("activation_beta") ||
      node_.integer("input_forget", 0) != 0) {
    node_.refuse("clip, input_forget, or activations with parameters");
  }
  if (const auto* names = node_.find("activations")) {
    for (int i = 0; i < names->strings_size(); ++i) {
      const bool gate_like = gates_ > 1 && i % (gates_ == 4 ? 3 : 2) == 0;
      if (names->strings(i) != (gate_like ? "Sigmoid" : "Tanh")) {
        node_.refuse("activations other than the usual ones");
      }
    }
  }
  x_ = m_.value(node_, 0);
  if (e_.rank(x_) != 3 || e_.rank(m_.value(node_, 1)) != 3 || e_.rank(m_.value(node_, 2)) != 3) {
    node_.fail("needs x, weights and recurrent weights of three dimensions");
  }
  x_ = layout_ != 0 ? e_.transpose(x_, {1, 0, 2}) : x_;
  steps_ = e_.shape(x_)[0];
  batch_ = e_.shape(x_)[1];
  hidden_ = e_.shape(m_.value(node_, 2))[2];
  directions_ = e_.shape(m_.value(node_, 1))[0];
  if (steps_ > 4096 || (directions_ == 2) != (node_.text("direction", "forward") == "bidirectional")) {
    node_.refuse("more than 4096 steps, or weights that do not fit the direction");
  }
  if (node_.has_input(4)) {  // a length for each sequence: only full ones
    for (const std::int64_t length : m_.integers(node_, 4)) {
      if (length != steps_) {
        node_.refuse("sequences of different lengths");
      }
    }
  }
}

/// The hidden states in the order of time.
std::vector<ValueId> Recurrent::one_direction(bool backwards) {
  const ValueId weights = part(1), biases = part(3);
  recurrence_ = part(2);
  recurrence_bias_ = biases < 0 ? -1 : e_.slice(biases, 0, gates_ * hidden_, gates_ * hidden_);
  const Dims in = e_.shape(x_);
  ValueId products = times(e_.reshape(x_, {steps_ * batch_, in[2]}), weights);
  if (biases >= 0) {
    products = e_.add(products, e_.slice(biases, 0, 0, gates_ * hidden_));
  }
  begin(direction_);
  ValueId h = initial(5);
  std::vector<ValueId> states(static_cast<std::size_t>(steps_));
  for (std::int64_t i = 0; i < steps_; ++i) {
    const std::int64_t t = backwards ? steps_ - 1 - i : i;
    h = step(e_.slice(products, 0, t * batch_, batch_), h);
    states[static_cast<std::size_t>(t)] = h;
  }
  end();
  return states;
}

void Recurrent::run() {
  std::vector<ValueId> all, last;
  for (direction_ = 0; direction_ < directions_; ++direction_) {
    const bool backwards = direction_ == 1 || node_.text("direction", "forward") == "reverse";
    std::vector<ValueId> states = one_direction(backwards);
    last.push_back(backwards ? states.front() : states.back());
    for (ValueId& h : states) {
      h = e_.reshape(h, layout_ != 0 ? Dims{batch_, 1, 1, hidden_} : Dims{1, 1, batch_, hidden_});
    }
    all.push_back(e_.concat(states, layout_ != 0 ? 1 : 0));
  }
  e_.define(0, e_.concat(all, layout_ != 0 ? 2 : 1));
  e_.define(1, stacked(last));
  finish();
}

class Simple : public Recurrent {
 public:
  Simple(Importer& m, const NodeView& node) : Recurrent(m, node, 1) {}

 private:
  ValueId step(ValueId from_input, ValueId h) override {
    ValueId sum = e_.add(from_input, times(h, recurrence_));
    return tanh(recurrence_bias_ < 0 ? sum : e_.add(sum, recurrence_bias_));
  }
};

class Gru : public Recurrent {
 public:
  Gru(Importer& m, const NodeView& node)
      : Recurrent(m, node, 3), after_(node.integer("linear_before_reset", 0) != 0) {}

 private:
  ValueId rows(ValueId all, std::int64_t first, std::int64_t n) {
    return e_.slice(all, 0, first * hidden_, n * hidden_);
  }
  ValueId biased(ValueId v, std::int64_t first, std::int64_t n) {
    return recurrence_bias_ < 0 ? v : e_.add(v, rows(recurrence_bias_, first, n));
  }
  // Gates: update z, reset r, candidate.
  ValueId step(ValueId from_input, ValueId h) override {
    const ValueId from_state = biased(times(h, rows(recurrence_, 0, 2)), 0, 2);
    const ValueId z = sigmoid(e_.add(gate(from_input, 0), gate(from_state, 0)));
    const ValueId r = sigmoid(e_.add(gate(from_input, 1), gate(from_state, 1)));
    const ValueId weights = rows(recurrence_, 2, 1);
    const ValueId recalled =
        after_ ? e_.mul(r, biased(times(h, weights), 2, 1)) : biased(times(e_.mul(r, h), weights), 2, 1);
    const ValueId candidate = tanh(e_.add(gate(from_input, 2), recalled));
    return e_.add(candidate, e_.mul(z, e_.sub(h, candidate)));
  }
  bool after_;
};

class Lstm : public Recurrent {
 public:
  Lstm(Importer& m, const NodeView& node) : Recurrent(m, node, 4) {}

 private:
  void begin(std::int64_t) override {
    cell_ = initial(6);
    peepholes_ = part(7);
  }
  void end() override { cells_.push_back(cell_); }
  void finish() override { e_.define(2, stacked(cells_)); }
  ValueId peeping(ValueId v, std::int64_t which, ValueId cell) {
    return peepholes_ < 0 ? v : e_.add(v, e_.mul(cell, e_.slice(peepholes_, 0, which * hidden_, hidden_)));
  }
  // Gates: input, output, forget, cell; peepholes: input, output, forget.
  ValueId step(ValueId from_input, ValueId h) override {
    ValueId sum = e_.add(from_input, times(h, recurrence_));
    sum = recurrence_bias_ < 0 ? sum : e_.add(sum, recurrence_bias_);
    const ValueId in = sigmoid(peeping(gate(sum, 0), 0, cell_));
    const ValueId forget = sigmoid(peeping(gate(sum, 2), 2, cell_));
    cell_ = e_.add(e_.mul(forget, cell_), e_.mul(in, tanh(gate(sum, 3))));
    return e_.mul(sigmoid(peeping(gate(sum, 1), 1, cell_)), tanh(cell_));
  }
  ValueId cell_ = -1, peepholes_ = -1;
  std::vector<ValueId> cells_;
};

template <class Layer>
void recurrent(Importer& m, const NodeView& node) {
  Layer(m, node).run();
}

}  // namespace

const OperatorTable& recurrent_operators() {
  static const OperatorTable kTable = {
      {"RNN", 7, recurrent<Simple>, "matmul, tanh, step by step; full sequences, usual activations"},
      {"GRU", 7, recurrent<Gru>, "matmul, sigmoid, tanh, step by step; full sequences, usual activations"},
      {"LSTM", 7, recurrent<Lstm>, "matmul, sigmoid, tanh, step by step; full sequences, usual activations"},
  };
  return kTable;
}

}  // namespace leto::compiler::import
