#include "isa/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/errors.h"

namespace leto::isa {
namespace {

constexpr std::string_view kRoles[] = {"input",  "parameter", "state",  "constant",
                                       "output", "loss",      "scratch"};

// Largest tensor: what memory can address.
constexpr std::int64_t kMaxBytes = static_cast<std::int64_t>(2 * kSramBase);

[[noreturn]] void illegal(std::string_view where, const std::string& cause) {
  throw Error(ExitCode::illegal_program, fmt::format("{}: {}", where, cause),
              "compile or assemble the program again");
}

// Largest count of MACs or tokens: exact in a double, and far from overflow when steps multiply it.
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;

bool is_count(std::int64_t value) {
  return value >= 0 && value <= kMostCount;
}

bool shape_fits(const Tensor& tensor) {
  std::int64_t count = size_of(tensor.dtype);
  for (std::int64_t dim : tensor.shape) {
    if (dim < 0 || (dim > 0 && count > kMaxBytes / dim)) return false;
    count *= dim;
  }
  return true;
}

void validate_tensor(const Tensor& tensor, std::string_view where) {
  if (!shape_fits(tensor)) illegal(where, fmt::format("tensor {} has an impossible shape", tensor.name));
  const auto size = static_cast<std::uint64_t>(bytes(tensor));
  if (tensor.address > 2 * kSramBase || tensor.address + size > 2 * kSramBase)
    illegal(where, fmt::format("tensor {} at address {} lies outside memory", tensor.name, tensor.address));
  if (!tensor.data.empty() && tensor.data.size() != size)
    illegal(where, fmt::format("tensor {} has {} bytes of data for a shape of {}", tensor.name,
                               tensor.data.size(), size));
  if (tensor.draw && !(std::isfinite(tensor.draw->mean) && std::isfinite(tensor.draw->deviation) &&
                       tensor.draw->deviation >= 0))
    illegal(where, fmt::format("tensor {} is drawn from normal({}, {})", tensor.name, tensor.draw->mean,
                               tensor.draw->deviation));
}

void validate_source(const Source& source, std::string_view where) {
  if (!is_count(source.useful_macs))
    illegal(where, fmt::format("source {} claims {} useful MACs", source.operation, source.useful_macs));
  if (!is_count(source.live_hbm) || !is_count(source.live_sram))
    illegal(where, fmt::format("source {} claims {} and {} bytes of memory in use", source.operation,
                               source.live_hbm, source.live_sram));
  const bool typed = dtype_from_name(source.dtype).has_value();
  if (!typed && (!source.dtype.empty() || source.useful_macs > 0))
    illegal(where, fmt::format("source {} has the unknown type '{}'", source.operation, source.dtype));
}

}  // namespace

std::string_view name_of(Role role) {
  return kRoles[static_cast<std::size_t>(role)];
}

std::int64_t elements(const Tensor& tensor) {
  std::int64_t count = 1;
  for (std::int64_t dim : tensor.shape) count *= dim;
  return count;
}

std::int64_t bytes(const Tensor& tensor) {
  return elements(tensor) * size_of(tensor.dtype);
}

const Tensor* Program::find(std::string_view tensor_name) const {
  const auto found = std::ranges::find(tensors, tensor_name, &Tensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

void validate(const Program& program, std::string_view where) {
  std::set<std::string_view> names;
  for (const Tensor& tensor : program.tensors) {
    if (!names.insert(tensor.name).second)
      illegal(where, fmt::format("two tensors are named {}", tensor.name));
    validate_tensor(tensor, where);
  }
  if (program.tokens < -kMostCount || program.tokens > kMostCount)
    illegal(where, fmt::format("a step of {} tokens", program.tokens));
  std::int64_t macs = 0;
  for (const Source& source : program.sources) {
    validate_source(source, where);
    macs += source.useful_macs;
    if (!is_count(macs)) illegal(where, fmt::format("{} useful MACs in all", macs));
  }
  const std::size_t sources = program.source_ids();
  for (int core = 0; core < kCores; ++core)
    for (std::size_t pc = 0; pc < program.code[core].size(); ++pc)
      if (program.code[core][pc].source >= sources)
        illegal(where, fmt::format("core {} pc {} comes from source {}, the source map has {}", core, pc,
                                   program.code[core][pc].source, program.sources.size()));
}

}  // namespace leto::isa
