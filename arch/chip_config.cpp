#include "arch/chip_config.h"

#include <fmt/format.h>

#include <cmath>

#include "arch/chip_text.h"
#include "arch/config_keys.h"
#include "arch/toml_file.h"
#include "arch/validate.h"
#include "base/errors.h"
#include "base/hash.h"

namespace leto {
namespace {

std::string full_name(const ConfigKey& key) {
  return key.section.empty() ? std::string(key.key) : fmt::format("{}.{}", key.section, key.key);
}

[[noreturn]] void fail(const std::string& where, const std::string& what, const std::string& remedy) {
  throw Error(ExitCode::bad_input, where + ": " + what, remedy);
}

/// Writes one TOML value into its slot: type, range, finiteness.
struct Assign {
  const ConfigKey& key;
  const toml::node& node;
  const std::string& where;

  void operator()(std::string* to) const { *to = expect<std::string>("a string"); }
  void operator()(bool* to) const { *to = expect<bool>("true or false"); }
  void operator()(double* to) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value) wrong_kind("a number");
    *to = in_range(*value);
  }
  template <typename Integer>
  void operator()(Integer* to) const {
    const std::int64_t value = expect<std::int64_t>("a whole number");
    in_range(static_cast<double>(value));
    *to = static_cast<Integer>(value);
  }

  template <typename T>
  T expect(std::string_view wanted) const {
    const auto value = node.value_exact<T>();
    if (!value) wrong_kind(wanted);
    return *value;
  }
  [[noreturn]] void wrong_kind(std::string_view wanted) const {
    fail(where, fmt::format("{} must be {}, not {}", full_name(key), wanted, kind_of(node)),
         fmt::format("give {} ({})", wanted, key.doc));
  }
  double in_range(double value) const {
    if (std::isfinite(value) && value >= key.least && value <= key.most) return value;
    fail(where, fmt::format("{} = {} is outside {} to {}", full_name(key), value, key.least, key.most),
         fmt::format("{}: {}", key.unit.empty() ? "give a share or count in the range" : key.unit, key.doc));
  }
};

void assign(const ConfigKey& key, const toml::node& node, const std::string& where, ChipConfig& chip,
            Places& places) {
  std::visit(Assign{key, node, where}, key.slot(chip));
  places[full_name(key)] = where;
}

std::string keys_of(std::string_view section) {
  std::string out;
  for (const ConfigKey& key : config_keys())
    if (key.section == section) out += fmt::format("{}{}", out.empty() ? "" : ", ", key.key);
  return out;
}

/// Reads a whole section: every key known, every key there.
void read_section(std::string_view section, const toml::table& table, const std::string& file,
                  ChipConfig& chip, Places& places) {
  for (const auto& [name, node] : table) {
    const ConfigKey* key = find_key(section, name.str());
    if (!key)
      fail(place(file, name.source()), fmt::format("unknown key {}.{}", section, name.str()),
           fmt::format("keys of [{}]: {}", section, keys_of(section)));
    assign(*key, node, place(file, name.source()), chip, places);
  }
  for (const ConfigKey& key : config_keys())
    if (key.section == section && !table.contains(key.key))
      fail(place(file, table.source()), fmt::format("missing key {}", full_name(key)),
           fmt::format("add `{} = …` ({})", key.key, key.doc));
}

std::string read_text_key(const toml::table& table, std::string_view key, const std::string& file) {
  const toml::node* node = table.get(key);
  if (!node)
    fail(file + ":1", fmt::format("missing key {}", key), fmt::format("add `{} = \"…\"` at the top", key));
  const auto value = node->value_exact<std::string>();
  if (!value || value->empty())
    fail(place(file, node->source()), fmt::format("{} must be a string that is not empty", key),
         "write it in quotes");
  return *value;
}

void reject_unknown_sections(const toml::table& table, const std::string& file) {
  for (const auto& [name, node] : table) {
    if (name.str() == "name" || name.str() == "description") continue;
    bool known = false;
    std::string all;
    for (const ConfigSection& section : config_sections()) {
      known = known || section.name == name.str();
      all += fmt::format("{}{}", all.empty() ? "" : ", ", section.name);
    }
    if (!known)
      fail(place(file, name.source()), fmt::format("unknown section or key {}", name.str()),
           "sections: " + all);
    if (!node.is_table())
      fail(place(file, name.source()), fmt::format("{} must be a section, not {}", name.str(), kind_of(node)),
           fmt::format("write [{}] and its keys below", name.str()));
  }
}

void read_sections(const toml::table& table, const std::string& file, ChipConfig& chip, Places& places) {
  reject_unknown_sections(table, file);
  chip.name = read_text_key(table, "name", file);
  chip.description = read_text_key(table, "description", file);
  for (const ConfigSection& section : config_sections()) {
    const toml::table* found = table[section.name].as_table();
    if (!found && section.name == "dram") continue;
    if (!found)
      fail(file + ":1", fmt::format("missing section [{}]", section.name),
           fmt::format("add it with its keys: {}", keys_of(section.name)));
    read_section(section.name, *found, file, chip, places);
  }
}

