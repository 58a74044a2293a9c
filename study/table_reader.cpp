#include "study/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/chip_config.h"
#include "base/errors.h"

namespace leto::study {
namespace {

constexpr std::string_view kKinds[] = {"measured", "published", "vendor", "estimate"};

std::string known(std::initializer_list<std::string_view> keys) {
  return fmt::format("keys: {}", fmt::join(keys, ", "));
}

[[noreturn]] void refuse(const std::string& file, const toml::source_region& where, const std::string& what,
                         const std::string& remedy) {
  throw Error(ExitCode::bad_input, place(file, where) + ": " + what, remedy);
}

}  // namespace

std::string_view name_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::string kind_text(const Provenance& from) {
  return std::string(name_of(from.kind)) + (from.recalled() ? ", recalled: not verified" : "");
}

TableReader::TableReader(const toml::table& table, const std::string& file, std::string_view what,
                         std::initializer_list<std::string_view> keys)
    : table_(table), file_(file) {
  for (const auto& [key, node] : table)
    if (std::ranges::find(keys, key.str()) == keys.end())
      refuse(file, key.source(), fmt::format("unknown key {} in {}", key.str(), what), known(keys));
  for (const std::string_view key : keys)
    if (!table.contains(key))
      refuse(file, table.source(), fmt::format("missing key {} in {}", key, what), known(keys));
}

void TableReader::fail(std::string_view key, const std::string& what, const std::string& remedy) const {
  refuse(file_, at(key).source(), what, remedy);
}

template <typename T>
T TableReader::value(std::string_view key, std::string_view wanted) const {
  const auto found = at(key).value_exact<T>();
  if (!found)
    fail(key, fmt::format("{} must be {}, not {}", key, wanted, kind_of(at(key))),
         fmt::format("give {}", wanted));
  return *found;
}

std::string TableReader::text(std::string_view key) const {
  return value<std::string>(key, "a string");
}

std::int64_t TableReader::count(std::string_view key) const {
  const auto number = value<std::int64_t>(key, "a whole number");
  if (number < 0) fail(key, fmt::format("{} must not be negative", key), "0 = not stated");
  return number;
}

double TableReader::number(std::string_view key) const {
  const auto found = at(key).value<double>();
  if (!at(key).is_number() || !std::isfinite(*found) || *found < 0)
    fail(key, fmt::format("{} must be a finite number from 0", key), "give the figure as its source does");
  return *found;
}

double TableReader::positive(std::string_view key) const {
  const double found = number(key);
  if (found == 0) fail(key, fmt::format("{} must be above 0", key), "leave out what no source states");
  return found;
}

const toml::array& TableReader::array(std::string_view key) const {
  const toml::array* found = at(key).as_array();
  if (!found) fail(key, fmt::format("{} must be an array", key), "write [ {…}, {…} ]");
  return *found;
}

Kind TableReader::kind() const {
  const std::string name = text("kind");
  const auto* found = std::ranges::find(kKinds, name);
  if (found == std::end(kKinds))
    fail("kind", fmt::format("unknown kind '{}'", name), "measured, published, vendor or estimate");
  return static_cast<Kind>(found - kKinds);
}

Provenance TableReader::source() const {
  const std::string confidence = text("confidence");
  if (confidence != "document read" && confidence != "recalled")
    fail("confidence", fmt::format("unknown confidence '{}'", confidence), "document read or recalled");
  if (text("source").empty()) fail("source", "source is empty", "say where the figure was read");
  return {Kind::estimate, text("source"), text("reference"), text("date"), confidence, ""};
}

Provenance TableReader::provenance() const {
  Provenance from = source();
  from.kind = kind();
  from.note = text("note");
  return from;
}

void each_table(const toml::table& file_table, std::string_view key, const std::string& file,
                const std::function<void(const toml::table&)>& read) {
  const toml::node* node = file_table.get(key);
  if (!node) return;
  if (!node->is_array_of_tables())
    throw Error(ExitCode::bad_input, fmt::format("{}: {} must be tables", place(file, node->source()), key),
                fmt::format("write [[{}]]", key));
  for (const toml::node& item : *node->as_array()) read(*item.as_table());
}

std::filesystem::path study_data(const std::string& folder) {
  const auto installed = arch_data() / folder;  // arch_data() knows where the binary lies
  return std::filesystem::is_directory(installed) ? installed
                                                  : std::filesystem::path(LETO_STUDY_DATA) / folder;
}

}  // namespace leto::study
