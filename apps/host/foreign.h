// Blocks that others wrote: their descriptor (docs/foreign.md), and their SystemVerilog built by Verilator as
// a shared library (rtl/foreign.h loads it).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "model/twin/stream_checker.h"
#include "rtl/foreign.h"

namespace leto::host {

struct ForeignDescriptor {
  std::string block, module;  // whose contract it keeps; its top module
  std::vector<std::filesystem::path> files;
  std::vector<std::string> parameters;  // "Name=value", as Verilator's -G takes them
  std::vector<std::string> allow;       // Verilator's warnings that do not stop the build
  std::string allow_place;              // file:line, for errors
  rtl::ForeignMap map;
  model::StreamSpec stream;
};

/// Reads a descriptor; parameters that name chip keys take their values from `chip`. Throws Error(bad_input)
/// with file:line.
ForeignDescriptor read_foreign(const std::filesystem::path& path, const ChipConfig& chip);
class DescriptorFile;
/// Its part about channels and commands; `stream` knows the block and its pins.
void read_stream(const DescriptorFile& file, model::StreamSpec& stream);

/// Gives it to Verilator in `folder`, and sees whether the descriptor fits its ports. Throws
/// Error(unsupported) without Verilator, Error(bad_input) with its first messages when it refuses the block,
/// or when a pin, a code or a beat does not fit.
void verilate_foreign(const ForeignDescriptor& block, const std::vector<rtl::ForeignPort>& pins,
                      const std::filesystem::path& folder);
/// Are codes and beats within what is joined to their pins? Throws Error(bad_input).
void check_widths(const model::StreamSpec& stream, const std::map<std::string, int>& joined);
/// Compiles what that left; the answer is the shared library. Throws Error(unsupported) without a C++
/// compiler.
std::filesystem::path compile_foreign(const ForeignDescriptor& block, const std::filesystem::path& folder);

}  // namespace leto::host
