#include "arch/toml_file.h"

#include <algorithm>

#include "base/errors.h"
#include "base/files.h"

namespace leto {
constexpr std::uint64_t kMostBytes = 1 << 20;  // a chip file has about 5 KiB
// Each dot of a key opens a table inside a table, and toml++ leaves them by recursion: thousands would
// overflow the stack. Files of this kind have about a hundred, most of them decimal points.
constexpr std::ptrdiff_t kMostDots = 1000;

std::string place(std::string_view file, const toml::source_region& source) {
  return fmt::format("{}:{}", file, source.begin.line);
}

toml::table parse_toml(std::string_view text, std::string_view where) {
  if (std::ranges::count(text, '.') > kMostDots)
    throw Error(ExitCode::bad_input, fmt::format("{}: more than {} dots", where, kMostDots),
                "give a file of `key = value` lines without deeply nested keys");
  try {
    return toml::parse(text, where);
  } catch (const toml::parse_error& error) {
    throw Error(ExitCode::bad_input, place(where, error.source()) + ": " + std::string(error.description()),
                "correct the line; each key may stand once");
  }
}

toml::table read_toml(const std::filesystem::path& path) {
  return parse_toml(read_text(path, kMostBytes), path.string());
}

std::vector<std::string> toml_stems(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a truth value";
    default:
      return "a date or time";
  }
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

}  // namespace leto
