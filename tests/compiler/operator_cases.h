// One small graph or more for every operation of the graph: what the tests of values and gradients run over.
// An operation without a case fails them.
#pragma once

#include <functional>

#include "base/int8_rows.h"
#include "compiler/ops.h"
#include "tests/compiler/front_helpers.h"

namespace leto::compiler::testing {

using Attributes = std::map<std::string, Attribute>;

struct OperatorCase {
  Op op;
  std::string note;
  Graph graph;  // its parameters are the operands, its one output the result
};

class OperatorCases {
 public:
  OperatorCases() {
    elementwise();
    rows();
    products();
    movement();
    losses();
    windows();
    attention();
  }
  const std::vector<OperatorCase>& all() const { return cases_; }

 private:
  /// Operands of these shapes in [low, high).
  void operands(Op o, const std::vector<Dims>& shapes, double low, double high, Attributes attributes = {}) {
    Graph g;
    std::vector<ValueId> in;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      in.push_back(weight(g, fmt::format("x{}", i), shapes[i], low, high));
    }
    add(o, std::move(g), std::move(in), std::move(attributes));
  }
  void add(Op o, Graph g, std::vector<ValueId> in, Attributes attributes = {}) {
    std::string note;
    for (const ValueId id : in) {
      note += fmt::format(" [{}]", fmt::join(g.value(id).type.shape, ","));
    }
    g.outputs = {op(g, o, std::move(in), std::move(attributes))};
    cases_.push_back({o, note, std::move(g)});
  }

  void elementwise() {
    for (const Op o : {Op::neg, Op::exp, Op::tanh, Op::erf, Op::sigmoid, Op::gelu, Op::silu, Op::sin, Op::cos,
                       Op::atan, Op::sinh, Op::cosh, Op::asinh}) {
      operands(o, {{3, 4}}, -2, 2);
    }
    for (const Op o : {Op::reciprocal, Op::sqrt, Op::rsqrt, Op::log, Op::abs, Op::relu, Op::acosh}) {
      const double low = o == Op::acosh ? 1.2 : 0.5;
      operands(o, {{3, 4}}, low, low + 2);
    }
    for (const Op o : {Op::tan, Op::asin, Op::acos, Op::atanh}) {
      operands(o, {{3, 4}}, -0.9, 0.9);
    }
    for (const Op o : {Op::abs, Op::relu}) {
      operands(o, {{3, 4}}, -2, -0.5);
    }
    for (const Op o : {Op::floor, Op::ceil, Op::round, Op::is_nan, Op::is_inf}) {
      operands(o, {{3, 4}}, -2, 2);
    }
    operands(Op::gelu, {{3, 4}}, -2, 2, {{"tanh", std::int64_t{1}}});
    operands(Op::cast, {{3, 4}}, -2, 2, {{"dtype", std::string("fp32")}});
    for (const Op o :
         {Op::add, Op::sub, Op::mul, Op::div, Op::max, Op::min, Op::ge, Op::gt, Op::eq, Op::keep}) {
      const double high = o == Op::max || o == Op::min ? 8 : 2;  // no two within the difference's step
      operands(o, {{3, 4}, {3, 4}}, 0.5, high);
      operands(o, {{3, 4}, {4}}, 0.5, high);
      operands(o, {{3, 1}, {2, 1, 4}}, 0.5, high);
      operands(o, {{}, {2, 3}}, 0.5, high);
    }
    operands(Op::mod, {{7}, {}}, 0.5, 9);
    operands(Op::mod, {{3, 4}, {4}}, 0.5, 9, {{"truncated", std::int64_t{1}}});
    operands(Op::pow, {{3, 4}, {4}}, 0.5, 2);
    for (const float p : {0.5F, 1.0F, 2.0F, 3.0F, -1.0F}) {
      Graph g;
      const ValueId x = weight(g, "x", {5}, 0.5, 2), exponent = g.scalar(p);
      add(Op::pow, std::move(g), {x, exponent});
    }
    Graph g;
    const ValueId mask = g.constant("mask", {DType::int8, {3, 1}}, {1, 0, 1});
    const ValueId a = weight(g, "a", {3, 4}), b = weight(g, "b", {4});
    add(Op::select, std::move(g), {mask, a, b});
  }

  void rows() {
    for (const Op o : {Op::reduce_sum, Op::reduce_max, Op::reduce_prod}) {
      for (const Dims& axes : {Dims{2}, Dims{0, 2}, Dims{0, 1, 2}}) {
        operands(o, {{2, 3, 4}}, o == Op::reduce_prod ? 0.5 : -5, o == Op::reduce_prod ? 1.5 : 5,
                 {{"axes", axes}});
      }
    }
    operands(Op::arg_max, {{3, 4}}, -5, 5);
    operands(Op::order, {{3, 4}}, -5, 5, {{"k", std::int64_t{2}}});
    operands(Op::softmax, {{3, 4}}, -2, 2);
    operands(Op::rmsnorm, {{3, 6}, {6}}, -1, 1, {{"epsilon", 1e-5}});
    operands(Op::layernorm, {{3, 6}, {6}, {6}}, -1, 1, {{"epsilon", 1e-5}});
  }

