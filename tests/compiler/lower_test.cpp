// Do lowered programs compute what the graph says? Every kernel kind over ragged shapes, on the untimed
// interpreter.
#include <algorithm>

#include "base/errors.h"
#include "base/int8_rows.h"
#include "compiler/passes/pin_rows.h"
#include "compiler/row_plan.h"
#include "tests/compiler/lowered.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::test;

TEST_CASE("matmul: every transposition, ragged shapes, batches") {
  for (int ta : {0, 1})
    for (int tb : {0, 1}) {
      const std::string a = ta ? "[77,37]" : "[37,77]", b = tb ? "[150,77]" : "[77,150]";
      check(fmt::format("graph \"g\" tokens=0\n%a: bf16{} = input\n%b: bf16{} = parameter\n"
                        "%c: fp32[37,150] = matmul(%a, %b) {{dtype=\"fp32\", trans_a={}, trans_b={}}} "
                        "phase=forward name=\"c\"\noutput %c\n",
                        a, b, ta, tb),
            1e-6);
    }
  check(
      "graph \"g\" tokens=0\n%a: bf16[3,70,33] = input\n%b: bf16[3,33,90] = input\n"
      "%c: bf16[3,70,90] = matmul(%a, %b) phase=forward name=\"c\"\noutput %c\n",
      1e-2);
  check(
      "graph \"g\" tokens=0\n%a: bf16[3,70,300] = input\n%b: bf16[300,90] = input\n"
      "%c: bf16[3,70,90] = matmul(%a, %b) phase=forward name=\"c\"\noutput %c\n",
      1e-2);
}

TEST_CASE("matmul: k split over PEs, and a remainder of m that is") {
  check(
      "graph \"g\" tokens=0\n%a: bf16[512,40] = input\n%b: bf16[72,512] = input\n"
      "%c: fp32[40,72] = matmul(%a, %b) {dtype=\"fp32\", trans_a=1, trans_b=1} phase=forward name=\"c\"\n"
      "output %c\n",
      1e-5);
  check(
      "graph \"g\" tokens=0\n%a: bf16[320,1024] = input\n%b: bf16[1024,250] = input\n"
      "%c: fp32[320,250] = matmul(%a, %b) {dtype=\"fp32\"} phase=forward name=\"c\"\noutput %c\n",
      1e-5);
}

TEST_CASE("softmax, layernorm and friends") {
  check(
      "graph \"g\" tokens=0\n%x: bf16[37,129] = input\n%y: bf16[37,129] = softmax(%x) phase=forward "
      "name=\"y\"\noutput %y\n",
      1e-2);
  check(
      "graph \"g\" tokens=0\n%x: bf16[4,9,65] = input\n%s: fp32[65] = parameter\n%b: fp32[65] = parameter\n"
      "%y: bf16[4,9,65] = layernorm(%x, %s, %b) {epsilon=1e-05} phase=forward name=\"y\"\noutput %y\n",
      1e-2);
  check(
      "graph \"g\" tokens=0\n%x: fp32[50,7] = input\n%y: fp32[50,7] = gelu(%x) phase=forward "
      "name=\"y\"\noutput %y\n",
      1e-5);
  check(
      "graph \"g\" tokens=0\n%x: fp32[5,20000] = input\n%y: fp32[5,1] = reduce_sum(%x) {axes=[1]} "
      "phase=forward name=\"y\"\noutput %y\n",
      1e-4);
  check(
      "graph \"g\" tokens=0\n%x: fp32[500,70] = input\n%y: fp32[1,70] = reduce_sum(%x) {axes=[0]} "
      "phase=forward name=\"y\"\noutput %y\n",
      1e-5);
  check(
      "graph \"g\" tokens=0\n%x: fp32[6,50,70] = input\n%y: fp32[6,1,70] = reduce_sum(%x) {axes=[1]} "
      "phase=forward name=\"y\"\noutput %y\n",
      1e-5);
}

