#include "apps/host/values.h"

#include <fmt/ranges.h>

#include "apps/host/memory.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace leto::host {
namespace {

constexpr std::int64_t kShown = 4;  // elements printed of each tensor

bool is_result(const isa::Tensor& tensor) {
  return tensor.role == isa::Role::output || tensor.role == isa::Role::loss;
}

std::string file_name(std::string_view name) {
  std::string safe(name);
  for (auto& c : safe)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_' && c != '-') c = '_';
  return safe + ".npy";
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

void make_folder(const std::filesystem::path& dir) {
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed || !std::filesystem::is_directory(dir, failed))
    throw Error(ExitCode::resource, fmt::format("{}: the folder cannot be created", dir.string()),
                "choose another --out, or check permissions and space");
}

void save_values(const isa::Program& program, const isa::Memory& memory, const std::filesystem::path& dir) {
  make_folder(dir);
  for (const auto& tensor : program.tensors)
    if (is_result(tensor)) save_npy(to_npy(tensor, memory), dir / file_name(tensor.name));
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
