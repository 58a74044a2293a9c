// The program file: code, memory map and source map of one job.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/dtypes.h"
#include "isa/instruction.h"

namespace leto::isa {

/// What a tensor of the memory map is to the host. State is read and written in place (parameters, moments).
enum class Role : std::uint8_t { input, parameter, state, constant, output, loss, scratch };
std::string_view name_of(Role role);

/// normal(mean, deviation) numbers, a pure function of seed and tensor name.
struct Draw {
  double mean = 0, deviation = 0;
  bool operator==(const Draw&) const = default;
};

/// A tensor's place in memory: dense, row-major.
struct Tensor {
  std::string name;
  Role role = Role::scratch;
  DType dtype = DType::fp32;
  std::vector<std::int64_t> shape;
  std::uint64_t address = 0;
  std::int64_t limit = 0;       // index inputs: valid values are [0, limit); 0 for other tensors
  std::vector<std::byte> data;  // first content, when the program carries it: constants, a model's weights
  std::optional<Draw>
      draw;             // else how the first content is drawn; with neither it is zero (inputs: the host's)
  bool ragged = false;  // index inputs: -1 is valid too, and names no row
  bool operator==(const Tensor&) const = default;
};
std::int64_t elements(const Tensor& tensor);
std::int64_t bytes(const Tensor& tensor);

/// Where a source id came from.
struct Source {
  std::string operation;  // graph node, e.g. "h3.mlp.fc"
  std::string kind;       // "matmul", "vector", "gather", …
  std::string phase;      // "forward", "loss", "backward", "optimizer"
  std::int64_t useful_macs =
      0;              // matmul MACs that the model asked for, all executions of this operation together
  std::string dtype;  // of the matmul operands ("bf16"); empty when it has none
  std::int64_t live_hbm = 0, live_sram = 0;  // bytes of device memory, of shared SRAM, in use while it runs
  bool operator==(const Source&) const = default;
};

struct Program {
  std::string name;
  std::string chip;         // chip name it was compiled for
  std::uint64_t seed = 0;   // of every stochastic draw
  std::int64_t tokens = 0;  // tokens (or samples) of a step; 0 when it means nothing
  std::string kernel;       // of a model of one operator: "softmax fp16 4096x1024"; else empty
  std::string recipe;       // the training recipe as text, for the record
  std::vector<Instruction> code[kCores];
  std::vector<Tensor> tensors;
  std::vector<Source> sources;  // index = source id
  std::string memory_fit;       // JSON object: what the placement used, for the record
  bool operator==(const Program&) const = default;
  const Tensor* find(std::string_view tensor_name) const;
  /// How many source ids there are: without a source map only 0.
  std::size_t source_ids() const { return sources.empty() ? 1 : sources.size(); }
};

/// Throws Error(illegal_program) naming `where` when the program contradicts itself: a source id beyond the
/// source map (with no map only 0 is legal), a tensor with a bad shape, data of another size than its shape,
/// or outside memory, two tensors of one name. Readers of both forms call it.
void validate(const Program& program, std::string_view where);

/// Serialises with magic, version, ISA hash and a checksum over everything before it.
std::vector<std::byte> to_bytes(const Program& program);
/// Throws Error(bad_input) naming the offset on a damaged file, Error(illegal_program) naming word and bit on
/// an illegal word; never reads past `bytes`, never allocates more than a small multiple of its size.
Program program_from_bytes(std::span<const std::byte> bytes, std::string_view where);

/// Whole-or-nothing file forms of the two above.
void save(const Program& program, const std::filesystem::path& path);
Program load(const std::filesystem::path& path);

/// Assembler source of a whole program: directives (`.name`, `.chip`, `.seed`, `.tensor …`, `.source …`,
/// `.core 0`) and one instruction a line. assemble(disassemble(p)) == p.
std::string disassemble(const Program& program);
Program assemble(std::string_view text, std::string_view where);

}  // namespace leto::isa
