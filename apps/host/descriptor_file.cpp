#include "apps/host/descriptor_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/errors.h"

namespace leto::host {

DescriptorFile::DescriptorFile(const std::filesystem::path& path, const ChipConfig& chip)
    : path_(path), table_(read_toml(path)), chip_(parse_toml(to_toml(chip), "chip")) {}

void DescriptorFile::fail(const std::string& place, const std::string& cause, const std::string& remedy) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", place, cause), remedy);
}

void DescriptorFile::refuse_unknown(const toml::table& table, std::span<const std::string_view> keys) const {
  for (const auto& [key, node] : table)
    if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
      fail(place(path_.string(), key.source()), fmt::format("unknown key \"{}\"", key.str()),
           fmt::format("the keys are {}", fmt::join(keys, ", ")));
}

const toml::table* DescriptorFile::section(std::string_view name) const {
  const toml::node* node = table_.get(name);
  if (node && !node->is_table())
    fail(place_of(*node), fmt::format("{} has to be a section, and is {}", name, kind_of(*node)));
  return node ? node->as_table() : nullptr;
}

std::string DescriptorFile::text(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  if (!node) fail(top(), fmt::format("has no \"{}\"", key));
  const auto value = node->value_exact<std::string>();
  if (!value || value->empty())
    fail(place_of(*node), fmt::format("{} has to be a name, and is {}", key, kind_of(*node)));
  return *value;
}

std::string DescriptorFile::one_of(const toml::table& table, std::string_view key,
                                   const std::vector<std::string>& values,
                                   const std::string& otherwise) const {
  if (!otherwise.empty() && !table.contains(key)) return otherwise;
  const std::string value = text(table, key);
  if (std::find(values.begin(), values.end(), value) == values.end())
    fail(place_of(*table.get(key)), fmt::format("{} = \"{}\"", key, value),
         fmt::format("there are {}", fmt::join(values, ", ")));
  return value;
}

std::vector<std::string> DescriptorFile::texts(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  return node ? texts(*node, key) : std::vector<std::string>{};
}

std::vector<std::string> DescriptorFile::texts(const toml::node& node, std::string_view key) const {
  if (const auto one = node.value_exact<std::string>()) return {*one};
  const toml::array* list = node.as_array();
  if (!list)
    fail(place_of(node), fmt::format("{} has to be a text or a list of them, and is {}", key, kind_of(node)));
  std::vector<std::string> all;
  for (const toml::node& item : *list) {
    const auto value = item.value_exact<std::string>();
    if (!value) fail(place_of(item), fmt::format("{} holds {}, and takes texts", key, kind_of(item)));
    all.push_back(*value);
  }
  return all;
}

std::int64_t DescriptorFile::number(const toml::node& node, std::string_view what) const {
  std::optional<std::int64_t> value = node.value_exact<std::int64_t>();
  if (const auto name = node.value_exact<std::string>())
    value = chip_.at_path(*name).value_exact<std::int64_t>();
  if (!value)
    fail(place_of(node), fmt::format("{} is no whole number", what),
         "give a whole number, or the chip's key that has it, such as "
         "\"reduction_engine.elements_per_cycle\"");
  return *value;
}

std::int64_t DescriptorFile::number(const toml::table& table, std::string_view key, std::int64_t least,
                                    std::int64_t most, std::int64_t otherwise) const {
  const toml::node* node = table.get(key);
  if (!node) return otherwise;
  const std::int64_t value = number(*node, key);
  if (value < least || value > most)
    fail(place_of(*node), fmt::format("{} = {}", key, value),
         fmt::format("it is from {} to {}", least, most));
  return value;
}

}  // namespace leto::host
