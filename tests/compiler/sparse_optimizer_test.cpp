// Tables that are looked up: their updates touch the rows of the step, on the chip's program as in the graph.
#include <doctest/doctest.h>

#include "base/errors.h"
#include "compiler/row_plan.h"
#include "tests/compiler/lowered.h"

namespace leto::compiler {
namespace {

using namespace test;
using List = std::vector<std::int64_t>;

constexpr std::int64_t kRows = 30, kWidth = 24;

// sum over bags of (bag - 1)^2, of bags of `many` rows.
Graph bags(std::int64_t count, std::int64_t many) {
  return parse(fmt::format("graph \"g\" tokens=0\n%t: fp32[{0},{1}] = parameter\n"
                           "%i: int32[{2},{3}] = input limit={0}\n%y: fp32[{2},{1}] = input\n"
                           "%b: fp32[{2},{1}] = embedding_bag(%t, %i) phase=forward name=\"b\"\n"
                           "%l: fp32[] = mse(%b, %y) phase=loss name=\"l\"\nloss %l\n",
                           kRows, kWidth, count, many),
               "test");
}

Recipe recipe_of(Optimizer optimizer) {
  Recipe recipe;
  recipe.optimizer = optimizer;
  recipe.lr = 0.5;
  recipe.precision = Precision::fp32;
  return recipe;
}

Recipe with_table_adam() {
  Recipe recipe = recipe_of(Optimizer::adamw);
  recipe.lr = 0.25;
  recipe.weight_decay = 0.5;
  recipe.table_optimizer = TableOptimizer::adam;
  recipe.table_lr = 0.5;
  return recipe;
}

bool has_gradient_of_table_size(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& n) { return n.op == Op::scatter_add && n.integer("rows") == kRows; });
}

Values inputs_of(const Graph& step, bool ragged) {
  Values inputs = random_inputs(step, 5);
  auto& index = inputs.at("i");
  for (std::size_t k = 0; ragged && k < index.size(); ++k)
    if (k % 3 == 1 || k < 4) index[k] = -1;
  std::fill(index.end() - 4, index.end(), 7.0F);  // duplicates in a bag and between bags
  for (auto& [name, data] : inputs)
    if (name == "t.sum" || name == "t.v" || name.ends_with("correction1") || name.ends_with("correction2"))
      for (float& x : data) x = std::fabs(x);
  return inputs;
}

}  // namespace

TEST_CASE("row plan: hot rows are the most popular and their lookups take the copies in turn") {
  const List lookups{5, 7, 5, 5, 7, 9, -1, 7, 5, 9};
  const HotPlan plan = plan_hot_rows(lookups, 2, 2);
  CHECK(plan.hot == List{5, 7});
  CHECK(plan.pinned == List{0, 1, 2, 0, 3, -1, -1, 1, 2, -1});
  CHECK(plan.cold == List{-1, -1, -1, -1, -1, 9, -1, -1, -1, 9});
  CHECK(plan_hot_rows(lookups, 3, 3).hot == List{5, -1, -1});  // the others come as often as they are copied
  CHECK(plan_hot_rows(List{}, 2, 1).hot == List{-1, -1});
  const auto planned = planned_input(pinned_of("a.b", 64, 12));
  REQUIRE(planned);
  CHECK(planned->index_input == "a.b");
  CHECK(planned->most == 64);
  CHECK(planned->copies == 12);
  for (const char* name : {"x.hot.", "x.hot.4", "x.hot.4.", "x.hot.0.4", "x.hot.4.5x", ".hot.4.5"})
    CHECK_FALSE(planned_input(name));
}