TEST_CASE("select: what is not chosen stays out whatever it is and what is chosen keeps its sign") {
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%m: fp32[3,70] = input\n%a: fp32[3,70] = input\n%b: fp32[70] = input\n"
      "%y: fp32[3,70] = select(%m, %a, %b) phase=forward name=\"y\"\noutput %y\n",
      "test");
  Values in{{"m", {}}, {"a", {}}, {"b", {}}};
  for (int i = 0; i < 210; ++i) {
    const bool first = i % 70 % 3 == 0;
    in["m"].push_back(first ? 1 : 0);
    in["a"].push_back(first ? -0.0F : i % 2 == 0 ? NAN : INFINITY);
    if (i < 70) in["b"].push_back(first ? -INFINITY : 0.5F);
  }
  const ChipConfig chip = tiny();
  const auto y = interpret_program(lower(graph, chip, Recipe{}, Options{}), chip, in).at("y");
  REQUIRE(y.size() == 210);
  for (int i = 0; i < 210; ++i) {
    const bool first = i % 70 % 3 == 0;
    CHECK(y[std::size_t(i)] == (first ? 0 : 0.5F));
    CHECK(std::signbit(y[std::size_t(i)]) == first);
  }
}

TEST_CASE("rows longer than the local store: reductions go over them block by block") {
  ChipConfig chip = tiny();
  chip.local_store.bytes = 16 << 10;  // 4096 fp32
  for (const char* rows : {"3", "70"}) {
    const std::string x = fmt::format("graph \"g\" tokens=0\n%x: bf16[{},9001] = input\n", rows);
    check(x + fmt::format("%y: bf16[{},9001] = softmax(%x) phase=forward name=\"y\"\noutput %y\n", rows),
          1e-2, chip);
    check(x + fmt::format("%s: fp32[9001] = parameter\n%b: fp32[9001] = parameter\n"
                          "%y: bf16[{},9001] = layernorm(%x, %s, %b) {{epsilon=1e-05}} phase=forward "
                          "name=\"y\"\noutput %y\n",
                          rows),
          1e-2, chip);
    check(x + fmt::format(
                  "%m: bf16[{0},1] = reduce_max(%x) {{axes=[1]}} phase=forward name=\"m\"\n"
                  "%e: fp32[{0},9001] = exp(%x) {{dtype=\"fp32\"}} phase=forward name=\"e\"\n"
                  "%s: bf16[{0},1] = reduce_sum(%e) {{axes=[1], dtype=\"bf16\"}} phase=forward name=\"s\"\n"
                  "output %m\noutput %e\noutput %s\n",
                  rows),
          1e-2, chip);
    check(x + fmt::format("%l: int64[{0}] = input limit=9001\n"
                          "%y: fp32[] = cross_entropy(%x, %l) phase=forward name=\"y\"\noutput %y\n",
                          rows),
          1e-5, chip);
  }
}

TEST_CASE("rows longer than the local store: a number a row is waited for in the order of use") {
  // In the graph's order the first use of c needs the row's sum, on the chip the blocks come before that.
  check(
      "graph \"g\" tokens=0\n%x: fp32[8,40000] = input\n%c: fp32[8,1] = input\n"
      "%sum: fp32[8,1] = reduce_sum(%x) {axes=[1]} phase=forward name=\"sum\"\n"
      "%rest: fp32[8,1] = sub(%c, %sum) phase=forward name=\"rest\"\n"
      "%y: fp32[8,40000] = sub(%x, %c) phase=forward name=\"y\"\noutput %rest\noutput %y\n",
      1e-4);
}

TEST_CASE("one pass of rows longer than a tile counts its columns from the row's first") {
  ChipConfig chip = tiny();
  chip.local_store.bytes = 16 << 10;
  check(
      "graph \"g\" tokens=0\n%x: fp32[6,9001] = input\n%l: int64[6] = input limit=9001\n"
      "%h: fp32[6,9001] = is_class(%l) {classes=9001} phase=forward name=\"h\"\n"
      "%y: fp32[6,9001] = sub(%x, %h) phase=forward name=\"y\"\noutput %y\n",
      0, chip);
}

TEST_CASE("movement: a copy that turns matrices goes through the layout engine, in ragged tiles") {
  for (const char* type : {"bf16", "fp32"}) {
    const std::string text = fmt::format(
        "graph \"g\" tokens=0\n%x: {0}[3,300,70] = input\n%t: {0}[70,3,300] = transpose(%x) {{perm=[2,0,1]}} "
        "phase=forward name=\"t\"\noutput %t\n",
        type);
    check(text, 0);
    const isa::Program program = lower(parse(text, "g"), tiny(), Recipe{}, {});
    const bool turned = std::any_of(std::begin(program.code), std::end(program.code), [](const auto& code) {
      return std::any_of(code.begin(), code.end(),
                         [](const auto& i) { return i.opcode == isa::Opcode::transpose; });
    });
    CHECK(turned);
  }
}

