// The recipe file, and the training steps it asks for.
#include "compiler/passes/decompose.h"
#include "compiler/passes/fold.h"
#include "compiler/reference/trainer.h"
#include "tests/compiler/front_helpers.h"
#include "tests/compiler/program_values.h"

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
      "42\nmicro_batches = 4\n"
      "recompute = true\nmemory_budget = 4096\nclip_norm = 0.5\nwarmup = 7\nloss_scale = 1024\n");
  CHECK(r.optimizer == Optimizer::adamw);
  CHECK(r.lr == 6e-4);
  CHECK(r.recompute);
  CHECK(r.memory_budget == 4096);
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
  CHECK(r.micro_batches == 4);
  CHECK(r.clip_norm == 0.5);
  CHECK(r.warmup == 7);
  CHECK(r.loss_scale == 1024);
  CHECK_FALSE(r.text.empty());
}

TEST_CASE("recipe: a dynamic loss scale has a start and a period") {
  const Recipe usual = recipe_of("loss_scale = \"dynamic\"\n");
  CHECK(usual.dynamic_loss_scale);
  CHECK(usual.loss_scale == 65536);
  CHECK(usual.loss_scale_period == 2000);
  const Recipe own = recipe_of("loss_scale_start = 8\nloss_scale = \"dynamic\"\nloss_scale_period = 5\n");
  CHECK(own.loss_scale == 8);
  CHECK(own.loss_scale_period == 5);
  CHECK_FALSE(recipe_of("loss_scale = 8\n").dynamic_loss_scale);
  recipe_error("loss_scale = 8\nloss_scale_period = 5\n", ExitCode::bad_input);
  recipe_error("loss_scale_start = 8\n", ExitCode::bad_input);
  recipe_error("table_optimizer = \"adam\"\n", ExitCode::bad_input);  // without an optimizer
  recipe_error("optimizer = \"sgd\"\ntable_lr = 0.1\n", ExitCode::bad_input);
  recipe_error("optimizer = \"adamw\"\ntable_optimizer = \"adamw\"\n", ExitCode::bad_input);
}