TEST_CASE("sparse update: sgd's table equals that of the dense update, without a gradient of its size") {
  const Graph forward = bags(16, 4);
  const Graph sparse = training_step(forward, recipe_of(Optimizer::sgd));
  CHECK_FALSE(has_gradient_of_table_size(sparse));
  Recipe decaying = recipe_of(Optimizer::sgd);
  decaying.weight_decay = 1e-30;  // needs every row, changes none
  const Graph dense = training_step(forward, decaying);
  CHECK(has_gradient_of_table_size(dense));
  const Values inputs = inputs_of(sparse, true);
  CHECK(error_of(evaluate(sparse, inputs).at("t"), evaluate(dense, inputs).at("t")) < 1e-6);
}

TEST_CASE("sparse update: adagrad is row-wise: one sum a row, rows that no lookup names stay") {
  const Graph step = training_step(bags(8, 2), recipe_of(Optimizer::adagrad));
  const Values inputs = inputs_of(step, false);
  const Values out = evaluate(step, inputs);
  // Gradients by hand.
  const auto &t = inputs.at("t"), &index = inputs.at("i"), &y = inputs.at("y");
  std::vector<double> gradient(t.size(), 0);
  for (std::size_t b = 0; b < 8; ++b)
    for (std::size_t c = 0; c < kWidth; ++c) {
      const auto at = [&](std::size_t k) { return std::size_t(index[b * 2 + k]) * kWidth + c; };
      const double d = 2 * (double(t[at(0)]) + t[at(1)] - y[b * kWidth + c]) / (8.0 * kWidth);
      gradient[at(0)] += d;
      gradient[at(1)] += d;
    }
  for (std::size_t r = 0; r < kRows; ++r) {
    double square = 0;
    for (std::size_t c = 0; c < kWidth; ++c) square += gradient[r * kWidth + c] * gradient[r * kWidth + c];
    const double sum = inputs.at("t.sum")[r] + square / kWidth;
    CHECK(out.at("t.sum")[r] == doctest::Approx(sum));
    for (std::size_t c = 0; c < kWidth; ++c) {
      const std::size_t k = r * kWidth + c;
      if (square == 0) CHECK(out.at("t")[k] == t[k]);
      CHECK(out.at("t")[k] == doctest::Approx(t[k] - 0.5 * gradient[k] / (std::sqrt(sum) + 1e-8)));
    }
  }
}

TEST_CASE("sparse update: adam moves the rows of each step as its rule says and leaves the others") {
  const Recipe recipe = with_table_adam();
  const Graph step = training_step(bags(8, 2), recipe);
  CHECK_FALSE(has_gradient_of_table_size(step));
  Values inputs = inputs_of(step, false);
  for (auto& [name, data] : inputs)  // as before the first step
    if (name == "t.m" || name == "t.v" || name.starts_with("adam")) std::fill(data.begin(), data.end(), 0.0F);
  std::vector<double> t(inputs.at("t").begin(), inputs.at("t").end()), m(t.size(), 0), v(t.size(), 0);
  const auto& y = inputs.at("y");
  for (int s = 1; s <= 3; ++s) {
    auto& index = inputs.at("i");
    for (std::size_t k = 0; k < index.size(); ++k)
      index[k] = float((k * k + 3 * std::size_t(s)) % 7 + 2 * std::size_t(s));
    std::vector<double> gradient(t.size(), 0);
    std::vector<bool> touched(kRows, false);
    for (std::size_t b = 0; b < 8; ++b)
      for (std::size_t c = 0; c < kWidth; ++c) {
        const auto at = [&](std::size_t k) { return std::size_t(index[b * 2 + k]) * kWidth + c; };
        const double d = 2 * (t[at(0)] + t[at(1)] - y[b * kWidth + c]) / (8.0 * kWidth);
        for (const std::size_t k : {0, 1})
          gradient[at(k)] += d, touched[std::size_t(index[b * 2 + k])] = true;
      }
    for (std::size_t k = 0; k < t.size(); ++k) {
      if (!touched[k / kWidth]) continue;
      m[k] = 0.9 * m[k] + 0.1 * gradient[k];
      v[k] = 0.999 * v[k] + 0.001 * gradient[k] * gradient[k];
      t[k] -= 0.5 * m[k] / (1 - std::pow(0.9, s)) / (std::sqrt(v[k] / (1 - std::pow(0.999, s))) + 1e-8);
    }
    for (const auto& [name, data] : evaluate(step, inputs))
      if (inputs.contains(name)) inputs[name] = data;
    int left = 0;
    for (std::size_t k = 0; k < t.size(); ++k) {
      // The share of v that a step adds is not 0.001 but fp32's nearest: 1e-5 of it off.
      CHECK(inputs.at("t")[k] == doctest::Approx(t[k]).epsilon(1e-4));
      if (m[k] == 0) left += inputs.at("t.m")[k] == 0 && inputs.at("t.v")[k] == 0;
    }
    CHECK(left > int(kWidth));
  }
}