TEST_CASE("movement: views, copies, concatenations, embeddings") {
  check(
      "graph \"g\" tokens=0\n%x: fp32[6,10,14] = input\n%t: fp32[10,14,6] = transpose(%x) {perm=[1,2,0]} "
      "phase=forward name=\"t\"\n"
      "%y: fp32[140,6] = reshape(%t) {shape=[140,6]} phase=forward name=\"y\"\noutput %y\n",
      0);
  check(
      "graph \"g\" tokens=0\n%x: fp32[6,10] = input\n%y: fp32[20,30] = embed(%x) {shape=[20,30], "
      "starts=[3,4], steps=[2,1], value=1.5} phase=forward name=\"y\"\noutput %y\n",
      0);
  check(
      "graph \"g\" tokens=0\n%x: fp32[6,10] = input\n%z: fp32[6,5] = input\n%n: fp32[6,10] = neg(%x) "
      "phase=forward name=\"n\"\n"
      "%y: fp32[6,15] = concat(%n, %z) {axis=1} phase=forward name=\"y\"\noutput %y\n",
      0);
  check(
      "graph \"g\" tokens=0\n%x: fp32[9,12] = input\n%s: fp32[3,4] = slice(%x) {starts=[1,2], sizes=[3,4], "
      "steps=[2,2]} phase=forward name=\"s\"\n"
      "%y: fp32[3,4] = exp(%s) phase=forward name=\"y\"\noutput %y\n",
      1e-6);
  check(
      "graph \"g\" tokens=0\n%t: fp32[50,33] = parameter\n%i: int64[4,20] = input limit=50\n"
      "%y: fp32[4,20,33] = gather(%t, %i) phase=forward name=\"y\"\noutput %y\n",
      0);
  check(
      "graph \"g\" tokens=0\n%x: bf16[80,33] = input\n%i: int64[80] = input limit=20\n"
      "%y: fp32[20,33] = scatter_add(%x, %i) {rows=20} phase=forward name=\"y\"\noutput %y\n",
      1e-6);
}

TEST_CASE("embedding bags: equal to the interpreter bit for bit whatever the types, sizes and paddings") {
  for (const char* table : {"fp32", "bf16", "fp16"})
    for (const char* index : {"int32", "int64"})
      for (const char* shape : {"1,1", "3,2", "130,1", "70,5", "2,9,4"}) {
        const std::string out = std::string(shape).substr(0, std::string(shape).rfind(',')) + ",33";
        check(fmt::format("graph \"g\" tokens=0\n%t: {0}[50,33] = parameter\n%i: {1}[{2}] = input limit=50\n"
                          "%y: {0}[{3}] = embedding_bag(%t, %i) phase=forward name=\"y\"\noutput %y\n",
                          table, index, shape, out),
              0);
      }
}

TEST_CASE("embedding bags: ragged and empty bags, and an index outside the table") {
  const std::string text =
      "graph \"g\" tokens=0\n%t: fp32[50,33] = parameter\n%i: int32[40,5] = input limit=50\n"
      "%y: fp32[40,33] = embedding_bag(%t, %i) phase=forward name=\"y\"\noutput %y\n";
  const Graph graph = parse(text, "test");
  Values inputs = random_inputs(graph, 3);
  auto& index = inputs.at("i");
  for (std::size_t i = 0; i < index.size(); ++i)
    if (i % 5 >= i / 5 % 6) index[i] = -1;  // bags of 0 to 5
  const isa::Program program = lower(graph, tiny(), Recipe{}, Options{});
  const auto got = interpret_program(program, tiny(), inputs).at("y");
  CHECK(got == evaluate(graph, inputs).at("y"));
  CHECK(std::all_of(got.begin(), got.begin() + 33, [](float x) { return x == 0; }));
  index[7] = 50;
  try {
    interpret_program(program, tiny(), inputs);
    FAIL("no error was thrown");
  } catch (const Error& e) {
    CHECK(e.code() == ExitCode::illegal_program);
    CHECK_MESSAGE(std::string(e.what()).find("index 50 at position") != std::string::npos, e.what());
  }
}