TEST_CASE("recipe: whatever is wrong is an error with file and line") {
  for (const char* line : {"lr = -1",
                           "lr = \"big\"",
                           "lr = nan",
                           "betas = [0.9]",
                           "betas = 3",
                           "betas = [1.0, 0.9]",
                           "optimizer = \"adam\"",
                           "optimizer = 3",
                           "loss = \"huber\"",
                           "precision = \"int4\"",
                           "batch = 0",
                           "batch = 1.5",
                           "loss_scale = 0",
                           "loss_scale = \"static\"",
                           "loss_scale_period = 0",
                           "micro_batches = 0",
                           "clip_norm = -1",
                           "warmup = -1",
                           "steps = 0",
                           "seed = -1",
                           "learning_rate = 1",
                           "recompute = 1",
                           "memory_budget = 0",
                           "memory_budget = true",
                           "lr = ",
                           "[section]\nlr = 1",
                           "seed = 1\nseed = 2"}) {
    const std::string what = recipe_error(std::string("# comment\n") + line + "\n", ExitCode::bad_input);
    CHECK_MESSAGE(what.find("recipe.toml:") != std::string::npos, line, " -> ", what);
    CHECK_MESSAGE((what.find(":2: ") != std::string::npos || what.find(":3: ") != std::string::npos), line,
                  " -> ", what);
  }
  recipe_error("batch = 10\nmicro_batches = 4\n", ExitCode::bad_input);
  error_of([] { load_recipe("/nowhere/recipe.toml"); }, ExitCode::bad_input);
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

TEST_CASE("training step: adagrad with warmup and clip_norm against steps by hand") {
  Recipe r;
  r.optimizer = Optimizer::adagrad;
  r.precision = Precision::fp32;
  r.loss = Loss::sum;
  r.lr = 0.1;
  r.epsilon = 1e-10;
  r.warmup = 2;
  const List p{1, -2}, g{0.5F, 3};
  for (const double clip : {0.0, 0.25, 100.0}) {
    CAPTURE(clip);
    r.clip_norm = clip;
    const Graph step = training_step(linear(p, g), r);
    Trainer trainer(step, 1);
    for (int t = 0; t < 3; ++t) trainer.step({});
    const double norm = std::sqrt(0.25 + 9), shrink = clip == 0 ? 1 : std::min(1.0, clip / (norm + 1e-6));
    List want;
    for (int i = 0; i < 2; ++i) {
      double x = p[i], sum = 0;
      for (int t = 1; t <= 3; ++t) {
        const double slope = g[i] * shrink;
        sum += slope * slope;
        x -= 0.1 * std::min(1.0, t / 2.0) * slope / (std::sqrt(sum) + 1e-10);
      }
      want.push_back(float(x));
    }
    CHECK(difference(trainer.state().at("p"), want) < 1e-6);
    CHECK(difference(trainer.state().at("p.sum"),
                     {float(3 * std::pow(g[0] * shrink, 2)), float(3 * std::pow(g[1] * shrink, 2))}) < 1e-6);
  }
}

TEST_CASE("training step: adamw with warmup decays by this step's rate") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.precision = Precision::fp32;
  r.loss = Loss::sum;
  r.lr = 0.1;
  r.warmup = 2;
  r.weight_decay = 0.5;
  const Graph step = training_step(linear({1, -2}, {0.5F, 3}), r);
  Trainer trainer(step, 1);
  double x = 1, first = 0, second = 0;
  for (int t = 1; t <= 3; ++t) {
    trainer.step({});
    const double lr = 0.1 * std::min(1.0, t / 2.0), g = 0.5;
    first = 0.9 * first + 0.1 * g;
    second = 0.999 * second + 0.001 * g * g;
    x = x * (1 - lr * 0.5) -
        lr / (1 - std::pow(0.9, t)) * first / (std::sqrt(second) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
  }
  CHECK(trainer.state().at("p")[0] == doctest::Approx(x).epsilon(1e-5));
}

TEST_CASE("training step: clip_norm is over all parameters together") {
  Recipe r;
  r.optimizer = Optimizer::sgd;
  r.precision = Precision::fp32;
  r.loss = Loss::cross_entropy;
  r.lr = 1;
  const Graph free = training_step(mlp(32, 20, 24, 5), r);
  r.clip_norm = 0.01;
  const Graph clipped = training_step(mlp(32, 20, 24, 5), r);
  Trainer a(free, 1), b(clipped, 1);
  a.step(batch_of(1, 32, 20, 5));
  b.step(batch_of(1, 32, 20, 5));
  const Graph start = mlp(32, 20, 24, 5);
  double norm = 0, other = 0;
  for (const Value& v : start.values)
    for (std::size_t i = 0; v.role == Role::parameter && i < v.data.size(); ++i) {
      norm += std::pow(double(v.data[i]) - a.state().at(v.name)[i], 2);
      other += std::pow(double(v.data[i]) - b.state().at(v.name)[i], 2);
    }
  CHECK(std::sqrt(norm) > 0.1);
  CHECK(std::sqrt(other) == doctest::Approx(0.01).epsilon(1e-3));
}

TEST_CASE("training step: a loss scale that is a power of two changes no bit in fp32") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.precision = Precision::fp32;
  r.loss = Loss::cross_entropy;
  const Graph plain = training_step(mlp(8, 20, 16, 5), r);
  r.loss_scale = 4096;
  const Graph scaled = training_step(mlp(8, 20, 16, 5), r);
  Trainer a(plain, 1), b(scaled, 1);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Values in = batch_of(i, 8, 20, 5);
    CHECK(a.step(in).at(plain.value(plain.loss).name) == b.step(in).at(scaled.value(scaled.loss).name));
  }
  CHECK(a.state() == b.state());
  CHECK_FALSE(plain == scaled);
}

