// Runs a compiled program on the untimed interpreter, and compares what it leaves.
#pragma once

#include <doctest/doctest.h>

#include <cmath>

#include "compiler/compiler.h"
#include "isa/interp.h"

namespace leto::compiler::testing {

/// Name -> content of every tensor after the run.
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

}  // namespace leto::compiler::testing
