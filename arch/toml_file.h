// TOML files with positions: what the loaders of chips, baselines and recipes share.
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace leto {

/// "file:line" of a node or key of a parsed table.
std::string place(std::string_view file, const toml::source_region& source);
/// Parses text. Throws Error(bad_input) with `where`:line on a syntax error or a duplicate key, and when its
/// keys nest beyond any use.
toml::table parse_toml(std::string_view text, std::string_view where);
/// Reads and parses a file of at most 1 MiB. Throws Error(bad_input) with file:line on a syntax error or a
/// duplicate key, and when it cannot be read.
toml::table read_toml(const std::filesystem::path& path);
/// Names without suffix of the .toml files in a folder, sorted.
std::vector<std::string> toml_stems(const std::filesystem::path& folder);
/// What kind of value a node holds, for messages: "a string", "a table", …
std::string_view kind_of(const toml::node& node);
/// `text` as a quoted TOML string.
std::string toml_string(std::string_view text);

}  // namespace leto
