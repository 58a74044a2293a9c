// A graph lowered, run on the untimed interpreter, and compared with what the graph says.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "compiler/compiler.h"
#include "isa/interp.h"

namespace leto::compiler::test {

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

/// Runs the program on the interpreter: name -> content of every tensor after the run.
inline Values interpret_program(const isa::Program& program, const ChipConfig& chip, const Values& inputs) {
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

/// Largest difference relative to the largest magnitude of the reference.
inline double error_of(const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  double scale = 1e-6, worst = 0;
  for (float w : want) scale = std::max(scale, double(std::fabs(w)));
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(want[i])) return INFINITY;
    worst = std::max(worst, std::fabs(double(got[i]) - double(want[i])));
  }
  return worst / scale;
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