TEST_CASE("training step: an overflow halves the loss scale and changes nothing else") {
  Recipe r;
  r.optimizer = Optimizer::momentum;
  r.precision = Precision::fp32;
  r.loss = Loss::sum;
  r.lr = 0.1;
  r.dynamic_loss_scale = true;
  r.loss_scale = std::ldexp(1.0, 127);  // three times that, a gradient, is infinite
  r.loss_scale_period = 2;
  Recipe fixed = r;
  fixed.dynamic_loss_scale = false;
  fixed.loss_scale = 1;
  const List p{1, -2}, g{0.5F, 3};
  const Graph step = training_step(linear(p, g), r), plain = training_step(linear(p, g), fixed);
  Trainer a(step, 1), b(plain, 1);
  const auto after = [&](double scale, float good_steps) {
    a.step({});
    CHECK(a.state().at("loss_scale") == List{float(scale)});
    CHECK(a.state().at("loss_scale.good_steps") == List{good_steps});
    CHECK(a.state().at("p") == b.state().at("p"));
    CHECK(a.state().at("p.velocity") == b.state().at("p.velocity"));
  };
  const double high = std::ldexp(1.0, 127), low = std::ldexp(1.0, 126);
  for (int round = 0; round < 2; ++round) {
    after(low, 0);  // skipped
    b.step({});
    after(low, 1);
    b.step({});
    after(high, 0);  // two good steps: it doubles
  }
}

TEST_CASE("training step: an overflow is skipped on the chip") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.loss = Loss::cross_entropy;
  r.warmup = 4;
  r.dynamic_loss_scale = true;
  const ChipConfig chip = load_chip("tiny");
  Values in = batch_of(1, 8, 20, 5);
  for (float& x : in["x"]) x *= 100;  // gradients above 2
  for (const Precision precision : {Precision::bf16, Precision::fp8}) {
    r.precision = precision;
    for (const bool overflows : {false, true}) {
      r.loss_scale = overflows ? 3e38 : 1024;
      const Graph step = training_step(mlp(8, 20, 16, 5), r);
      Values start;
      for (const Value& v : step.values)
        if (v.role == Role::parameter) start[v.name] = v.data;
      const Values got = interpret_program(lower(step, chip, r, {}), chip, in);
      for (const auto& [name, values] : start) CHECK_MESSAGE((got.at(name) == values) == overflows, name);
      CHECK(got.at("loss_scale")[0] == float(overflows ? r.loss_scale / 2 : r.loss_scale));
      CHECK(got.at("loss_scale.good_steps")[0] == (overflows ? 0 : 1));
      CHECK(got.at("warmup.steps")[0] == (overflows ? 0 : 1));
      CHECK(std::isfinite(got.at("loss")[0]));
    }
  }
}

TEST_CASE("training step: four micro batches are one batch") {
  Recipe r;
  r.optimizer = Optimizer::momentum;
  r.precision = Precision::fp32;
  r.loss = Loss::cross_entropy;
  r.clip_norm = 1;
  const Graph whole = training_step(mlp(32, 20, 24, 5), r);
  r.micro_batches = 4;
  const Graph parts = training_step(mlp(8, 20, 24, 5), r);
  CHECK(parts.tokens == whole.tokens);
  Trainer a(whole, 1), b(parts, 1);
  const std::string scores = whole.value(whole.outputs[0]).name;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Values in = batch_of(i, 32, 20, 5), x = a.step(in), y = b.step(in);
    CHECK(difference(y.at("loss"), x.at("loss")) < 1e-6);
    CHECK(difference(y.at(scores), x.at(scores)) < 1e-5);
  }
  for (const auto& [name, values] : a.state())
    CHECK_MESSAGE(difference(b.state().at(name), values) < 1e-5, name);

  // The chip does what the graph says, in bf16 and fp8 too; one micro batch's backward pass precedes the
  // next's forward.
  const ChipConfig chip = load_chip("tiny");
  for (const Precision precision : {Precision::bf16, Precision::fp8}) {
    r.precision = precision;
    const Graph step = training_step(mlp(8, 20, 24, 5), r);
    const Values in = batch_of(1, 32, 20, 5);
    const Values want = evaluate(step, in), got = interpret_program(lower(step, chip, r, {}), chip, in);
    CHECK(difference(got.at("loss"), want.at("loss")) < 1e-3);
    CHECK(difference(got.at("w1"), want.at("w1")) < 1e-2);
    bool back = false, again = false;
    for (const Node& node : step.nodes) {
      back = back || node.phase == Phase::backward;
      again = again || (back && node.phase == Phase::forward && node.op == Op::matmul);
    }
    CHECK(again);
  }
}

