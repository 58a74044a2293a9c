// Random commands of a vector engine's lookup path, with random cycles in which nothing is offered or taken.
// What kinds came is counted.
#pragma once

#include <map>
#include <random>

#include "model/twin/lookup_checker.h"

namespace leto::model {

/// What a block that is not rtl/'s can be given.
struct LookupLimits {
  bool ordinary = false;  // only numbers from -20 to 20
  bool plain = false;     // one row, and nothing is late
};

class LookupPrograms {
 public:
  LookupPrograms(const ChipConfig& chip, std::uint64_t seed, const LookupLimits& limits = {})
      : engine_(chip.vector_engine), limits_(limits), random_(seed) {}

  LookupRun next();

  std::map<std::string, int> arms;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }
  std::uint32_t element(std::size_t kind);
  std::uint32_t beside_tie(isa::VectorOp op, DType type);
  void time(LookupRun& run, std::size_t rows);

  VectorEngineConfig engine_;
  LookupLimits limits_;
  std::mt19937_64 random_;
  Cycle finish_ = 100;
};

}  // namespace leto::model