/// `section.key=value` of the command line.
struct Override {
  const ConfigKey* key;
  std::string value, where;
};

Override parse_override(const std::string& text) {
  const std::string where = "--set " + text;
  const auto equals = text.find('='), dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals)
    fail(where, "not of the form section.key=value", "for example --set pe.rows=16");
  const std::string section = text.substr(0, dot), name = text.substr(dot + 1, equals - dot - 1);
  const ConfigKey* key = find_key(section, name);
  if (!key) {
    const std::string known = keys_of(section);
    fail(where, fmt::format("unknown key {}.{}", section, name),
         known.empty() ? "docs/config.md lists sections and keys"
                       : fmt::format("keys of [{}]: {}", section, known));
  }
  return {key, text.substr(equals + 1), where};
}

void apply(const Override& change, ChipConfig& chip, Places& places) {
  ChipConfig any;
  const bool text = std::holds_alternative<std::string*>(change.key->slot(any));
  toml::table table;
  try {
    table = parse_toml("value = " + (text ? toml_string(change.value) : change.value), change.where);
  } catch (const Error&) {
    fail(change.where, fmt::format("'{}' is not a value", change.value),
         fmt::format("give {}", change.key->doc));
  }
  if (table.size() != 1) fail(change.where, "more than one value", "give one value");
  assign(*change.key, *table.get("value"), change.where, chip, places);
}

bool names_file(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".toml");
}

std::filesystem::path preset_file(const std::string& folder, const std::string& name) {
  return arch_data() / folder / (name + ".toml");
}

/// Reads the grade that hbm.timing names; a file name counts from the chip file's folder.
void read_grade(const std::filesystem::path& path, ChipConfig& chip, Places& places) {
  const toml::table table = read_toml(path);
  read_section("dram", table, path.string(), chip, places);
}

void resolve_grade(const std::filesystem::path& chip_file, ChipConfig& chip, Places& places) {
  const std::string& grade = chip.hbm.timing;
  const auto path = names_file(grade) ? chip_file.parent_path() / grade : preset_file("timings", grade);
  if (!std::filesystem::exists(path))
    fail(places["hbm.timing"], fmt::format("no DRAM grade '{}'", grade), "arch/timings holds the grades");
  read_grade(path, chip, places);
}

std::filesystem::path chip_file(const std::string& name_or_path) {
  if (names_file(name_or_path)) return name_or_path;
  const auto path = preset_file("chips", name_or_path);
  if (std::filesystem::exists(path)) return path;
  std::string all;
  for (const std::string& name : chip_names()) all += (all.empty() ? "" : ", ") + name;
  fail(fmt::format("chip '{}'", name_or_path), "no such preset",
       "presets: " + all + "; or give a .toml file");
}

}  // namespace

ChipConfig load_chip(const std::string& name_or_path, const std::vector<std::string>& overrides) {
  const std::filesystem::path path = chip_file(name_or_path);
  const toml::table table = read_toml(path);
  ChipConfig chip;
  Places places;
  read_sections(table, path.string(), chip, places);

  std::vector<Override> changes;
  bool grade_given = table.contains("dram");
  for (const std::string& text : overrides) changes.push_back(parse_override(text));
  for (const Override& change : changes) {
    if (change.key->section == "dram") continue;
    apply(change, chip, places);
    if (full_name(*change.key) == "hbm.timing") grade_given = false;
  }
  if (!grade_given) resolve_grade(path, chip, places);
  for (const Override& change : changes)
    if (change.key->section == "dram") apply(change, chip, places);

  validate(chip, places);
  return chip;
}

ChipConfig chip_of_text(const std::string& text, const std::string& where) {
  ChipConfig chip;
  Places places;
  read_sections(parse_toml(text, where), where, chip, places);
  validate(chip, places);
  return chip;
}

DramTiming load_dram_timing(const std::string& name_or_path) {
  const std::filesystem::path path =
      names_file(name_or_path) ? std::filesystem::path(name_or_path) : preset_file("timings", name_or_path);
  ChipConfig chip;
  Places places;
  read_grade(path, chip, places);
  validate(chip.dram, places);
  return chip.dram;
}

std::string to_toml(const ChipConfig& chip) {
  std::string out =
      fmt::format("name = {}\ndescription = {}\n", toml_string(chip.name), toml_string(chip.description));
  for (const ConfigSection& section : config_sections()) {
    out += fmt::format("\n[{}]\n", section.name);
    for (const ConfigKey& key : config_keys())
      if (key.section == section.name) out += fmt::format("{} = {}\n", key.key, value_text(key, chip));
  }
  return out;
}

std::uint64_t config_hash(const ChipConfig& chip) {
  return fnv1a(to_toml(chip));
}

}  // namespace leto