TEST_CASE("training step: a perceptron learns, in fp32 and bf16 and fp8") {
  Recipe r;
  r.optimizer = Optimizer::sgd;
  r.lr = 0.3;
  r.precision = Precision::fp32;
  check_training(r, 2.2, 0.2);
  r.precision = Precision::bf16;
  check_training(r, 2.2, 0.2);
  r.precision = Precision::fp8;
  check_training(r, 2.2, 0.2);
  r.precision = Precision::bf16;
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

TEST_CASE("training step: products in fp8 with fp32 masters and gradients") {
  Recipe r;
  r.optimizer = Optimizer::adamw;
  r.loss = Loss::cross_entropy;
  r.precision = Precision::fp8;
  const Graph step = training_step(mlp(4, 6, 5, 3), r);
  int products = 0, gradients = 0, wide = 0;
  for (const Node& node : step.nodes) {
    if (node.op != Op::matmul) continue;
    ++products;
    wide += step.value(node.output).type.dtype == DType::fp32;
    for (const ValueId id : node.inputs) {
      const DType type = step.value(id).type.dtype;
      CHECK((type == DType::e4m3 || type == DType::e5m2));
      CHECK((type != DType::e5m2 || node.phase == Phase::backward));
      gradients += type == DType::e5m2;
    }
  }
  CHECK(products == 5);
  CHECK(gradients == 3);  // each product of the backward pass takes one
  CHECK(wide == 2);
  for (const auto& [state, next] : step.updates) CHECK(step.value(state).type.dtype == DType::fp32);
}

/// a · b in fp8, on the graph and on the chip, and its error against fp32 relative to sum |a b|.
struct Fp8Product {
  double of_graph = 0, of_chip = 0;
  bool same_as_graph = false;
};
Fp8Product fp8_product(double size_a, double size_b) {
  Graph g;
  const ValueId a = leaf(g, "a", DType::fp32, {40, 48}, Role::input),
                b = leaf(g, "b", DType::fp32, {48, 36}, Role::input);
  g.outputs = {op(g, Op::matmul, {a, b})};
  Recipe r;
  r.precision = Precision::fp8;
  r.text = "precision = fp8";
  Options checked;
  checked.check_values = true;
  const Graph step = training_step(g, r, checked);
  const Values in{{"a", numbers(1, 40 * 48, -size_a, size_a)}, {"b", numbers(2, 48 * 36, -size_b, size_b)}};
  const std::string& c = step.value(step.outputs[0]).name;
  const List want = evaluate(step, in).at(c);
  const ChipConfig chip = load_chip("tiny");
  const List got = interpret_program(lower(step, chip, r, checked), chip, in).at(c);
  Fp8Product out;
  out.same_as_graph = got == want;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < 36; ++j) {
      double exact = 0, sum = 1e-300;
      for (std::size_t k = 0; k < 48; ++k) {
        const double x = double(in.at("a")[i * 48 + k]) * double(in.at("b")[k * 36 + j]);
        exact += x, sum += std::fabs(x);
      }
      out.of_graph = std::max(out.of_graph, std::fabs(want[i * 36 + j] - exact) / sum);
      out.of_chip = std::max(out.of_chip, std::fabs(got[i * 36 + j] - exact) / sum);
    }
  return out;
}

TEST_CASE("training step: an fp8 product is near fp32's whatever the size of its operands") {
  // A number of e4m3 is off by 1/16 at most, and errors cancel: 1/16 of sum |a b| bounds both operands'.
  for (const auto& [a, b] : {std::pair{1.0, 1.0}, {1e-6, 1e4}, {3e5, 2e-9}, {1e10, 1e10}}) {
    const Fp8Product p = fp8_product(a, b);
    CAPTURE(a);
    CAPTURE(b);
    CHECK(p.same_as_graph);
    CHECK(p.of_graph < 1.0 / 16);
    CHECK(p.of_chip < 1.0 / 16);
    CHECK(p.of_chip > 1e-4);  // it is fp8
  }
  CHECK(fp8_product(0, 1).of_chip == 0);  // zeros stay zeros
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
