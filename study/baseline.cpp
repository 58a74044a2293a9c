#include "study/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "arch/chip_config.h"
#include "arch/toml_file.h"
#include "base/errors.h"

namespace leto::study {
namespace {

constexpr std::string_view kKinds[] = {"measured", "published", "vendor", "estimate"};

/// Reads one table: every key known, every key there, every value of its kind.
class TableReader {
 public:
  TableReader(const toml::table& table, const std::string& file, std::string_view what,
              std::initializer_list<std::string_view> keys)
      : table_(table), file_(file) {
    for (const auto& [key, node] : table)
      if (std::ranges::find(keys, key.str()) == keys.end())
        fail(key.source(), fmt::format("unknown key {} in {}", key.str(), what), known(keys));
    for (const std::string_view key : keys)
      if (!table.contains(key))
        fail(table.source(), fmt::format("missing key {} in {}", key, what), known(keys));
  }

  std::string text(std::string_view key) const { return value<std::string>(key, "a string"); }
  std::int64_t count(std::string_view key) const {
    const std::int64_t number = value<std::int64_t>(key, "a whole number");
    if (number < 0) fail(at(key).source(), fmt::format("{} must not be negative", key), "0 = not stated");
    return number;
  }
  double number(std::string_view key) const {
    const toml::node& node = at(key);
    const auto found = node.value<double>();
    if (!node.is_number() || !std::isfinite(*found) || *found < 0)
      fail(node.source(), fmt::format("{} must be a finite number from 0", key),
           "give the figure as its source does");
    return *found;
  }
  double positive(std::string_view key) const {
    const double found = number(key);
    if (found == 0)
      fail(at(key).source(), fmt::format("{} must be above 0", key), "leave out what no source states");
    return found;
  }
  const toml::array& array(std::string_view key) const {
    const toml::array* found = at(key).as_array();
    if (!found) fail(at(key).source(), fmt::format("{} must be an array", key), "write [ {…}, {…} ]");
    return *found;
  }
  Kind kind() const {
    const std::string name = text("kind");
    const auto* found = std::ranges::find(kKinds, name);
    if (found == std::end(kKinds))
      fail(at("kind").source(), fmt::format("unknown kind '{}'", name),
           "measured, published, vendor or estimate");
    return static_cast<Kind>(found - kKinds);
  }
  Provenance provenance() const {
    const std::string confidence = text("confidence");
    if (confidence != "document read" && confidence != "recalled")
      fail(at("confidence").source(), fmt::format("unknown confidence '{}'", confidence),
           "document read or recalled");
    if (text("source").empty())
      fail(at("source").source(), "source is empty", "say where the figure was read");
    return {kind(), text("source"), text("reference"), text("date"), confidence, text("note")};
  }

 private:
  static std::string known(std::initializer_list<std::string_view> keys) {
    return fmt::format("keys: {}", fmt::join(keys, ", "));
  }
  const toml::node& at(std::string_view key) const { return *table_.get(key); }
  template <typename T>
  T value(std::string_view key, std::string_view wanted) const {
    const auto found = at(key).value_exact<T>();
    if (!found)
      fail(at(key).source(), fmt::format("{} must be {}, not {}", key, wanted, kind_of(at(key))),
           fmt::format("give {}", wanted));
    return *found;
  }
  [[noreturn]] void fail(const toml::source_region& where, const std::string& what,
                         const std::string& remedy) const {
    throw Error(ExitCode::bad_input, place(file_, where) + ": " + what, remedy);
  }

