// Random matmuls as a PE would start them: all types, any bits, signed zeros, with and without accumulators,
// gaps and stalls. What kinds came is counted.
#pragma once

#include <map>
#include <random>

#include "model/matrix_engine/matrix_engine.h"
#include "model/twin/matrix_checker.h"
#include "model/twin/stream_spec.h"

namespace leto::model {

/// What a block that is not rtl/'s can be given.
struct MatrixLimits {
  Extent m{1, 64}, n{1, 70}, k{1, 150};
  std::vector<DType> types = {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};
  bool mixes = true;        // types of the two operands
  bool ordinary = false;    // only numbers whose products and sums are normal
  bool goes_on = true;      // not every command begins from zero …
  bool keeps_sums = false;  // … and accumulators are what the command before left: in the block
  bool apart = false;       // each finds the engine idle, and nothing stalls it
};

class MatrixPrograms {
 public:
  MatrixPrograms(const MatrixEngineConfig& engine, std::uint64_t seed, const MatrixLimits& limits = {})
      : config_(engine), engine_(engine), limits_(limits), random_(seed) {}

  MatrixRun next();

  std::map<std::string, int> arms;

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  void note(const std::string& arm) { ++arms[arm]; }
  DType type() {
    return limits_.types[static_cast<std::size_t>(below(static_cast<int>(limits_.types.size())))];
  }
  int size(const Extent& extent, int usual);
  void shape(MatrixRun& run);
  std::uint16_t element(DType type, bool wild);
  std::uint16_t tie(DType type, int k);
  std::uint16_t small(DType type, DType other);
  void fill(MatrixRun& run);
  void time(MatrixRun& run);

  MatrixEngineConfig config_;
  MatrixEngine engine_;
  MatrixLimits limits_;
  std::mt19937 random_;
  Cycle finish_ = 100;
  bool zeros_ = false;
  int commands_ = 0;
  MatrixRun last_;  // its size and sums, where they stay
};

}  // namespace leto::model
