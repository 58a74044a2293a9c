// The values a program leaves: outputs and loss, as .npy files and as a summary.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "isa/machine.h"
#include "isa/program.h"

namespace leto::host {

/// Writes DIR/NAME.npy for every output and loss (characters other than letters, digits, '.', '_', '-' become
/// '_').
void save_values(const isa::Program& program, const isa::Memory& memory, const std::filesystem::path& dir);

/// One entry an output or loss: name, role, dtype, shape, hash of its bytes, and the first elements.
nlohmann::json describe_values(const isa::Program& program, const isa::Memory& memory);

/// The same as lines for people.
void print_values(const nlohmann::json& described);

/// Creates a folder and its parents; Error(resource) when that fails.
void make_folder(const std::filesystem::path& dir);

}  // namespace leto::host