  const toml::table& table_;
  const std::string& file_;
};

Figure read_figure(const toml::table& table, const std::string& file) {
  const TableReader reader(
      table, file, "[[figure]]",
      {"metric", "value", "unit", "precision", "kind", "source", "reference", "date", "confidence", "note"});
  return {reader.text("metric"), reader.text("unit"), reader.text("precision"), reader.positive("value"),
          reader.provenance()};
}

/// A group of rows that share their source.
void read_training(const toml::table& table, const std::string& file, std::vector<TrainingRow>& out) {
  const TableReader group(table, file, "[[training]]",
                          {"kind", "precision", "of_peak", "source", "reference", "software", "date",
                           "confidence", "note", "rows"});
  const Provenance from = group.provenance();
  for (const toml::node& node : group.array("rows")) {
    if (!node.is_table())
      throw Error(ExitCode::bad_input, place(file, node.source()) + ": a row must be a table",
                  "write {id = …, …}");
    const TableReader row(*node.as_table(), file, "a row of [[training]]",
                          {"id", "workload", "parameters", "sequence", "devices", "mfu"});
    out.push_back({row.text("id"), row.text("workload"), group.text("software"), group.text("precision"),
                   row.number("parameters"), row.count("sequence"), row.count("devices"),
                   row.positive("mfu") / 100, group.positive("of_peak") * 1e12, from});
  }
}

/// Calls `read` with every table of an array of tables; the array may be absent.
void each_table(const toml::table& file_table, std::string_view key, const std::string& file, auto&& read) {
  const toml::node* node = file_table.get(key);
  if (!node) return;
  if (!node->is_array_of_tables())
    throw Error(ExitCode::bad_input, fmt::format("{}: {} must be tables", place(file, node->source()), key),
                fmt::format("write [[{}]]", key));
  for (const toml::node& item : *node->as_array()) read(*item.as_table());
}

/// Beside the binary when installed, else the source tree: as arch_data(), which knows where the binary lies.
std::filesystem::path folder() {
  const auto installed = arch_data() / "baselines";
  return std::filesystem::is_directory(installed) ? installed
                                                  : std::filesystem::path(LETO_STUDY_DATA) / "baselines";
}

std::filesystem::path file_of(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml")) return name_or_path;
  const auto path = folder() / (name_or_path + ".toml");
  if (!std::filesystem::exists(path))
    throw Error(ExitCode::bad_input, fmt::format("no baseline '{}'", name_or_path),
                fmt::format("baselines: {}; or give a .toml file", fmt::join(baseline_names(), ", ")));
  return path;
}

/// Natural-log distance of two sizes; 0 when one is not known.
double distance(double a, double b) {
  return a > 0 && b > 0 ? std::abs(std::log(a / b)) : 0;
}

}  // namespace

std::string_view name_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

const Figure* Baseline::figure(std::string_view metric) const {
  const auto found = std::ranges::find(figures, metric, &Figure::metric);
  return found == figures.end() ? nullptr : &*found;
}

std::vector<std::string> baseline_names() {
  return toml_stems(folder());
}

Baseline load_baseline(const std::string& name_or_path) {
  const std::filesystem::path path = file_of(name_or_path);
  const std::string file = path.string();
  const toml::table table = read_toml(path);
  Baseline out;
  for (const auto& [key, node] : table)
    if (key.str() != "name" && key.str() != "title" && key.str() != "note" && key.str() != "figure" &&
        key.str() != "training")
      throw Error(ExitCode::bad_input,
                  fmt::format("{}: unknown key {}", place(file, key.source()), key.str()),
                  "keys: name, title, note, [[figure]], [[training]]");
  for (const auto& [key, to] : {std::pair{"name", &out.name}, {"title", &out.title}, {"note", &out.note}}) {
    const auto value = table[key].value_exact<std::string>();
    if (!value)
      throw Error(ExitCode::bad_input, fmt::format("{}:1: missing key {}, a string", file, key),
                  "add it at the top");
    *to = *value;
  }
  each_table(table, "figure", file,
             [&](const toml::table& t) { out.figures.push_back(read_figure(t, file)); });
  each_table(table, "training", file, [&](const toml::table& t) { read_training(t, file, out.training); });
  return out;
}

const TrainingRow* nearest_row(const Baseline& baseline, std::string_view precision, double parameters,
                               std::int64_t sequence) {
  const auto rank = [&](const TrainingRow& row) {
    return std::tuple(distance(parameters, row.parameters), distance(double(sequence), double(row.sequence)),
                      row.devices > 0 ? row.devices : INT64_MAX, row.id, -row.mfu);
  };
  const TrainingRow* best = nullptr;
  for (const TrainingRow& row : baseline.training)
    if (row.from.kind == Kind::measured && row.precision == precision && (!best || rank(row) < rank(*best)))
      best = &row;
  return best;
}

}  // namespace leto::study
