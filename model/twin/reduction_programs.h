// Random commands of a reduction engine as a PE would start them: all operations and types, any bits, edges
// of the narrow types, ties and what lies beside them, stalls, with and without gaps. What kinds came is
// counted.
#pragma once

#include <map>
#include <random>

#include "model/reduction_engine/reduction_engine.h"
#include "model/twin/reduction_checker.h"

namespace leto::model {

class ReductionPrograms {
 public:
  /// `ordinary`: numbers without NaN, infinity or subnormals only.
  ReductionPrograms(const ChipConfig& chip, std::uint64_t seed, bool ordinary = false)
      : config_(chip.reduction_engine), engine_(chip.reduction_engine), ordinary_(ordinary), random_(seed) {}

  ReductionRun next();

  std::map<std::string, int> arms;
  std::map<std::string, int> edges;  // elements to be narrowed, by type and where in its rounding they lie

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }
  std::uint32_t element(std::size_t kind, DType type);
  std::vector<std::uint32_t> elements(int count, DType type);
  void add_terms(ReductionRun& run);
  void fill(ReductionRun& run);
  void time(ReductionRun& run);

  ReductionEngineConfig config_;
  ReductionEngine engine_;
  bool ordinary_;
  std::mt19937_64 random_;
  int m_ = 1, n_ = 1, commands_ = 0;
  Cycle finish_ = 100;
};

}  // namespace leto::model
