#include "apps/host/memory.h"

#include <algorithm>

#include "apps/host/samples.h"
#include "base/errors.h"
#include "compiler/reference/initial.h"
#include "compiler/row_plan.h"

namespace leto::host {
namespace {

constexpr std::int64_t kChunk = 1 << 16;                    // elements converted at a time
constexpr std::int64_t kHostBytes = std::int64_t{4} << 30;  // most that values may fill
constexpr double kCopyBytes = 8;  // per element of the one tensor in work: as fp32, and as the array to write

void store_integer(DType type, std::byte* base, std::int64_t i, std::int64_t value) {
  if (type == DType::int64)
    std::copy_n(reinterpret_cast<const std::byte*>(&value), 8, base + i * 8);
  else if (type == DType::int32)
    std::copy_n(reinterpret_cast<const std::byte*>(&value), 4, base + i * 4);
  else
    store_element(type, base, i, static_cast<float>(value));
}

/// Produces a tensor chunk by chunk, so that no tensor is ever held twice: make(first, count, to).
template <class Make>
void write_chunks(const isa::Tensor& tensor, isa::Memory& memory, Make make) {
  const auto width = size_of(tensor.dtype);
  const auto count = isa::elements(tensor);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(count, kChunk) * width));
  for (std::int64_t first = 0; first < count; first += kChunk) {
    const auto n = std::min(kChunk, count - first);
    make(first, n, bytes.data());
    memory.write(tensor.address + static_cast<std::uint64_t>(first * width), bytes.data(),
                 static_cast<std::size_t>(n * width));
  }
}

void check_indices(const isa::Tensor& tensor, std::span<const std::int64_t> values) {
  if (tensor.limit <= 0) return;
  for (const auto value : values)
    if (value < (tensor.ragged ? -1 : 0) || value >= tensor.limit)
      throw Error(
          ExitCode::bad_input,
          fmt::format("input '{}': index {} is outside [0, {})", tensor.name, value, tensor.limit),
          tensor.ragged ? "give indices below the limit, or -1 for none" : "give indices below the limit");
}

/// Extents of one say nothing of the order of the elements: a shape with them fits one without.
std::vector<std::int64_t> without_ones(std::vector<std::int64_t> shape) {
  std::erase(shape, 1);
  return shape;
}

void write_given(const isa::Tensor& tensor, const NpyArray& array, isa::Memory& memory) {
  if (without_ones(array.shape) != without_ones(tensor.shape))
    throw Error(ExitCode::bad_input,
                fmt::format("input '{}': the file has shape [{}], the program wants [{}]", tensor.name,
                            fmt::join(array.shape, ","), fmt::join(tensor.shape, ",")),
                "give an array of the program's shape");
  if (is_float(tensor.dtype)) return write(tensor, to_floats(array), memory);
  write(tensor, to_integers(array, tensor.name), memory);
}

/// What a bare program says of a tensor.
compiler::Value described(const isa::Tensor& tensor) {
  compiler::Value value;
  value.name = tensor.name;
  value.type = {tensor.dtype, tensor.shape};
  value.limit = tensor.limit;
  if (const auto& draw = tensor.draw) {
    value.drawn = true;
    value.mean = draw->mean;
    value.deviation = draw->deviation;
  }
  if (tensor.role == isa::Role::input) value.role = compiler::Role::input;
  return value;
}

/// As the model says, else as the program does.
void write_initial(const isa::Tensor& tensor, const Contents& contents, isa::Memory& memory) {
  if (contents.step != nullptr) {
    const auto& values = contents.step->values;
    const auto found =
        std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.name == tensor.name; });
    if (found != values.end()) return write(tensor, compiler::initial_content(*found, contents.seed), memory);
  }
  write(tensor, compiler::initial_content(described(tensor), contents.seed), memory);
}

void write_first(const isa::Tensor& tensor, const Contents& contents, isa::Memory& memory) {
  using isa::Role;
  if (const auto given = contents.given.find(tensor.name); given != contents.given.end())
    return write_given(tensor, given->second, memory);
  if (!tensor.data.empty()) return memory.write(tensor.address, tensor.data.data(), tensor.data.size());
  if (tensor.role == Role::scratch || tensor.role == Role::output || tensor.role == Role::loss) return;
  if (tensor.role == Role::input && tensor.limit > 0)  // not through floats: rows may lie beyond 2^24
    return write(
        tensor,
        draw_lookups(contents.lookups, isa::elements(tensor), tensor.limit, contents.seed, tensor.name),
        memory);
  if (contents.values || (tensor.role == Role::input && !is_float(tensor.dtype)))
    write_initial(tensor, contents, memory);
}

void check_names(const isa::Program& program, const Contents& contents) {
  for (const auto& [name, array] : contents.given)
    if (program.find(name) == nullptr)
      throw Error(ExitCode::usage, fmt::format("--inputs {}: the program has no tensor of that name", name),
                  "leto disasm lists the program's tensors");
}