TEST_CASE("sparse update: a rule for tables asks for what it can have") {
  Recipe recipe = with_table_adam();
  recipe.clip_norm = 1;
  CHECK_THROWS_WITH_AS(training_step(bags(8, 2), recipe), doctest::Contains("clip_norm"), Error);
  const Graph none = parse(
      "graph \"g\" tokens=0\n%w: fp32[4] = parameter\n%y: fp32[4] = input\n"
      "%l: fp32[] = mse(%w, %y) phase=loss name=\"l\"\nloss %l\n",
      "test");
  CHECK_THROWS_WITH_AS(training_step(none, with_table_adam()), doctest::Contains("no table"), Error);
}

TEST_CASE("sparse update: the table's rows are read and written once, and nothing of a row a lookup") {
  const Graph step = training_step(bags(70, 5), recipe_of(Optimizer::adagrad));
  const isa::Program program = lower(step, tiny(), recipe_of(Optimizer::adagrad), Options{});
  const auto update = std::count_if(program.sources.begin(), program.sources.end(),
                                    [](const auto& s) { return s.kind == "update"; });
  CHECK(update > 1);  // with its seams
  for (const auto& s : program.sources)
    if (s.phase == "optimizer") CHECK((s.kind == "update" || s.kind == "sort"));
}

TEST_CASE("sparse update: the program leaves the graph's table and sums bit for bit, in place") {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::adagrad})
    for (const bool ragged : {false, true})
      for (const std::int64_t many : {1, 5}) {
        const Graph step = training_step(bags(70, many), recipe_of(optimizer));
        const Values inputs = inputs_of(step, ragged);
        const isa::Program program = lower(step, tiny(), recipe_of(optimizer), Options{});
        const Values got = interpret_program(program, tiny(), inputs), want = evaluate(step, inputs);
        CHECK(got.at("t") == want.at("t"));
        if (optimizer == Optimizer::adagrad) CHECK(error_of(got.at("t.sum"), want.at("t.sum")) < 1e-6);
        const auto copies = std::count_if(program.sources.begin(), program.sources.end(), [](const auto& s) {
          return s.operation.find(".update") != std::string::npos;
        });
        CHECK(copies == 0);
      }
}

TEST_CASE("sparse update: adam's program leaves the graph's table and moments bit for bit") {
  for (const bool ragged : {false, true})
    for (const std::int64_t many : {1, 5, 40}) {  // one tile, and several with their seams
      const Graph step = training_step(bags(70, many), with_table_adam());
      const Values inputs = inputs_of(step, ragged);
      const isa::Program program = lower(step, tiny(), with_table_adam(), Options{});
      const Values got = interpret_program(program, tiny(), inputs), want = evaluate(step, inputs);
      for (const char* name : {"t", "t.m", "t.v", "adam.correction1", "adam.correction2"}) {
        INFO(name);
        CHECK(got.at(name) == want.at(name));
        CHECK(got.at(name) != inputs.at(name));
      }
      const auto tables = std::count_if(program.sources.begin(), program.sources.end(),
                                        [](const auto& s) { return s.operation == "t.adam"; });
      const auto updates = std::count_if(program.sources.begin(), program.sources.end(),
                                         [](const auto& s) { return s.kind == "update"; });
      const auto sorts = std::count_if(program.sources.begin(), program.sources.end(),
                                       [](const auto& s) { return s.kind == "sort"; });
      CHECK(tables == updates + sorts);  // three values, one kernel a level
    }
}

