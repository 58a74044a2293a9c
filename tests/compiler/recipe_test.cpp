// The recipe file, and the training steps it asks for.
#include "compiler/passes/decompose.h"
#include "compiler/passes/fold.h"
#include "compiler/reference/trainer.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

Recipe recipe_of(const std::string& text) {
  const TempFile file("recipe.toml", text);
  return load_recipe(file.path());
}

std::string recipe_error(const std::string& text, ExitCode code) {
  return error_of([&] { recipe_of(text); }, code);
}

using List = std::vector<float>;

/// One parameter p[2] with loss = sum(p * g): its gradient is the constant g.
Graph linear(const List& p, const List& g) {
  Graph graph;
  const ValueId id = leaf(graph, "p", DType::fp32, {2}, Role::parameter);
  graph.value(id).data = p;
  graph.outputs = {op(graph, Op::mul, {id, graph.constant("g", {DType::fp32, {2}}, g)})};
  return graph;
}

/// Blobs around one centre a class: rows of `in` numbers and their labels.
Values batch_of(std::uint64_t stream, std::size_t rows, std::size_t in, std::size_t classes) {
  Values out{{"x", numbers(stream, rows * in, -0.4, 0.4)}, {"labels", List(rows)}};
  for (std::size_t r = 0; r < rows; ++r) {
    out["labels"][r] = static_cast<float>(r % classes);
    for (std::size_t i = 0; i < in; ++i) {
      out["x"][r * in + i] += std::sin(1.7F * static_cast<float>(i * classes + r % classes));
    }
  }
  return out;
}

void check_training(Recipe recipe, double start_below, double end_below) {
  recipe.loss = Loss::cross_entropy;
  const Graph step = training_step(mlp(32, 20, 24, 5), recipe);
  Trainer trainer(step, 1);
  const std::string loss = step.value(step.loss).name;
  const double first = trainer.step(batch_of(1, 32, 20, 5)).at(loss)[0];
  double last = 0;
  for (std::uint64_t i = 2; i <= 50; ++i) {
    last = trainer.step(batch_of(i, 32, 20, 5)).at(loss)[0];
  }
  MESSAGE(first, " -> ", last);
  CHECK(first > 1.2);
  CHECK(first < start_below);
  CHECK(last < end_below);
}

}  // namespace

TEST_CASE("recipe: every key") {
  const Recipe r = recipe_of(
      "optimizer = \"adamw\"\nlr = 6e-4\nbetas = [0.9, 0.95]\neps = 1e-7\nweight_decay = 0.1\nmomentum = "
      "0.5\n"
      "loss = \"mse\"\nprecision = \"fp32\"\nbatch = 8\nsteps = 3\ndata = \"digits\"\nseed = "
      "42\nmicro_batches = 1\n"
      "recompute = false\nclip_norm = 0\nwarmup = 0\n");
  CHECK(r.optimizer == Optimizer::adamw);
  CHECK(r.lr == 6e-4);
  CHECK(r.beta1 == 0.9);
  CHECK(r.beta2 == 0.95);
  CHECK(r.epsilon == 1e-7);
  CHECK(r.weight_decay == 0.1);
  CHECK(r.momentum == 0.5);
  CHECK(r.loss == Loss::mse);
  CHECK(r.precision == Precision::fp32);
  CHECK(r.batch == 8);
  CHECK(r.steps == 3);
  CHECK(r.data == "digits");
  CHECK(r.seed == 42);
  CHECK_FALSE(r.text.empty());
}

TEST_CASE("recipe: whatever is wrong is an error with file and line") {
  for (const char* line :
       {"lr = -1", "lr = \"big\"", "lr = nan", "betas = [0.9]", "betas = 3", "betas = [1.0, 0.9]",
        "optimizer = \"adam\"", "optimizer = 3", "loss = \"huber\"", "precision = \"int4\"", "batch = 0",
        "batch = 1.5", "steps = 0", "seed = -1", "learning_rate = 1", "recompute = 1",
        "lr = ", "[section]\nlr = 1", "seed = 1\nseed = 2"}) {
    const std::string what = recipe_error(std::string("# comment\n") + line + "\n", ExitCode::bad_input);
    CHECK_MESSAGE(what.find("recipe.toml:") != std::string::npos, line, " -> ", what);
    CHECK_MESSAGE((what.find(":2: ") != std::string::npos || what.find(":3: ") != std::string::npos), line,
                  " -> ", what);
  }
  error_of([] { load_recipe("/nowhere/recipe.toml"); }, ExitCode::bad_input);
}

TEST_CASE("recipe: known values that nothing implements are refused by name") {
  for (const char* line :
       {"precision = \"fp8\"", "micro_batches = 4", "recompute = true", "clip_norm = 1.0", "warmup = 10"}) {
    const std::string key = std::string(line).substr(0, std::string(line).find(' '));
    CHECK(recipe_error(line, ExitCode::unsupported).find(key) != std::string::npos);
  }
}

TEST_CASE("training step: nothing to train is the forward graph") {
  const Graph g = mlp(2, 3, 4, 2);
  CHECK(training_step(g, Recipe{}) == g);
}

