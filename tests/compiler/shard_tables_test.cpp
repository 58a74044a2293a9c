// One chip's share of sharded tables: its graph, its values on the chip, and that it trains.
#include <doctest/doctest.h>

#include <cmath>

#include "base/errors.h"
#include "compiler/passes/shard_tables.h"
#include "compiler/row_plan.h"
#include "tests/compiler/lowered.h"

namespace leto::compiler {
namespace {

using namespace test;

constexpr std::int64_t kChips = 4, kSamples = 6;
constexpr ShardBy kAll[] = {ShardBy::table, ShardBy::row, ShardBy::column};

/// Three tables of different widths, their bags side by side.
Graph tables() {
  return parse(
      "graph \"g\" tokens=6\n%s: fp32[30,8] = parameter\n%t: fp32[50,24] = parameter\n"
      "%u: fp32[7,16] = parameter\n%i: int32[6,3] = input limit=30\n%j: int32[6,2] = input limit=50\n"
      "%k: int32[6,1] = input limit=7\n%a: fp32[6,8] = embedding_bag(%s, %i) phase=forward name=\"a\"\n"
      "%b: fp32[6,24] = embedding_bag(%t, %j) phase=forward name=\"b\"\n"
      "%c: fp32[6,16] = embedding_bag(%u, %k) phase=forward name=\"c\"\n"
      "%y: fp32[6,48] = concat(%a, %b, %c) {axis=1} phase=forward name=\"y\"\noutput %y\n",
      "test");
}

const Node& exchange_of(const Graph& graph) {
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                  [](const Node& n) { return n.op == Op::exchange; });
  REQUIRE(found != graph.nodes.end());
  return *found;
}

const Type* type_of(const Graph& graph, std::string_view name) {
  for (const Value& v : graph.values)
    if (v.name == name) return &v.type;
  return nullptr;
}

Values inputs_of(const Graph& graph) {
  Values inputs = random_inputs(graph, 11);
  for (const Value& v : graph.values)
    if (planned_input(v.name)) inputs.erase(v.name);
  for (auto& [name, data] : inputs)
    if (name.ends_with(".sum"))  // of squares
      for (float& x : data) x = std::fabs(x);
  return inputs;
}

}  // namespace

TEST_CASE("sharded tables: whole tables are dealt and the chip with most lookups is the one that runs") {
  const Graph share = shard_tables(tables(), kChips, ShardBy::table);
  CHECK(*type_of(share, "t") == Type{DType::fp32, {50, 24}});  // 48 elements a sample, the others 24 and 16
  CHECK(type_of(share, "s") == nullptr);
  CHECK(*type_of(share, "j") == Type{DType::int32, {kChips * kSamples, 2}});
  CHECK(type_of(share, "i") == nullptr);
  CHECK(exchange_of(share).integer("elements") == (kChips - 1) * kSamples * 24);
  CHECK(*type_of(share, "y") == Type{DType::fp32, {kSamples, 48}});
}

TEST_CASE("sharded tables: rows and columns of every table") {
  const Graph rows = shard_tables(tables(), kChips, ShardBy::row);
  CHECK(*type_of(rows, "s") == Type{DType::fp32, {8, 8}});  // 30 rows, eight a chip
  CHECK(*type_of(rows, local_of("i", 8, kChips)) == Type{DType::int32, {kChips * kSamples, 3}});
  CHECK(exchange_of(rows).integer("elements") == (kChips - 1) * kSamples * 48);
  const Graph columns = shard_tables(tables(), kChips, ShardBy::column);
  CHECK(*type_of(columns, "t") == Type{DType::fp32, {50, 6}});
  CHECK(exchange_of(columns).integer("elements") == (kChips - 1) * kSamples * 12);
}

// Chips that all hold what this one holds: what a chip gets is then the sum, or the columns, of its own.
TEST_CASE("sharded tables: the first sample's own rows arrive where they belong") {
  Values inputs = inputs_of(shard_tables(tables(), kChips, ShardBy::row));
  const auto lookups = inputs.at("k");  // one of a bag
  const auto table = inputs.at("u");
  const Values summed = evaluate(shard_tables(tables(), kChips, ShardBy::row), inputs);
  for (std::size_t column = 0; column < 16; ++column) {
    float sum = 0;
    for (std::size_t chip = 0; chip < kChips; ++chip) {
      const auto row = std::size_t(lookups[chip * kSamples]);
      if (row < 2) sum += table[row * 16 + column];  // of seven rows two a chip
    }
    CHECK(summed.at("y")[32 + column] == sum);
  }
  inputs = inputs_of(shard_tables(tables(), kChips, ShardBy::column));
  const Values side_by_side = evaluate(shard_tables(tables(), kChips, ShardBy::column), inputs);
  for (std::size_t chip = 0; chip < kChips; ++chip)
    for (std::size_t column = 0; column < 4; ++column)
      CHECK(side_by_side.at("y")[32 + chip * 4 + column] ==
            inputs.at("u")[std::size_t(inputs.at("k")[chip * kSamples]) * 4 + column]);
}

TEST_CASE("sharded tables: the chip's values are the interpreter's forward and in training steps") {
  for (const ShardBy by : kAll)
    for (const Optimizer optimizer : {Optimizer::none, Optimizer::sgd, Optimizer::adagrad}) {
      Recipe recipe;
      recipe.optimizer = optimizer;
      if (optimizer != Optimizer::none) recipe.loss = Loss::mse;
      Options options;
      options.shards = kChips;
      options.shard_by = by;
      const Graph step = training_step(tables(), recipe, options);
      CAPTURE(int(by));
      CAPTURE(int(optimizer));
      CHECK(std::count_if(step.nodes.begin(), step.nodes.end(), [](const Node& n) {
              return n.op == Op::exchange;
            }) == (optimizer == Optimizer::none ? 1 : 2));
      const Values inputs = inputs_of(step);
      const isa::Program program = lower(step, tiny(), recipe, options);
      CHECK(program.memory_fit.find("\"shards\":4") != std::string::npos);
      Values all = inputs;
      for (const auto& tensor : program.tensors)
        if (const auto planned = planned_input(tensor.name)) {
          const auto& index = inputs.at(planned->index_input);
          const auto part = planned->from(std::vector<std::int64_t>(index.begin(), index.end()));
          all[tensor.name].assign(part.begin(), part.end());
        }
      const Values got = interpret_program(program, tiny(), all), expected = evaluate(step, inputs);
      for (const auto& [name, values] : expected) CHECK_MESSAGE(got.at(name) == values, name);
    }
}

TEST_CASE("sharded tables: a model without any is refused") {
  const Graph none = parse(
      "graph \"g\" tokens=0\n%x: fp32[4] = input\n%y: fp32[4] = relu(%x) phase=forward name=\"y\"\noutput "
      "%y\n",
      "test");
  CHECK_THROWS_AS(shard_tables(none, 2, ShardBy::row), const Error&);
}

}  // namespace leto::compiler
