// Reads one TOML table of figures: every key known, every key there, every value of its kind. Shared by the
// baselines, the fact tables and the criteria.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "arch/toml_file.h"
#include "study/provenance.h"

namespace leto::study {

class TableReader {
 public:
  /// Throws Error(bad_input) with file:line when a key is unknown or missing.
  TableReader(const toml::table& table, const std::string& file, std::string_view what,
              std::initializer_list<std::string_view> keys);

  std::string text(std::string_view key) const;
  std::int64_t count(std::string_view key) const;  // from 0
  double number(std::string_view key) const;       // finite, from 0
  double positive(std::string_view key) const;
  const toml::array& array(std::string_view key) const;
  Kind kind() const;
  /// The keys source, reference, date and confidence; kind and note are still open.
  Provenance source() const;
  /// The same with kind and note.
  Provenance provenance() const;

  [[noreturn]] void fail(std::string_view key, const std::string& what, const std::string& remedy) const;

 private:
  const toml::node& at(std::string_view key) const { return *table_.get(key); }
  template <typename T>
  T value(std::string_view key, std::string_view wanted) const;

  const toml::table& table_;
  const std::string& file_;
};

/// Calls `read` with every table of an array of tables; the array may be absent.
void each_table(const toml::table& file_table, std::string_view key, const std::string& file,
                const std::function<void(const toml::table&)>& read);

/// A folder of study's data ("baselines"): beside the binary when installed, else in the source tree.
std::filesystem::path study_data(const std::string& folder);

}  // namespace leto::study
