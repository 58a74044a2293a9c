// Contents of values that nobody supplied: what a model's parameters, its optimizer's state and undescribed
// inputs start from. A pure function of seed, name and type, so that every tool draws the same model.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/graph.h"

namespace leto::compiler {

/// Data the value carries, else a draw for a drawn value, else zeros for parameters and state, else for
/// inputs: uniform integers below `limit`, or normal(0, 1) numbers. Rounded to the value's type.
std::vector<float> initial_content(const Value& value, std::uint64_t seed);

}  // namespace leto::compiler