TEST_CASE("sparse update: moments without a table, and a table whose moments nobody keeps") {
  for (const char* op : {"moment_rows(%m, %x, %p) {block=8, share=0.25, square=0}",
                         "moment_rows(%m, %x, %p) {block=8, share=0.25, square=1}",
                         "adam_rows(%t, %x, %p, %m, %v, %f, %g) {block=8, epsilon=0.5, mean_share=0.25, "
                         "square_share=0.125}"}) {
    const Graph graph =
        parse(fmt::format("graph \"g\" tokens=0\n%t: fp32[30,24] = parameter\n%m: fp32[30,24] = parameter\n"
                          "%v: fp32[30,24] = parameter\n%x: fp32[7,24] = input\n%p: int32[20,2] = input\n"
                          "%f: fp32[] = input\n%g: fp32[] = input\n"
                          "%y: fp32[30,24] = {} phase=forward name=\"y\"\noutput %y\n",
                          op),
              "test");
    Values inputs = random_inputs(graph, 3);
    for (const char* name : {"v", "f", "g"})
      for (float& x : inputs.at(name)) x = std::fabs(x);
    auto& pairs = inputs.at("p");
    for (std::size_t i = 0; i < 20; ++i) {
      pairs[2 * i] = i < 18 ? float(i / 5) : -1;
      pairs[2 * i + 1] = float(i * 5 % 7);
    }
    const isa::Program program = lower(graph, tiny(), Recipe{}, Options{});
    const Values got = interpret_program(program, tiny(), inputs), want = evaluate(graph, inputs);
    CHECK(got.at("y") == want.at("y"));
    for (const char* name : {"t", "m", "v"})
      if (got.contains(name)) CHECK(got.at(name) == inputs.at(name));
  }
}

// The same with a weight for every lookup, `role` of the graph.
Graph weighted_bags(std::int64_t count, std::int64_t many, const char* role) {
  return parse(fmt::format("graph \"g\" tokens=0\n%t: fp32[{0},{1}] = parameter\n"
                           "%i: int32[{2},{3}] = input limit={0}\n%w: fp32[{2},{3}] = {4}\n"
                           "%y: fp32[{2},{1}] = input\n"
                           "%b: fp32[{2},{1}] = weighted_bag(%t, %i, %w) phase=forward name=\"b\"\n"
                           "%l: fp32[] = mse(%b, %y) phase=loss name=\"l\"\nloss %l\n",
                           kRows, kWidth, count, many, role),
               "test");
}

TEST_CASE("sparse update: weighted bags need no gradient of a row a lookup, and leave the graph's bits") {
  int arms = 0;
  for (const auto rule : {TableOptimizer::sgd, TableOptimizer::adagrad, TableOptimizer::adam})
    for (const char* role : {"input", "parameter"})  // a parameter's gradient needs the rows again
      for (const std::int64_t many : {1, 5, 40}) {
        Recipe recipe = with_table_adam();
        recipe.table_optimizer = rule;
        const Graph step = training_step(weighted_bags(70, many, role), recipe);
        CHECK_FALSE(has_gradient_of_table_size(step));
        Values inputs = inputs_of(step, true);
        for (auto& [name, data] : inputs)
          if (name == "w.v" || name.find("correction") != std::string::npos)
            for (float& x : data) x = std::fabs(x);
        const isa::Program program = lower(step, tiny(), recipe, Options{});
        const Values got = interpret_program(program, tiny(), inputs), want = evaluate(step, inputs);
        for (const auto& [name, data] : want) {
          if (!name.starts_with("t")) continue;
          INFO(name);
          if (name == "t.sum")
            CHECK(error_of(got.at(name), data) < 1e-6);
          else
            CHECK(got.at(name) == data);
          CHECK(data != inputs.at(name));
          ++arms;
        }
        for (const auto& s :
             program.sources)  // of the table, beside its scalars: nothing but sorts and updates
          if (s.operation.starts_with("t.")) CHECK((s.kind == "update" || s.kind == "sort"));
      }
  CHECK(arms == 6 * (1 + 2 + 3));
}

