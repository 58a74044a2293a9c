// The keys of a chip file as data (config_keys.inc), and what follows from them: text, ranges, documentation.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "arch/chip_config.h"

namespace leto {

/// Where the member of a key lies in a ChipConfig.
using Slot = std::variant<int*, std::int64_t*, double*, bool*, std::string*>;

enum class Origin : std::uint8_t { published, ours };

struct ConfigKey {
  std::string_view section, key, unit;
  double least, most;  // inclusive; unused for strings
  Origin origin;
  std::string_view doc;
  Slot (*slot)(ChipConfig&);
};

struct ConfigSection {
  std::string_view name, doc;
};

std::span<const ConfigSection> config_sections();
/// Every key, section by section, in file order. `name` and `description`, which stand before the first
/// section, are not among them.
std::span<const ConfigKey> config_keys();
/// nullptr when there is no such key.
const ConfigKey* find_key(std::string_view section, std::string_view key);
/// The key's value in a chip, as TOML; numbers in the shortest form that reads back the same.
std::string value_text(const ConfigKey& key, const ChipConfig& chip);
/// docs/config.md: every key with unit, range, origin, meaning and the presets' values.
std::string config_markdown();

}  // namespace leto
