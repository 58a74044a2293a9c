#include "arch/config_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "arch/toml_file.h"

namespace leto {
namespace {

constexpr ConfigSection kSections[] = {
#define SECTION(name, doc) {#name, doc},
#define KEY(...)
#include "arch/config_keys.inc"
#undef SECTION
#undef KEY
};

constexpr ConfigKey kKeys[] = {
#define SECTION(name, doc)
#define KEY(section, key, unit, least, most, origin, doc) \
  {#section, #key,           unit, least,                 \
   most,     Origin::origin, doc,  [](ChipConfig& c) -> Slot { return &c.section.key; }},
#include "arch/config_keys.inc"
#undef SECTION
#undef KEY
};

struct Printer {
  std::string operator()(const bool* x) const { return *x ? "true" : "false"; }
  std::string operator()(const std::string* x) const { return toml_string(*x); }
  std::string operator()(const auto* x) const { return fmt::format("{}", *x); }
};

std::string range_text(const ConfigKey& key) {
  ChipConfig any;
  const Slot slot = key.slot(any);
  if (std::holds_alternative<std::string*>(slot)) return "text";
  if (std::holds_alternative<bool*>(slot)) return "true, false";
  return fmt::format("{} to {}", key.least, key.most);
}

std::string section_markdown(const ConfigSection& section, const std::vector<ChipConfig>& chips) {
  std::string out =
      fmt::format("\n## {}\n\n{}.\n\n| key | unit | range | origin |", section.name, section.doc);
  for (const ChipConfig& chip : chips) out += fmt::format(" {} |", chip.name);
  out += " meaning |\n|---|---|---|---|";
  for (std::size_t i = 0; i < chips.size(); ++i) out += "---|";
  out += "---|\n";
  for (const ConfigKey& key : kKeys) {
    if (key.section != section.name) continue;
    out += fmt::format("| `{}` | {} | {} | {} |", key.key, key.unit, range_text(key),
                       key.origin == Origin::ours ? "ours" : "published");
    for (const ChipConfig& chip : chips) out += fmt::format(" {} |", value_text(key, chip));
    out += fmt::format(" {} |\n", key.doc);
  }
  return out;
}

}  // namespace

std::span<const ConfigSection> config_sections() {
  return kSections;
}
std::span<const ConfigKey> config_keys() {
  return kKeys;
}

const ConfigKey* find_key(std::string_view section, std::string_view key) {
  const auto* found =
      std::ranges::find_if(kKeys, [&](const ConfigKey& k) { return k.section == section && k.key == key; });
  return found == std::end(kKeys) ? nullptr : found;
}

std::string value_text(const ConfigKey& key, const ChipConfig& chip) {
  // The slots are made for writing; reading through one leaves the chip as it is.
  return std::visit(Printer{}, key.slot(const_cast<ChipConfig&>(chip)));
}

std::string config_markdown() {
  std::vector<ChipConfig> chips;
  for (const std::string& name : chip_names()) chips.push_back(load_chip(name));
  std::string out =
      "# Keys of a chip file\n\n"
      "Generated from arch/config_keys.inc; the test `arch: docs/config.md is fresh` says how to renew "
      "it.\n\n"
      "A chip file sets `name`, `description` and every key below except those of `dram`, which come from "
      "the grade\n"
      "that `hbm.timing` names unless the file has a `[dram]` section of its own. Unknown, missing, "
      "duplicate and\n"
      "nonsensical keys are errors with file and line. `--set section.key=value` overrides one key. Origin: "
      "`published`\n"
      "means that public figures exist for the chips the presets are styled after; `ours` that nothing is "
      "public and\n"
      "the presets hold our default.\n\nThe presets:\n\n";
  for (const ChipConfig& chip : chips) out += fmt::format("- `{}`: {}\n", chip.name, chip.description);
  for (const ConfigSection& section : kSections) out += section_markdown(section, chips);
  return out;
}

}  // namespace leto
