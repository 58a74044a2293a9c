// Do lowered programs compute what the graph says? Every kernel kind over ragged shapes, on the untimed
// interpreter.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "base/errors.h"
#include "compiler/compiler.h"
#include "isa/interp.h"

using namespace leto;
using namespace leto::compiler;

namespace {

ChipConfig tiny() {
  return load_chip("tiny");
}

Values random_inputs(const Graph& graph, std::uint32_t seed) {
  std::mt19937 gen(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Values values;
  for (const auto& v : graph.values) {
    if (v.role == Role::constant || v.role == Role::intermediate) continue;
    std::vector<float> data(std::size_t(elements(v.type)));
    for (auto& x : data) x = v.limit ? float(gen() % std::uint64_t(v.limit)) : uniform(gen);
    if (is_float(v.type.dtype)) {  // as stored
      std::vector<std::byte> bytes(data.size() * std::size_t(size_of(v.type.dtype)));
      store_elements(v.type.dtype, data.data(), bytes.data(), std::int64_t(data.size()));
      load_elements(v.type.dtype, bytes.data(), data.data(), std::int64_t(data.size()));
    }
    values[v.name] = data;
  }
  return values;
}

// Runs the program on the interpreter: name -> content of every tensor after the run.
Values interpret_program(const isa::Program& program, const ChipConfig& chip, const Values& inputs) {
  isa::Memory memory;
  for (const auto& t : program.tensors) {
    std::vector<std::byte> bytes = t.data;
    if (auto it = inputs.find(t.name); it != inputs.end()) {
      bytes.resize(it->second.size() * std::size_t(size_of(t.dtype)));
      store_elements(t.dtype, it->second.data(), bytes.data(), std::int64_t(it->second.size()));
    }
    if (!bytes.empty()) memory.write(t.address, bytes.data(), bytes.size());
  }
  isa::interpret(program, {chip.pe.rows, chip.pe.columns}, chip.local_store.bytes,
                 chip.reduction_engine.banks, memory);
  Values out;
  for (const auto& t : program.tensors) {
    std::vector<std::byte> bytes(std::size_t(isa::bytes(t)));
    memory.read(t.address, bytes.data(), bytes.size());
    auto& data = out[t.name];
    data.resize(std::size_t(isa::elements(t)));
    load_elements(t.dtype, bytes.data(), data.data(), std::int64_t(data.size()));
  }
  return out;
}

// Largest difference relative to the largest magnitude of the reference.
double error_of(const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  double scale = 1e-6, worst = 0;
  for (float w : want) scale = std::max(scale, double(std::fabs(w)));
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(want[i])) return INFINITY;
    worst = std::max(worst, std::fabs(double(got[i]) - double(want[i])));
  }
  return worst / scale;
}

void check(const std::string& text, double tolerance, const ChipConfig& chip = tiny(),
           std::uint32_t seed = 1) {
  INFO(text);
  const Graph graph = parse(text, "test");
  verify(graph, "test");
  const Values inputs = random_inputs(graph, seed);
  const Values want = evaluate(graph, inputs);
  const isa::Program program = lower(graph, chip, Recipe{}, Options{});
  CHECK(isa::program_from_bytes(isa::to_bytes(program), "test") == program);
  const Values got = interpret_program(program, chip, inputs);
  for (auto v : graph.outputs) {
    const auto& name = graph.value(v).name;
    INFO(name);
    CHECK(error_of(got.at(name), want.at(name)) <= tolerance);
  }
}

}  // namespace

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
