// The twins of a chip, and how a PE hands them its matmuls.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "isa/machine.h"
#include "isa/program.h"
#include "model/twin/matrix_checker.h"

namespace leto::model {

/// Of one PE's matrix engine.
class MatrixTwin {
 public:
  MatrixTwin(const MatrixEngineConfig& engine, const TwinSpec& spec, const std::string& instance,
             std::uint64_t seed, const isa::Program& program)
      : program_(program), checker_(engine, spec, instance, seed) {}

  struct Timing {
    Cycle start, finish, held_ready, stall;
  };
  /// Around isa::execute of a begun matmul.
  void before(const isa::Command& matmul, isa::PeState& pe, const Timing& timing);
  void after(const isa::Command& matmul, isa::PeState& pe);
  void flush() { checker_.flush(); }

  const MatrixChecker& checker() const { return checker_; }

 private:
  void capture(const isa::Command& matmul, isa::PeState& pe, const Timing& timing);

  const isa::Program& program_;
  MatrixChecker checker_;
  MatrixRun run_;
  bool wanted_ = false;
};

class Twins {
 public:
  /// Throws Error(usage) on a pattern that fits no instance, Error(unsupported) when values are off or there
  /// is no RTL. The last pattern that fits an instance counts.
  Twins(const std::vector<TwinSpec>& specs, const ChipConfig& chip, const isa::Program& program, bool values,
        std::uint64_t seed);

  /// Null: the model alone.
  MatrixTwin* matrix(int pe) const;
  void flush();
  std::map<std::string, TwinCount> count() const;
  /// A line for each planted fault whose cycle never came.
  std::vector<std::string> notes() const;

 private:
  std::map<int, std::pair<std::string, std::unique_ptr<MatrixTwin>>> matrix_;  // by PE
};

}  // namespace leto::model