TEST_CASE("weighted bags: gather times weights summed is one kernel with the interpreter's bits") {
  for (const char* table : {"fp32", "bf16", "fp16"})
    for (const char* weights : {"fp32", "fp16"})
      for (const std::int64_t bag : {1, 2, 5}) {
        const Graph graph =
            parse(fmt::format(
                      "graph \"g\" tokens=0\n%t: {0}[50,33] = parameter\n%i: int32[70,{2}] = input limit=50\n"
                      "%w: {1}[70,{2}] = input\n%y: {0}[70,33] = weighted_bag(%t, %i, %w) phase=forward "
                      "name=\"y\"\noutput %y\n",
                      table, weights, bag),
                  "test");
        verify(graph, "test");
        Values inputs = random_inputs(graph, 3);
        auto& index = inputs.at("i");
        for (std::size_t i = 0; i < index.size(); ++i)
          if (i % 3 == 1 || i < std::size_t(bag)) index[i] = -1;  // ragged, the first one empty
        const isa::Program program = lower(graph, tiny(), Recipe{}, Options{});
        CHECK(program.sources.size() == 1);
        const auto got = interpret_program(program, tiny(), inputs).at("y");
        CHECK(got == evaluate(graph, inputs).at("y"));
        CHECK(std::all_of(got.begin(), got.begin() + 33, [](float x) { return x == 0; }));
      }
}

TEST_CASE("weighted bags: found as an author writes them, whichever way round the product is") {
  for (const char* product : {"%r, %c", "%c, %r"}) {
    const Graph graph =
        parse(fmt::format(
                  "graph \"g\" tokens=0\n%t: fp32[50,33] = parameter\n%i: int32[70,4] = input limit=50\n"
                  "%w: fp32[70,4] = input\n%r: fp32[70,4,33] = gather(%t, %i) phase=forward name=\"y\"\n"
                  "%c: fp32[70,4,1] = reshape(%w) {{shape=[70,4,1]}} phase=forward name=\"y\"\n"
                  "%p: fp32[70,4,33] = mul({}) {{dtype=\"fp32\"}} phase=forward name=\"y\"\n"
                  "%s: fp32[70,1,33] = reduce_sum(%p) {{axes=[1], dtype=\"fp32\"}} phase=forward name=\"y\"\n"
                  "%y: fp32[70,33] = reshape(%s) {{shape=[70,33]}} phase=forward name=\"y\"\noutput %y\n",
                  product),
              "test");
    const Graph step = training_step(graph, Recipe{});
    CHECK(std::any_of(step.nodes.begin(), step.nodes.end(),
                      [](const Node& n) { return n.op == Op::weighted_bag; }));
    const isa::Program program = lower(step, tiny(), Recipe{}, Options{});
    CHECK(program.sources.size() == 1);
    const Values inputs = random_inputs(graph, 4);
    CHECK(interpret_program(program, tiny(), inputs).at("y") == evaluate(graph, inputs).at("y"));
  }
}

TEST_CASE("bags of int8 rows: equal to the interpreter bit for bit, ragged and empty ones too") {
  for (const char* out : {"fp32", "bf16", "fp16"})
    for (const std::int64_t bag : {1, 2, 5}) {
      const Graph graph = parse(
          fmt::format("graph \"g\" tokens=0\n%t: int8[50,44] = parameter\n%i: int32[70,{1}] = input "
                      "limit=50\n%y: {0}[70,36] = quantised_bag(%t, %i) {{dtype=\"{0}\"}} phase=forward "
                      "name=\"y\"\noutput %y\n",
                      out, bag),
          "test");
      verify(graph, "test");
      Values inputs = random_inputs(graph, 3);
      std::vector<float> rows(50 * 36);
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::sin(float(i * i)) * float(i % 7);
      inputs["t"] = int8_rows(rows, 36);
      auto& index = inputs.at("i");
      for (std::size_t i = 0; i < index.size(); ++i)
        if (i % 3 == 1 || i < std::size_t(bag)) index[i] = -1;
      const isa::Program program = lower(graph, tiny(), Recipe{}, Options{});
      CHECK(program.sources.size() == 1);
      const auto got = interpret_program(program, tiny(), inputs).at("y");
      CHECK(got == evaluate(graph, inputs).at("y"));
      CHECK(std::all_of(got.begin(), got.begin() + 36, [](float x) { return x == 0; }));
      std::vector<float> sums(got.size(), 0);  // of the rows themselves: half a step of each row's scale off
      for (std::size_t i = 0; i < index.size(); ++i)
        for (std::size_t k = 0; k < 36 && index[i] >= 0; ++k)
          sums[i / std::size_t(bag) * 36 + k] += rows[std::size_t(index[i]) * 36 + k];
      for (std::size_t i = 0; i < sums.size(); ++i)
        CHECK(std::fabs(got[i] - sums[i]) <= 0.51 * double(bag) * 12 / 255 + std::fabs(sums[i]) / 200);
    }
}