/// Bytes that the host fills: a damaged or huge program must not take the machine down.
void check_size(const isa::Program& program, const Contents& contents) {
  double bytes = 0, largest = 0;
  for (const auto& tensor : program.tensors) {
    const bool decides = tensor.role == isa::Role::input && !is_float(tensor.dtype);  // where memory is read
    if (tensor.role == isa::Role::scratch || (!contents.values && !decides)) continue;
    bytes += static_cast<double>(isa::bytes(tensor));
    largest = std::max(largest, static_cast<double>(isa::elements(tensor)) * kCopyBytes);
  }
  bytes += largest;
  if (bytes > static_cast<double>(kHostBytes))
    throw Error(ExitCode::resource,
                fmt::format("the tensors' values need {:.1f} GB of host memory", bytes * 1e-9),
                "run with --values off, or take a smaller model");
}

}  // namespace

std::filesystem::path lookup_histogram() {
  return traces() / "embeddings" / "locality_stats_2022.txt";
}

std::map<std::string, NpyArray> load_given(const std::vector<std::string>& arguments) {
  std::map<std::string, NpyArray> given;
  for (const auto& argument : arguments) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ExitCode::usage, fmt::format("--inputs {}: not NAME=FILE.npy", argument),
                  "write --inputs x=x.npy");
    given.insert_or_assign(argument.substr(0, equals), load_npy(argument.substr(equals + 1)));
  }
  return given;
}

void prepare(const isa::Program& program, const Contents& contents, isa::Memory& memory) {
  check_names(program, contents);
  check_size(program, contents);
  for (const auto& tensor : program.tensors) write_first(tensor, contents, memory);
  plan_lookups(program, memory);
}

void plan_lookups(const isa::Program& program, isa::Memory& memory) {
  for (const auto& tensor : program.tensors) {
    const auto planned = compiler::planned_input(tensor.name);
    if (!planned || tensor.role != isa::Role::input) continue;
    const auto& index = tensor_of(program, planned->index_input);
    const auto lookups = to_integers(to_npy(index, memory), index.name);
    write(tensor, planned->from(lookups), memory);
  }
}

void write(const isa::Tensor& tensor, std::span<const float> values, isa::Memory& memory) {
  if (std::ssize(values) != isa::elements(tensor))
    throw Error(ExitCode::internal,
                fmt::format("tensor '{}' has {} elements, {} were given", tensor.name, isa::elements(tensor),
                            values.size()),
                "this is a defect of leto: please report it");
  write_chunks(tensor, memory, [&](std::int64_t first, std::int64_t n, std::byte* to) {
    store_elements(tensor.dtype, values.data() + first, to, n);
  });
}

void write(const isa::Tensor& tensor, std::span<const std::int64_t> values, isa::Memory& memory) {
  check_indices(tensor, values);
  write_chunks(tensor, memory, [&](std::int64_t first, std::int64_t n, std::byte* to) {
    for (std::int64_t i = 0; i < n; ++i)
      store_integer(tensor.dtype, to, i, values[static_cast<std::size_t>(first + i)]);
  });
}

std::vector<float> read(const isa::Tensor& tensor, const isa::Memory& memory) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(isa::bytes(tensor)));
  memory.read(tensor.address, bytes.data(), bytes.size());
  std::vector<float> values(static_cast<std::size_t>(isa::elements(tensor)));
  load_elements(tensor.dtype, bytes.data(), values.data(), std::ssize(values));
  return values;
}

NpyArray to_npy(const isa::Tensor& tensor, const isa::Memory& memory) {
  if (is_float(tensor.dtype)) return npy_from_floats(read(tensor, memory), tensor.shape);
  const auto type = tensor.dtype == DType::int64   ? NpyType::i8
                    : tensor.dtype == DType::int32 ? NpyType::i4
                                                   : NpyType::i1;
  NpyArray array{type, tensor.shape, std::vector<std::byte>(static_cast<std::size_t>(isa::bytes(tensor)))};
  memory.read(tensor.address, array.data.data(), array.data.size());
  return array;
}

const isa::Tensor& tensor_of(const isa::Program& program, std::string_view name) {
  if (const auto* tensor = program.find(name)) return *tensor;
  throw Error(ExitCode::bad_input, fmt::format("program '{}' has no tensor '{}'", program.name, name),
              "leto disasm lists the program's tensors");
}

namespace {

/// A step counts each index as a token; of a recommender's bags it counts the samples.
bool are_tokens(const isa::Tensor& index, std::int64_t tokens_of_step) {
  const std::int64_t count = isa::elements(index);
  return !index.ragged && count > 0 && (tokens_of_step == 0 || tokens_of_step % count == 0);
}

}  // namespace

std::int64_t sequence(const isa::Program& program) {
  for (const auto& tensor : program.tensors)
    if (tensor.role == isa::Role::input && tensor.limit > 0 && tensor.shape.size() == 2)
      return are_tokens(tensor, program.tokens) ? tensor.shape.back() : 0;
  return 0;
}

const isa::Tensor* first_of(const isa::Program& program, isa::Role role) {
  const auto found = std::find_if(program.tensors.begin(), program.tensors.end(),
                                  [&](const auto& tensor) { return tensor.role == role; });
  return found == program.tensors.end() ? nullptr : &*found;
}

}  // namespace leto::host