  void products() {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        const Attributes flags{{"trans_a", std::int64_t{ta}}, {"trans_b", std::int64_t{tb}}};
        const auto a = [&](Dims batch) {
          batch.insert(batch.end(), {ta ? 4 : 3, ta ? 3 : 4});
          return batch;
        };
        const auto b = [&](Dims batch) {
          batch.insert(batch.end(), {tb ? 5 : 4, tb ? 4 : 5});
          return batch;
        };
        operands(Op::matmul, {a({}), b({})}, -1, 1, flags);
        operands(Op::matmul, {a({2}), b({2})}, -1, 1, flags);
        operands(Op::matmul, {a({2}), b({})}, -1, 1, flags);
        operands(Op::matmul, {a({}), b({2})}, -1, 1, flags);
        operands(Op::matmul, {a({2, 1}), b({3})}, -1, 1, flags);
      }
    }
  }

  void movement() {
    operands(Op::reshape, {{2, 6}}, -1, 1, {{"shape", Dims{3, 4}}});
    operands(Op::transpose, {{2, 3, 4}}, -1, 1, {{"perm", Dims{2, 0, 1}}});
    operands(Op::exchange, {{2, 6}}, -1, 1, {{"elements", std::int64_t{6}}, {"chips", std::int64_t{2}}});
    operands(Op::slice, {{5, 6}}, -1, 1,
             {{"starts", Dims{1, 0}}, {"sizes", Dims{2, 3}}, {"steps", Dims{2, 2}}});
    operands(Op::embed, {{2, 3}}, -1, 1,
             {{"shape", Dims{5, 6}}, {"starts", Dims{1, 0}}, {"steps", Dims{2, 2}}});
    operands(Op::expand, {{3, 1}}, -1, 1, {{"shape", Dims{2, 3, 4}}});
    operands(Op::concat, {{2, 3}, {2, 2}}, -1, 1, {{"axis", std::int64_t{1}}});
    for (const Op o : {Op::gather, Op::scatter_add}) {  // with repeated indices
      Graph g;
      const ValueId x = weight(g, "x", {5, 3}),
                    index = g.constant("index", {DType::int32, {5}}, {2, 0, 2, 3, 2});
      add(o, std::move(g), {x, index}, {{"rows", std::int64_t{4}}});
    }
    for (const Op o : {Op::gather, Op::scatter_add, Op::embedding_bag}) {  // … and some that name no row
      Graph g;
      const bool bag = o == Op::embedding_bag;
      const ValueId x = weight(g, "x", {o == Op::scatter_add ? 6 : 5, 3});
      const ValueId index =
          g.constant("index", {DType::int32, bag ? Dims{3, 2} : Dims{6}}, {2, -1, 2, 2, -1, -1});
      add(o, std::move(g), {x, index}, {{"rows", std::int64_t{4}}, {"padding", std::int64_t{1}}});
    }
    {
      Graph g;
      const ValueId table = weight(g, "table", {5, 3}), apart = weight(g, "apart", {2, 3}),
                    cold = g.constant("cold", {DType::int32, {3, 2}}, {4, -1, 0, 2, -1, -1}),
                    pinned = g.constant("pinned", {DType::int32, {3, 2}}, {-1, 1, -1, -1, 0, -1});
      add(Op::pinned_bag, std::move(g), {table, cold, apart, pinned});
    }
    {
      Graph g;
      const ValueId table = weight(g, "table", {5, 3}),
                    index = g.constant("index", {DType::int32, {3, 2}}, {2, -1, 2, 2, -1, -1}),
                    weights = weight(g, "weights", {3, 2});
      add(Op::weighted_bag, std::move(g), {table, index, weights});
    }
    {
      Graph g;
      Value& table = g.value(weight(g, "table", {3, 12}));
      table.data = int8_rows({1, 2, 3, 5, -1, 0, 0.5F, 7, -2, -3, -4, -9}, 4);
      table.type.dtype = DType::int8;
      const ValueId index = g.constant("index", {DType::int32, {3, 2}}, {2, -1, 2, 1, -1, -1});
      add(Op::quantised_bag, std::move(g), {0, index}, {{"dtype", std::string("fp32")}});
    }
    operands(Op::weighted_rows, {{3, 4}, {6}}, -1, 1);
    for (const Op o : {Op::sgd_rows, Op::adagrad_sums, Op::adagrad_rows, Op::moment_rows,
                       Op::adam_rows}) {  // rows that go on over blocks of four: of two, as many seams may
                                          // come out as go in
      Graph g;
      const std::int64_t width = o == Op::adagrad_sums ? 1 : 4;
      const ValueId table = weight(g, "table", {6, width}, 0, 1), x = weight(g, "x", {3, 4}),
                    sorted = g.constant("sorted", {DType::int32, {9, 2}},
                                        {0, 1, 2, 0, 2, 1, 2, 2, 2, 0, 2, 1, 5, 2, 5, 0, -1, 1});
      std::vector<ValueId> inputs{table, x, sorted};
      if (o == Op::adagrad_rows) inputs.push_back(weight(g, "sums", {6, 1}, 0, 1));
      if (o == Op::adam_rows)
        for (const char* moment : {"mean", "square"}) inputs.push_back(weight(g, moment, {6, 4}, 0, 1));
      if (o == Op::adam_rows)
        for (const char* scalar : {"rate", "root"}) inputs.push_back(weight(g, scalar, {}, 0, 1));
      Attributes attributes{{"block", std::int64_t{4}}, {"lr", 0.5},
                            {"epsilon", 0.25},          {"share", 0.5},
                            {"mean_share", 0.75},       {"square_share", 0.125}};
      if (o == Op::moment_rows) {
        Graph squares = g;
        attributes["square"] = std::int64_t{0};
        add(o, std::move(squares), inputs, attributes);
        attributes["square"] = std::int64_t{1};
      }
      add(o, std::move(g), inputs, attributes);
    }
    {
      Graph g;
      const ValueId lookups = g.constant("lookups", {DType::int32, {3, 2}}, {4, -1, 0, 4, 2, 0});
      add(Op::sort_lookups, std::move(g), {lookups},
          {{"rows", std::int64_t{5}}, {"share", std::int64_t{2}}, {"dtype", std::string("int32")}});
    }
    Graph g;
    const ValueId labels = g.constant("labels", {DType::int32, {3}}, {2, 0, 1});
    add(Op::is_class, std::move(g), {labels}, {{"classes", std::int64_t{4}}});
  }

  void losses() {
    operands(Op::mse, {{3, 4}, {3, 4}}, -1, 1);
    Graph g;
    const ValueId scores = weight(g, "scores", {4, 5}, -3, 3),
                  labels = g.constant("labels", {DType::int32, {4}}, {0, 4, 2, 2});
    add(Op::cross_entropy, std::move(g), {scores, labels});
  }

  void windows() {
    for (const std::int64_t group : {1, 2}) {
      operands(
          Op::conv, {{2, 2, 5, 5}, {4, 2 / group, 3, 2}}, -1, 1,
          {{"strides", Dims{2, 1}}, {"pads", Dims{1, 0, 1, 1}}, {"dilations", Dims{1, 2}}, {"group", group}});
    }
    operands(Op::conv, {{2, 2, 7}, {3, 2, 3}}, -1, 1,
             {{"strides", Dims{2}}, {"pads", Dims{1, 1}}, {"dilations", Dims{1}}});
    operands(Op::conv, {{1, 2, 3, 4, 3}, {2, 2, 2, 2, 2}}, -1, 1,
             {{"strides", Dims{1, 2, 1}}, {"pads", Dims{0, 1, 0, 1, 0, 0}}, {"dilations", Dims{1, 1, 2}}});
    for (const Op o : {Op::max_pool, Op::average_pool}) {
      operands(o, {{2, 2, 5, 5}}, -20, 20,
               {{"kernel", Dims{3, 2}}, {"strides", Dims{2, 2}}, {"pads", Dims{1, 0, 1, 1}}});
      operands(o, {{1, 2, 4, 3, 4}}, -20, 20,
               {{"kernel", Dims{2, 2, 2}},
                {"strides", Dims{1, 1, 2}},
                {"pads", Dims{0, 0, 1, 0, 1, 0}},
                {"dilations", Dims{2, 1, 1}}});
    }
  }

  // Two heads of q to one of k and v, and one to one; with and without the causal mask.
  void attention() {
    for (const std::int64_t heads : {1, 2}) {
      for (const std::int64_t causal : {0, 1}) {
        const std::int64_t m = causal ? 4 : 3, n = 4, d = 3, e = 5;
        const Attributes mask{{"scale", 0.5}, {"causal", causal}};
        const Dims q{2, m, d}, k{heads, n, d}, v{heads, n, e}, dy{2, m, e}, row{2, m, 1}, scores{2, n, m};
        operands(Op::attention, {q, k, v}, -1, 1, mask);
        operands(Op::attention_lse, {q, k}, -1, 1, mask);
        operands(Op::attention_dscores, {q, k, v, dy, row, row}, -1, 1, mask);
        operands(Op::attention_dv, {q, k, dy, row}, -1, 1, mask);
        operands(Op::attention_dk, {scores, q}, -1, 1, {{"heads", heads}});
        operands(Op::attention_dq, {scores, k}, -1, 1);
      }
    }
  }

  std::vector<OperatorCase> cases_;
};

inline const std::vector<OperatorCase>& operator_cases() {
  static const OperatorCases kCases;
  return kCases.all();
}

}  // namespace leto::compiler::testing
