// Tuning: kernels whose plan may be chosen by measuring instead of by the cost model alone. The compiler says
// what there is to choose from; who can measure answers (apps/host/tune.h).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/compiler.h"

namespace leto::compiler {

/// A kernel of a model, and every kernel like it.
struct Tunable {
  /// Its name says what it is: kind, shapes, types, layouts, which operands lie in SRAM. Nothing of the
  /// model, so that another model's kernel has the same.
  std::string kernel;
  int candidates = 1;  // plans that there are, the cost model's favourite first
  /// A program of this kernel alone, by plan `candidate`.
  std::function<isa::Program(int candidate)> alone;
};

/// By the name of a kernel, which of its candidates it takes; one that is not named takes the first.
using Choices = std::map<std::string, int>;

/// Who chooses: asked with all kernels of a program that have more than one candidate, once each.
struct Tuning {
  int candidates = 2;  // of a kernel, at most
  std::function<Choices(const std::vector<Tunable>&)> choose;
};

/// As compiler.h's, which takes every kernel's first candidate.
isa::Program lower(const Graph& step, const ChipConfig& chip, const Recipe& recipe, const Options& options,
                   const Tuning& tuning);

}  // namespace leto::compiler
