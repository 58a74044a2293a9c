// The report as Markdown: headings, tables, notes; no charts.
#include <fmt/format.h>

#include "study/report/report.h"

namespace leto::study {
namespace {

/// Text inside a table cell or a paragraph: one line, nothing that Markdown or HTML would act on.
std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t')
      out += ' ';
    else if (c == '<')
      out += "&lt;";
    else if (c == '|' || c == '`' || c == '*' || c == '_' || c == '[' || c == '\\')
      out += {'\\', c};
    else
      out += c;
  }
  return out;
}

std::string row_text(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

struct BlockWriter {
  std::string operator()(const Text& text) const { return escape(text.text) + "\n\n"; }
  std::string operator()(const Tiles& tiles) const {
    std::string out;
    for (const auto& tile : tiles.tiles)
      out += fmt::format("- {}: **{}** ({})\n", tile.label, escape(tile.value.text), escape(tile.note));
    return out + "\n";
  }
  std::string operator()(const Table& table) const {
    std::vector<std::string> names, rules;
    for (const Column& column : table.columns) {
      names.push_back(escape(column.name));
      rules.push_back(column.numeric ? "---:" : "---");
    }
    std::string out = fmt::format("**{}**\n\n", escape(table.caption)) + row_text(names) + row_text(rules);
    for (const auto& row : table.rows) {
      std::vector<std::string> cells;
      for (const Cell& cell : row) cells.push_back(escape(cell.text));
      out += row_text(cells);
    }
    return out + (table.note.empty() ? "\n" : fmt::format("\n{}\n\n", escape(table.note)));
  }
  std::string operator()(const auto&) const {
    return "";
  }  // a chart: its figures stand in the table that follows
};

}  // namespace

std::string to_markdown(const Report& report) {
  std::string out = fmt::format("# {}\n\n{}\n\n", escape(report.title), escape(report.subtitle));
  for (const Section& section : report.sections) {
    out += fmt::format("{} {}\n\n", std::string(static_cast<std::size_t>(section.level), '#'),
                       escape(section.heading));
    for (const Block& block : section.blocks) out += std::visit(BlockWriter{}, block);
  }
  return out;
}

}  // namespace leto::study
