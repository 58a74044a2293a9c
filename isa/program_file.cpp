// The binary form: magic, version, ISA hash, four sections in fixed order (job, code, tensors, sources),
// checksum (FNV-1a over all before it). Numbers little endian; strings and lists carry their length in front.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/byte_stream.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "isa/program.h"

namespace leto::isa {
namespace {

constexpr std::string_view kMagic = "LETOPROG";
constexpr std::uint32_t kVersion = 4;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);

void write_job(ByteWriter& out, const Program& program) {
  out.text(program.name);
  out.text(program.chip);
  out.number(program.seed);
  out.number(program.tokens);
  out.text(program.kernel);
  out.text(program.recipe);
  out.text(program.memory_fit);
}

void read_job(ByteReader& in, Program& program) {
  program.name = in.text();
  program.chip = in.text();
  program.seed = in.number<std::uint64_t>();
  program.tokens = in.number<std::int64_t>();
  program.kernel = in.text();
  program.recipe = in.text();
  program.memory_fit = in.text();
}

void write_code(ByteWriter& out, const std::vector<Instruction>& code) {
  out.number<std::uint64_t>(code.size());
  for (const Instruction& instruction : code) out.number(encode(instruction));
}

Instruction read_instruction(ByteReader& in, int core, std::size_t pc) {
  DecodeError error;
  const auto instruction = decode(in.number<Word>(), &error);
  if (instruction) return *instruction;
  throw Error(ExitCode::illegal_program,
              fmt::format("{}: core {} word {} bit {}: {}", in.where(), core, pc, error.bit, error.message),
              "compile or assemble the program again");
}

std::vector<Instruction> read_code(ByteReader& in, int core) {
  std::vector<Instruction> code(in.count(sizeof(Word)));
  for (std::size_t pc = 0; pc < code.size(); ++pc) code[pc] = read_instruction(in, core, pc);
  return code;
}

void write_tensor(ByteWriter& out, const Tensor& tensor) {
  out.text(tensor.name);
  out.number(tensor.role);
  out.number(tensor.dtype);
  out.list(std::as_bytes(std::span(tensor.shape)));
  out.number(tensor.address);
  out.number(tensor.limit);
  out.number<std::uint8_t>(tensor.ragged);
  out.list(tensor.data);
  out.number<std::uint8_t>(tensor.draw.has_value());
  if (!tensor.draw) return;
  out.number(tensor.draw->mean);
  out.number(tensor.draw->deviation);
}

Tensor read_tensor(ByteReader& in) {
  Tensor tensor;
  tensor.name = in.text();
  tensor.role = in.enumerator<Role>(static_cast<int>(Role::scratch));
  tensor.dtype = in.enumerator<DType>(kDTypeCount - 1);
  const auto shape = in.list();
  if (shape.size() % sizeof(std::int64_t)) in.fail("a shape is cut");
  tensor.shape.resize(shape.size() / sizeof(std::int64_t));
  std::ranges::copy(shape, std::as_writable_bytes(std::span(tensor.shape)).begin());
  tensor.address = in.number<std::uint64_t>();
  tensor.limit = in.number<std::int64_t>();
  tensor.ragged = in.enumerator<bool>(1);
  const auto data = in.list();
  tensor.data.assign(data.begin(), data.end());
  if (in.enumerator<bool>(1)) {
    const auto mean = in.number<double>(), deviation = in.number<double>();
    tensor.draw = {mean, deviation};
  }
  return tensor;
}

void write_source(ByteWriter& out, const Source& source) {
  out.text(source.operation);
  out.text(source.kind);
  out.text(source.phase);
  out.number(source.useful_macs);
  out.text(source.dtype);
  out.number(source.live_hbm);
  out.number(source.live_sram);
}

Source read_source(ByteReader& in) {
  Source source;
  source.operation = in.text();
  source.kind = in.text();
  source.phase = in.text();
  source.useful_macs = in.number<std::int64_t>();
  source.dtype = in.text();
  source.live_hbm = in.number<std::int64_t>();
  source.live_sram = in.number<std::int64_t>();
  return source;
}

// Identity first, so that a file of another kind or version is told from a damaged one.
void read_identity(ByteReader& in, std::span<const std::byte> bytes) {
  const auto magic = in.take(kMagic.size());
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0)
    in.fail("not a program file", "give a file written by `leto compile` or `leto asm`");
  if (const auto version = in.number<std::uint32_t>(); version != kVersion)
    in.fail(fmt::format("version {} of the program file, this build reads {}", version, kVersion),
            "compile the model again with this build");
  const auto hash = in.number<std::uint64_t>();
  std::uint64_t stored;
  std::memcpy(&stored, bytes.data() + bytes.size() - kChecksumBytes, kChecksumBytes);
  if (stored != fnv1a(bytes.first(bytes.size() - kChecksumBytes)))
    in.fail("the checksum does not match", "the file is damaged: copy it again or compile the model again");
  if (hash != isa_hash())
    in.fail("compiled for another instruction set", "compile the model again with this build");
}

// Smallest encodings of a tensor and of a source: what bounds their counts.
constexpr std::size_t kTensorBytes = 8 + 1 + 1 + 8 + 8 + 8 + 8 + 1;
constexpr std::size_t kSourceBytes = 4 * 8 + 3 * 8;

}  // namespace

std::vector<std::byte> to_bytes(const Program& program) {
  ByteWriter out;
  out.raw(std::as_bytes(std::span(kMagic)));
  out.number(kVersion);
  out.number(isa_hash());
  write_job(out, program);
  for (const auto& code : program.code) write_code(out, code);
  out.number<std::uint64_t>(program.tensors.size());
  for (const Tensor& tensor : program.tensors) write_tensor(out, tensor);
  out.number<std::uint64_t>(program.sources.size());
  for (const Source& source : program.sources) write_source(out, source);
  return out.sealed();
}

Program program_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  constexpr std::size_t kSmallest = kMagic.size() + sizeof(kVersion) + sizeof(std::uint64_t) + kChecksumBytes;
  if (bytes.size() < kSmallest)
    ByteReader(bytes, where)
        .fail(fmt::format("{} bytes are no program", bytes.size()),
              "give a file written by `leto compile` or `leto asm`");
  ByteReader whole(bytes, where);
  read_identity(whole, bytes);
  ByteReader in(bytes.first(bytes.size() - kChecksumBytes), where);
  in.take(kSmallest - kChecksumBytes);
  Program program;
  read_job(in, program);
  for (int core = 0; core < kCores; ++core) program.code[core] = read_code(in, core);
  program.tensors.resize(in.count(kTensorBytes));
  for (Tensor& tensor : program.tensors) tensor = read_tensor(in);
  program.sources.resize(in.count(kSourceBytes));
  for (Source& source : program.sources) source = read_source(in);
  if (!in.at_end()) in.fail("bytes follow the last section");
  validate(program, where);
  return program;
}

void save(const Program& program, const std::filesystem::path& path) {
  write_atomically(path, to_bytes(program));
}

Program load(const std::filesystem::path& path) {
  return program_from_bytes(read_bytes(path), path.string());
}

}  // namespace leto::isa