TEST_CASE("training step: sgd, momentum and adamw against steps by hand") {
  Recipe r;
  r.precision = Precision::fp32;
  r.loss = Loss::sum;
  r.lr = 0.1;
  r.weight_decay = 0.5;
  const List p{1, -2}, g{0.5F, 3};
  const auto after = [&](Optimizer optimizer, int steps) {
    r.optimizer = optimizer;
    const Graph step = training_step(linear(p, g), r);
    Trainer trainer(step, 1);
    for (int i = 0; i < steps; ++i) {
      trainer.step({});
    }
    return trainer.state().at("p");
  };
  double s[2], m[2], a[2];
  for (int i = 0; i < 2; ++i) {
    s[i] = m[i] = a[i] = p[i];
    double velocity = 0, first = 0, second = 0;
    for (int t = 1; t <= 3; ++t) {
      s[i] -= 0.1 * (g[i] + 0.5 * s[i]);
      velocity = 0.9 * velocity + (g[i] + 0.5 * m[i]);
      m[i] -= 0.1 * velocity;
      first = 0.9 * first + 0.1 * g[i];
      second = 0.999 * second + 0.001 * g[i] * g[i];
      a[i] *= 1 - 0.1 * 0.5;
      a[i] -= 0.1 / (1 - std::pow(0.9, t)) * first /
              (std::sqrt(second) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
    }
  }
  CHECK(difference(after(Optimizer::sgd, 3), {float(s[0]), float(s[1])}) < 1e-6);
  CHECK(difference(after(Optimizer::momentum, 3), {float(m[0]), float(m[1])}) < 1e-6);
  CHECK(difference(after(Optimizer::adamw, 3), {float(a[0]), float(a[1])}) < 1e-6);
}

TEST_CASE("training step: a perceptron learns, in fp32 and in bf16") {
  Recipe r;
  r.optimizer = Optimizer::sgd;
  r.lr = 0.3;
  r.precision = Precision::fp32;
  check_training(r, 2.2, 0.2);
  r.precision = Precision::bf16;
  check_training(r, 2.2, 0.2);
  r.optimizer = Optimizer::adamw;
  r.lr = 0.02;
  check_training(r, 2.2, 0.2);
}

TEST_CASE("training step: bf16 compute, fp32 masters, gradients and loss") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.loss = Loss::cross_entropy;
  const Graph step = training_step(mlp(4, 6, 5, 3), r);
  for (const auto& [state, next] : step.updates) {
    CHECK(step.value(state).type.dtype == DType::fp32);
  }
  CHECK(step.value(step.loss).type == Type{DType::fp32, {}});
  int products = 0, wide = 0;
  for (const Node& node : step.nodes) {
    if (node.op == Op::matmul) {
      ++products;
      wide += step.value(node.output).type.dtype == DType::fp32 ? 1 : 0;
      for (const ValueId id : node.inputs) {
        CHECK(step.value(id).type.dtype == DType::bf16);
      }
    }
    if (node.op == Op::relu) {
      CHECK(step.value(node.output).type.dtype == DType::bf16);
    }
  }
  CHECK(products == 5);  // two forward, two weight gradients, one activation gradient
  CHECK(wide == 2);      // the weight gradients
  CHECK(step.value(step.outputs[0]).type.dtype == DType::bf16);
}

TEST_CASE("training step: decompose and the folding passes leave its values alone") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.loss = Loss::cross_entropy;
  const Graph step = training_step(mlp(8, 20, 16, 5), r);
  const Graph lowered = dead_code(common_subexpressions(fold(decompose(step))));
  verify(lowered, "test");
  Trainer a(step, 1), b(lowered, 1);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const Values in = batch_of(i, 8, 20, 5);
    const double x = a.step(in).at(step.value(step.loss).name)[0],
                 y = b.step(in).at(lowered.value(lowered.loss).name)[0];
    CHECK(std::fabs(x - y) < 1e-4 * x);
  }
}

TEST_CASE("training step: a bf16 model trains on fp32 masters") {
  Graph g;
  const ValueId x = leaf(g, "x", DType::bf16, {4, 8}, Role::input),
                w = leaf(g, "w", DType::bf16, {8, 3}, Role::parameter);
  g.value(w).drawn = true;
  g.value(w).deviation = 0.1;
  g.outputs = {op(g, Op::matmul, {x, w})};
  Recipe r;
  r.optimizer = Optimizer::sgd;
  r.loss = Loss::mse;
  const Graph step = training_step(g, r);
  CHECK(step.updates.size() == 1);
  const Value& master = step.value(step.updates[0].first);
  CHECK(master.type.dtype == DType::fp32);
  CHECK(master.drawn);
  CHECK(master.name == "w");
}

TEST_CASE("training step: gradients are outputs when there is no optimizer") {
  Graph g;
  const ValueId q = leaf(g, "q", DType::bf16, {4, 8}, Role::input),
                k = leaf(g, "k", DType::bf16, {4, 8}, Role::input);
  g.outputs = {op(g, Op::softmax, {op(g, Op::matmul, {q, k}, {{"trans_b", std::int64_t{1}}})})};
  Recipe r;
  r.loss = Loss::sum;
  const Graph step = training_step(g, r);
  REQUIRE(step.outputs.size() == 3);
  CHECK(step.value(step.outputs[1]).name == "q.grad");
  CHECK(step.value(step.outputs[2]).name == "k.grad");
  CHECK(step.value(step.outputs[1]).type == Type{DType::bf16, {4, 8}});
}

TEST_CASE("training step: a loss that cannot be is an error") {
  Recipe r;
  r.optimizer = Optimizer::sgd;
  error_of([&] { training_step(mlp(2, 3, 4, 2), r); }, ExitCode::bad_input);
  Graph g;
  g.outputs = {op(g, Op::neg, {weight(g, "w", {3})})};
  r.loss = Loss::cross_entropy;
  error_of([&] { training_step(g, r); }, ExitCode::bad_input);
}