TEST_CASE("embedding bags: popular rows apart change no bit of a forward pass or of a training step") {
  const std::string text =
      "graph \"g\" tokens=0\n%t: fp32[50,33] = parameter\n%i: int32[40,5] = input limit=50\n"
      "%y: fp32[40,33] = embedding_bag(%t, %i) phase=forward name=\"y\"\noutput %y\n";
  const Graph graph = parse(text, "test");
  Values inputs = random_inputs(graph, 3);
  auto& index = inputs.at("i");
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = i % 3 == 0 ? 7.0F : i % 7 == 0 ? -1.0F : index[i];
  Recipe recipe;
  recipe.optimizer = Optimizer::adagrad;
  recipe.loss = Loss::mse;
  for (const Graph& step : {graph, training_step(graph, recipe)}) {
    for (const auto& value : step.values)
      if (value.role == Role::input && !inputs.contains(value.name) && !planned_input(value.name))
        inputs[value.name].assign(std::size_t(elements(value.type)), 0.5F);
    Options options;
    options.pinned_rows = 3;
    const Graph pinned = pin_rows(step, tiny(), 3);
    CHECK(std::any_of(pinned.nodes.begin(), pinned.nodes.end(),
                      [](const Node& node) { return node.op == Op::pinned_bag; }));
    const isa::Program program = lower(step, tiny(), recipe, options);
    Values all = inputs;
    for (const auto& tensor : program.tensors)
      if (const auto planned = planned_input(tensor.name)) {
        const auto part = planned->from(std::vector<std::int64_t>(index.begin(), index.end()));
        all[tensor.name].assign(part.begin(), part.end());
      }
    const Values got = interpret_program(program, tiny(), all), expected = evaluate(step, inputs);
    for (const auto& [name, values] : expected) CHECK_MESSAGE(got.at(name) == values, name);
  }
}

TEST_CASE("sources say how much memory is in use: what is pinned and each intermediate while it is needed") {
  constexpr std::int64_t kBytes = 128 * 128 * 2;  // of a value: whole units of the placement
  const Graph graph = parse(
      "graph \"g\" tokens=0\n%x: bf16[128,128] = input\n%y: bf16[128,128] = matmul(%x, %x) phase=forward "
      "name=\"y\"\n%z: bf16[128,128] = matmul(%y, %y) phase=forward name=\"z\"\n"
      "%w: bf16[128,128] = matmul(%z, %z) phase=forward name=\"w\"\noutput %w\n",
      "test");
  ChipConfig chip = tiny();
  const auto in_use = [&](auto isa::Source::*memory) {
    std::vector<std::int64_t> live;
    for (const auto& source : lower(graph, chip, Recipe{}, Options{}).sources) live.push_back(source.*memory);
    return live;
  };
  CHECK(in_use(&isa::Source::live_hbm) == std::vector(3, 2 * kBytes));
  CHECK(in_use(&isa::Source::live_sram) == std::vector({kBytes, 2 * kBytes, kBytes}));
  chip.sram.scratch_fraction = 0;
  CHECK(in_use(&isa::Source::live_hbm) == std::vector({3 * kBytes, 4 * kBytes, 3 * kBytes}));
}

TEST_CASE("lower: one error lists every operation that the chip does not have") {
  Graph g;
  const ValueId x = g.add_value("x", {DType::fp32, {4, 8}}, Role::input);
  const ValueId wave = g.add(Op::sin, {x}, {}, Phase::forward, "wave");
  const ValueId sum = g.add(Op::add, {wave, x}, {}, Phase::forward, "sum");
  g.outputs = {g.add(Op::floor, {sum}, {}, Phase::forward, "steps")};
  try {
    lower(g, tiny(), {}, {});
    FAIL("no error was thrown");
  } catch (const Error& e) {
    CHECK(e.code() == ExitCode::unsupported);
    for (const char* part : {"sin (wave)", "floor (steps)"})
      CHECK_MESSAGE(std::string(e.what()).find(part) != std::string::npos, e.what());
    CHECK(std::string(e.what()).find("add") == std::string::npos);
  }
}
