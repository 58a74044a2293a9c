// The TOML file that describes a foreign block: its values with what they have to be, or an error with
// file:line.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "arch/toml_file.h"

namespace leto::host {

class DescriptorFile {
 public:
  /// Numbers may be keys of `chip`.
  DescriptorFile(const std::filesystem::path& path, const ChipConfig& chip);

  static constexpr const char* kManual = "docs/foreign.md lists the keys of a descriptor";
  [[noreturn]] static void fail(const std::string& place, const std::string& cause,
                                const std::string& remedy = kManual);

  const std::filesystem::path& path() const { return path_; }
  const toml::table& table() const { return table_; }
  std::string top() const { return path_.string() + ":1"; }
  std::string place_of(const toml::node& node) const { return place(path_.string(), node.source()); }

  /// Keys of a table that are not among these are an error.
  void refuse_unknown(const toml::table& table, std::span<const std::string_view> keys) const;
  /// Null: it is not there.
  const toml::table* section(std::string_view name) const;

  std::string text(const toml::table& table, std::string_view key) const;
  /// `otherwise`: what a missing key stands for; empty: it may not be missing.
  std::string one_of(const toml::table& table, std::string_view key, const std::vector<std::string>& values,
                     const std::string& otherwise) const;
  /// One text, or a list of them; none when the key is missing.
  std::vector<std::string> texts(const toml::table& table, std::string_view key) const;
  std::vector<std::string> texts(const toml::node& node, std::string_view key) const;
  /// A whole number, or a chip's key that has one.
  std::int64_t number(const toml::node& node, std::string_view what) const;
  std::int64_t number(const toml::table& table, std::string_view key, std::int64_t least, std::int64_t most,
                      std::int64_t otherwise) const;

 private:
  std::filesystem::path path_;
  toml::table table_, chip_;
};

}  // namespace leto::host
