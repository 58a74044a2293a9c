// The host's side of a program's memory: what it writes before a step and reads after one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/lookups.h"
#include "base/npy.h"
#include "compiler/compiler.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace leto::host {

/// Where the first content of memory comes from.
struct Contents {
  std::map<std::string, NpyArray> given;  // --inputs NAME=F.npy
  const compiler::Graph* step =
      nullptr;  // initial values of parameters and state; nullptr: only the program is known
  std::uint64_t seed = 1;
  bool values = true;   // off: only index inputs and constants matter, the rest stays zero
  LookupLaw lookups{};  // of index inputs that are not given
};

/// What --lookups production draws by.
std::filesystem::path lookup_histogram();

/// Reads `NAME=F.npy` arguments; Error(usage) when one has no `=`.
std::map<std::string, NpyArray> load_given(const std::vector<std::string>& arguments);

/// Writes constants, parameters, state and inputs; what is not given starts as compiler/reference/initial.h
/// says. Error(usage) when a given name is no tensor of the program, Error(bad_input) when its shape or an
/// index is wrong, Error(resource) when the values would not fit the host.
void prepare(const isa::Program& program, const Contents& contents, isa::Memory& memory);

/// Writes the inputs that follow from the index inputs as they are in memory (compiler/row_plan.h).
void plan_lookups(const isa::Program& program, isa::Memory& memory);

/// Writes a whole tensor; `values` has its element count.
void write(const isa::Tensor& tensor, std::span<const float> values, isa::Memory& memory);
void write(const isa::Tensor& tensor, std::span<const std::int64_t> values, isa::Memory& memory);
/// Reads a whole tensor as numbers.
std::vector<float> read(const isa::Tensor& tensor, const isa::Memory& memory);
/// As .npy: f4 for every float type, integers in their own type.
NpyArray to_npy(const isa::Tensor& tensor, const isa::Memory& memory);

/// The tensor of a program, or Error(bad_input) naming it.
const isa::Tensor& tensor_of(const isa::Program& program, std::string_view name);
/// Tokens of a sequence: the last extent of the first index input of rank two ("tokens" [batch, sequence]); 0
/// when there is none, or when it holds a recommender's lookups.
std::int64_t sequence(const isa::Program& program);
/// The first tensor with a role, or nullptr.
const isa::Tensor* first_of(const isa::Program& program, isa::Role role);

}  // namespace leto::host
