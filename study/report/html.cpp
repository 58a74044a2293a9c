// The report as one self-contained HTML file.
#include <fmt/format.h>

#include <algorithm>

#include "study/report/report.h"
#include "study/report/script.h"
#include "study/report/style.h"
#include "study/report/svg.h"

namespace leto::study {
namespace {

/// Tables of few columns do not stretch over the page.
constexpr std::size_t kSmallColumns = 3;
/// Tables of many columns are set closer, so that they fit the page and the paper.
constexpr std::size_t kDenseColumns = 10;
/// A numeric cell that holds words beside its figure may wrap.
constexpr std::size_t kWrapFrom = 20;
/// A longer word may break anywhere: a path, a hash, an operation's name.
constexpr std::size_t kLongWord = 24;

bool has_long_word(const std::string& text) {
  std::size_t length = 0;
  for (const char c : text) {
    length = c == ' ' ? 0 : length + 1;
    if (length > kLongWord) return true;
  }
  return false;
}

constexpr auto kFilter =
    "<div class=\"explore\"><p class=\"tools\"><label>Filter <input type=\"search\"></label> "
    "<output></output></p>";
constexpr auto kZoom =
    "<p class=\"tools\"><button data-key=\"+\">Zoom in</button> <button data-key=\"-\">Zoom out</button> "
    "<button data-key=\"0\">Whole</button> or the keys + - 0 and arrows</p>";

std::string table_cell(const Column& column, const Cell& cell, bool first, bool explore) {
  std::string css = column.numeric ? "n" : "", style;
  if (column.numeric && cell.text.size() > kWrapFrom) css += " w";
  if (has_long_word(cell.text)) css += css.empty() ? "a" : " a";
  const std::string sort_key = cell.number ? fmt::format(" data-v=\"{:.9g}\"", *cell.number) : "";
  if (column.bar && cell.number) {
    css += " share";
    style = fmt::format(" style=\"--p:{:.1f}%\"", std::clamp(*cell.number, 0.0, 1.0) * 100);
  }
  const std::string tag = first ? "th" : "td";
  return fmt::format("<{}{}{}{}{}>{}</{}>", tag, first ? " scope=\"row\"" : "",
                     css.empty() ? "" : fmt::format(" class=\"{}\"", css), style, explore ? sort_key : "",
                     html_escape(cell.text), tag);
}

/// Shown when pointed at: where figures come from.
std::string origin(const std::string& from) {
  return from.empty() ? "" : fmt::format(" title=\"{}\"", html_escape(from));
}

const char* width_class(std::size_t columns) {
  return columns <= kSmallColumns ? " class=\"small\"" : columns > kDenseColumns ? " class=\"dense\"" : "";
}

std::string figure(const std::string& caption, const std::string& inside) {
  return inside.empty() ? ""
                        : fmt::format("<figure><figcaption>{}</figcaption>\n{}</figure>\n",
                                      html_escape(caption), inside);
}

std::string legend(const StackedBars& bars) {
  std::string out = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < bars.legend.size(); ++i)
    out += fmt::format("<li><i class=\"{}\"></i>{}</li>", part_class(i, bars.legend.size()),
                       html_escape(bars.legend[i]));
  return out + "</ul>\n";
}

struct BlockWriter {
  std::string operator()(const Text& text) const {
    return fmt::format("<p>{}</p>\n", html_escape(text.text));
  }
  std::string operator()(const Tiles& tiles) const {
    std::string out = "<dl class=\"tiles\">\n";
    for (const auto& tile : tiles.tiles)
      out += fmt::format(
          "<div class=\"tile\"{}><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>\n",
          origin(tile.value.from), html_escape(tile.label), html_escape(tile.value.text),
          html_escape(tile.note));
    return out + "</dl>\n";
  }
  std::string operator()(const Table& table) const {
    std::string out = fmt::format("{}<div class=\"wide\"><table{}><caption>{}</caption>\n<thead><tr>",
                                  table.explore ? kFilter : "", width_class(table.columns.size()),
                                  html_escape(table.caption));
    for (const Column& column : table.columns)
      out += fmt::format("<th scope=\"col\"{}{}>{}{}{}</th>", column.numeric ? " class=\"n w\"" : "",
                         origin(column.from), table.explore ? "<button>" : "", html_escape(column.name),
                         table.explore ? "</button>" : "");
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
      out += "<tr>";
      for (std::size_t i = 0; i < row.size(); ++i)
        out += table_cell(table.columns[i], row[i], i == 0, table.explore);
      out += "</tr>\n";
    }
    out += table.explore ? "</tbody></table></div></div>\n" : "</tbody></table></div>\n";
    return out +
           (table.note.empty() ? "" : fmt::format("<p class=\"remark\">{}</p>\n", html_escape(table.note)));
  }
  std::string operator()(const StackedBars& bars) const {
    return figure(bars.caption, legend(bars) + to_svg(bars));
  }
  std::string operator()(const Roofline& chart) const { return zoomed(chart); }
  std::string operator()(const Lanes& chart) const { return zoomed(chart); }
  std::string operator()(const auto& chart) const { return figure(chart.caption, to_svg(chart)); }

 private:
  static std::string zoomed(const auto& chart) {
    const std::string svg = to_svg(chart);
    return svg.empty()
               ? ""
               : fmt::format(
                     "<figure class=\"zoom\" tabindex=\"0\"><figcaption>{}</figcaption>\n{}{}</figure>\n",
                     html_escape(chart.caption), kZoom, svg);
  }
};

}  // namespace

std::string to_html(const Report& report) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<main>\n<header><h1>{0}</h1><p>{2}</p></header>\n",
      html_escape(report.title), kStyle, html_escape(report.subtitle));
  for (const Section& section : report.sections) {
    out += fmt::format("<section>\n<h{0}>{1}</h{0}>\n", section.level, html_escape(section.heading));
    for (const Block& block : section.blocks) out += std::visit(BlockWriter{}, block);
    out += "</section>\n";
  }
  return out + fmt::format("</main>\n<script>{}</script>\n</body>\n</html>\n", kScript);
}

}  // namespace leto::study
