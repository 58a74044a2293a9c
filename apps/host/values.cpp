#include "apps/host/values.h"

#include <fmt/ranges.h>

#include "apps/host/memory.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/staging.h"

namespace leto::host {
namespace {

constexpr std::int64_t kShown = 4;                      // elements printed of each tensor
constexpr std::string_view kReserved = "/\\:*?\"<>|%";  // special in paths, here or on other systems
constexpr std::size_t kLongest = 180;  // bytes of a name; file systems take 255 for all of it

bool is_result(const isa::Tensor& tensor) {
  return tensor.role == isa::Role::output || tensor.role == isa::Role::loss;
}

nlohmann::json describe(const isa::Tensor& tensor, const isa::Memory& memory) {
  const auto array = to_npy(tensor, memory);
  auto head = to_floats(array);
  head.resize(static_cast<std::size_t>(std::min<std::int64_t>(kShown, std::ssize(head))));
  return {{"name", tensor.name},
          {"role", isa::name_of(tensor.role)},
          {"dtype", name_of(tensor.dtype)},
          {"shape", tensor.shape},
          {"hash", fmt::format("{:016x}", fnv1a(array.data))},
          {"first", head}};
}

}  // namespace

std::string file_of(std::string_view name) {
  std::string safe;
  for (const char c : name) {
    const bool plain = c < 0 || (c > ' ' && c != 0x7f && kReserved.find(c) == std::string_view::npos);
    if (plain && !(c == '.' && safe.empty()))
      safe += c;
    else
      safe += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (safe.size() > kLongest) safe = fmt::format("{}%~{:016x}", safe.substr(0, kLongest), fnv1a(name));
  return safe + ".npy";
}

void save_values(const isa::Program& program, const isa::Memory& memory, const std::filesystem::path& dir) {
  make_folder(dir);
  for (const auto& tensor : program.tensors)
    if (is_result(tensor)) save_npy(to_npy(tensor, memory), dir / file_of(tensor.name));
}

nlohmann::json describe_values(const isa::Program& program, const isa::Memory& memory) {
  auto all = nlohmann::json::array();
  for (const auto& tensor : program.tensors)
    if (is_result(tensor)) all.push_back(describe(tensor, memory));
  return all;
}

void print_values(const nlohmann::json& described) {
  for (const auto& entry : described)
    fmt::print("{} {}[{}] hash {}: {:.6g}{}\n", entry["name"].get<std::string>(),
               entry["dtype"].get<std::string>(),
               fmt::join(entry["shape"].get<std::vector<std::int64_t>>(), ","),
               entry["hash"].get<std::string>(), fmt::join(entry["first"].get<std::vector<double>>(), " "),
               entry["first"].size() == kShown ? " …" : "");
}

}  // namespace leto::host
