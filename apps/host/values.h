// The values a program leaves: outputs and loss, as .npy files and as a summary.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "isa/machine.h"
#include "isa/program.h"

namespace leto::host {

/// The file of a tensor: NAME.npy. No two names share one: bytes that a path gives a meaning, and control
/// characters, become %XX, and a name too long for a file system ends in a hash of all of it.
std::string file_of(std::string_view name);

/// Writes DIR/NAME.npy for every output and loss.
void save_values(const isa::Program& program, const isa::Memory& memory, const std::filesystem::path& dir);

/// One entry an output or loss: name, role, dtype, shape, hash of its bytes, and the first elements.
nlohmann::json describe_values(const isa::Program& program, const isa::Memory& memory);

/// The same as lines for people.
void print_values(const nlohmann::json& described);

}  // namespace leto::host
