#include "study/fact_table.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "study/table_reader.h"

namespace leto::study {
namespace {

using Sources = std::map<std::string, Provenance, std::less<>>;

Sources read_sources(const toml::table& table, const std::string& file) {
  Sources out;
  each_table(table, "source", file, [&](const toml::table& row) {
    const TableReader reader(row, file, "[[source]]", {"id", "source", "reference", "date", "confidence"});
    if (!out.emplace(reader.text("id"), reader.source()).second)
      reader.fail("id", fmt::format("source '{}' stands twice", reader.text("id")), "name each once");
  });
  return out;
}

Fact read_fact(const toml::table& row, const std::string& file, const Sources& sources) {
  const TableReader reader(row, file, "a fact",
                           {"key", "value", "low", "high", "unit", "node", "scale", "kind", "from", "note"});
  const auto source = sources.find(reader.text("from"));
  if (source == sources.end())
    reader.fail("from", fmt::format("no source '{}'", reader.text("from")), "add a [[source]] with that id");
  Fact fact{reader.text("key"),   reader.text("unit"),   reader.text("node"),  reader.number("value"),
            reader.number("low"), reader.number("high"), reader.text("scale"), source->second};
  fact.from.kind = reader.kind();
  fact.from.note = reader.text("note");
  if (fact.low > fact.value || fact.value > fact.high)
    reader.fail("value", fmt::format("{} is not between low and high", fact.key), "order them");
  return fact;
}

}  // namespace

const Fact* FactTable::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &facts_[found->second];
}

const Fact& FactTable::get(std::string_view key) const {
  if (const Fact* fact = find(key)) return *fact;
  throw Error(ExitCode::bad_input, fmt::format("{}: no fact '{}'", file_, key), "add a row with its source");
}

double FactTable::scaled(std::string_view key, Corner corner) const {
  const Fact& fact = get(key);
  return fact.at(corner) * (fact.scale.empty() ? 1 : get(fact.scale).at(corner));
}

FactTable load_facts(const std::string& name_or_path) {
  const bool path = name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml");
  FactTable out;
  out.file_ = path ? name_or_path : (study_data("tables") / (name_or_path + ".toml")).string();
  const toml::table table = read_toml(out.file_);
  for (const auto& [key, node] : table)
    if (key.str() != "source" && key.str() != "facts")
      throw Error(ExitCode::bad_input,
                  fmt::format("{}: unknown key {}", place(out.file_, key.source()), key.str()),
                  "keys: [[source]], facts");
  const Sources sources = read_sources(table, out.file_);
  const toml::array* rows = table["facts"].as_array();
  if (!rows)
    throw Error(ExitCode::bad_input, fmt::format("{}:1: no facts", out.file_), "write facts = [ {…}, {…} ]");
  for (const toml::node& node : *rows) {
    if (!node.is_table())
      throw Error(ExitCode::bad_input, place(out.file_, node.source()) + ": a fact must be a table",
                  "write {key = …, …}");
    Fact fact = read_fact(*node.as_table(), out.file_, sources);
    if (!out.index_.emplace(fact.key, out.facts_.size()).second)
      throw Error(ExitCode::bad_input,
                  fmt::format("{}: fact '{}' stands twice", place(out.file_, node.source()), fact.key),
                  "one row a fact");
    out.facts_.push_back(std::move(fact));
  }
  return out;
}

}  // namespace leto::study
