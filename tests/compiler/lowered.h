// A graph lowered, run on the untimed interpreter, and compared with what the graph says.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "compiler/compiler.h"
#include "tests/compiler/program_values.h"

namespace leto::compiler::test {

using testing::error_of;
using testing::interpret_program;

inline ChipConfig tiny() {
  return load_chip("tiny");
}

inline Values random_inputs(const Graph& graph, std::uint32_t seed) {
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

inline void check(const std::string& text, double tolerance, const ChipConfig& chip = tiny(),
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

}  // namespace leto::compiler::test