TEST_CASE("sparse update: weighted bags' sgd equals that of the dense update") {
  Recipe sparse = recipe_of(Optimizer::sgd), dense = sparse;
  dense.weight_decay = 1e-30;
  const Graph forward = weighted_bags(16, 4, "input");
  const Values inputs = inputs_of(training_step(forward, sparse), true);
  const Graph step = training_step(forward, dense);
  CHECK(has_gradient_of_table_size(step));
  CHECK(error_of(evaluate(training_step(forward, sparse), inputs).at("t"), evaluate(step, inputs).at("t")) <
        1e-6);
  const Values got = interpret_program(lower(step, tiny(), dense, Options{}), tiny(), inputs);
  CHECK(error_of(got.at("t"), evaluate(step, inputs).at("t")) < 1e-6);
}

TEST_CASE("sparse update: products with weights that others need go through memory") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%x: fp32[7,24] = input\n%w: fp32[21] = input\n"
      "%y: fp32[21,24] = weighted_rows(%x, %w) phase=forward name=\"y\"\noutput %y\n",
      "test");
  const Values inputs = random_inputs(graph, 3);
  CHECK(interpret_program(lower(graph, tiny(), Recipe{}, Options{}), tiny(), inputs).at("y") ==
        evaluate(graph, inputs).at("y"));
}

TEST_CASE("sparse update: a row that goes on over blocks is added up block by block as in the graph") {
  // Runs of every kind: within a block, over an edge, over whole blocks and to the end.
  for (const std::int64_t lookups : {16, 17, 64, 300}) {
    const Graph graph =
        parse(fmt::format("graph \"g\" tokens=0\n%t: fp32[30,24] = parameter\n"
                          "%s: fp32[30,1] = parameter\n%x: fp32[7,24] = input\n"
                          "%p: int32[{0},2] = input\n"
                          "%y: fp32[30,24] = adagrad_rows(%t, %x, %p, %s) {{block=8, epsilon=0.5, "
                          "lr=0.25}} phase=forward name=\"y\"\n"
                          "%z: fp32[30,1] = adagrad_sums(%s, %x, %p) {{block=8}} phase=forward "
                          "name=\"z\"\noutput %y\noutput %z\n",
                          lookups),
              "test");
    Values inputs = random_inputs(graph, 3);
    for (float& x : inputs.at("s")) x = std::fabs(x);
    auto& pairs = inputs.at("p");
    for (std::int64_t i = 0; i < lookups; ++i) {
      const std::int64_t row = i < 5             ? i
                               : i < 12          ? 6
                               : i < lookups / 2 ? 7 + i / 9
                               : i < lookups - 3 ? 25
                                                 : -1;
      pairs[std::size_t(2 * i)] = float(std::min<std::int64_t>(row, 25));
      pairs[std::size_t(2 * i + 1)] = float(i * 5 % 7);
    }
    const isa::Program program = lower(graph, tiny(), Recipe{}, Options{});
    const Values got = interpret_program(program, tiny(), inputs), want = evaluate(graph, inputs);
    CHECK(got.at("y") == want.at("y"));
    CHECK(got.at("z") == want.at("z"));
    CHECK(got.at("t") == inputs.at("t"));  // its update is an output, so the table is copied first
  }
}

}  // namespace leto::compiler
