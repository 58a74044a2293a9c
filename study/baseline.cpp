#include "study/baseline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "study/table_reader.h"

namespace leto::study {
namespace {

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

std::filesystem::path file_of(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml")) return name_or_path;
  const auto path = study_data("baselines") / (name_or_path + ".toml");
  if (!std::filesystem::exists(path))
    throw Error(ExitCode::bad_input, fmt::format("no baseline '{}'", name_or_path),
                fmt::format("baselines: {}; or give a .toml file", fmt::join(baseline_names(), ", ")));
  return path;
}

}  // namespace

const Figure* Baseline::figure(std::string_view metric) const {
  const auto found = std::ranges::find(figures, metric, &Figure::metric);
  return found == figures.end() ? nullptr : &*found;
}

std::vector<std::string> baseline_names() {
  return toml_stems(study_data("baselines"));
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

std::vector<Baseline> load_baselines() {
  std::vector<Baseline> out;
  for (const std::string& name : baseline_names()) out.push_back(load_baseline(name));
  return out;
}

}  // namespace leto::study
