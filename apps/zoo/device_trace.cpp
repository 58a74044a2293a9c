#include "apps/zoo/device_trace.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/host/packed_file.h"
#include "apps/host/samples.h"

namespace leto::zoo {
namespace {

// Columns of the file.
enum Column { kDeviceUs = 1, kKernel = 2, kHostUs = 6, kAten = 7, kShapes = 9, kTypes = 10, kColumns = 11 };

/// Fields between commas; one in quotes holds commas, and a quote as two.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool twice = quoted && line.substr(i, 2) == "\"\"";
    if (line[i] == '"' && !twice)
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
    if (twice) ++i;
  }
  return fields;
}

std::vector<DeviceOperation> read(const std::filesystem::path& path) {
  const std::string text = host::gunzip(path);
  std::vector<DeviceOperation> operations;
  std::map<std::vector<std::string>, std::size_t> known;
  for (auto at = text.find('\n') + 1; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto fields = fields_of(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (fields.size() != kColumns) host::damaged(path, fmt::format("a line of {} fields", fields.size()));
    const auto [where, first] = known.try_emplace(
        {fields[kKernel], fields[kAten], fields[kShapes], fields[kTypes]}, operations.size());
    if (first)
      operations.push_back({fields[kKernel],
                            fields[kAten],
                            nlohmann::json::parse(fields[kShapes]).get<std::vector<Shape>>(),
                            nlohmann::json::parse(fields[kTypes]).get<std::vector<std::string>>(),
                            {},
                            {}});
    operations[where->second].device_us.push_back(std::strtod(fields[kDeviceUs].c_str(), nullptr));
    operations[where->second].host_us.push_back(std::strtod(fields[kHostUs].c_str(), nullptr));
  }
  return operations;
}

}  // namespace

std::string DeviceOperation::name() const {
  return kernel.substr(0, kernel.find("-dtype_"));
}

std::int64_t DeviceOperation::listed() const {
  constexpr std::string_view kKey = "-extraKey_";
  const auto at = kernel.find(kKey);
  return at == std::string::npos ? 1 : std::atoll(kernel.c_str() + at + kKey.size());
}

std::string DeviceOperation::operands() const {
  std::string text;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i].empty() || types[i] == "Scalar") continue;
    text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ", fmt::join(shapes[i], "x"),
                        shapes[i].empty() ? "" : " ", types[i]);
  }
  return text;
}

const std::vector<DeviceOperation>& artemis_step() {
  static const auto kStep = read(host::traces() / "artemis" / "train_step_device_ops.csv.gz");
  return kStep;
}

}  // namespace leto::zoo
