#include "study/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"

namespace leto::study {
namespace {

/// Counts whole, shares and rates with four digits.
std::string figure(double value) {
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

std::string error_of(const Check& check) {
  if (check.expected == 0) return figure(check.measured);
  return check.error() == 0 ? "0" : fmt::format("{:+.2f} %", 100 * check.error());
}

const char* verdict(const Check& check) {
  if (!check.judged) return "shown";
  return check.holds() ? "ok" : "FAILED";
}

}  // namespace

double Check::error() const {
  return expected == 0 ? measured : measured / expected - 1;
}

bool Check::holds() const {
  if (lowest == 0 && highest == 0) return measured == expected;
  return error() >= lowest && error() <= highest;
}

int Suite::failed() const {
  return static_cast<int>(
      std::ranges::count_if(checks, [](const Check& c) { return c.judged && !c.holds(); }));
}

std::string to_text(const Suite& suite) {
  std::string text = fmt::format("{}: {}\n", suite.name, suite.about);
  for (const Check& c : suite.checks) {
    text += fmt::format("  {:<62} {:>10} {:>10} {:<13} {:>9}  {}\n", c.name, figure(c.expected),
                        figure(c.measured), c.unit, error_of(c), verdict(c));
    if (!c.note.empty()) text += fmt::format("      {}\n", c.note);
  }
  return text;
}

nlohmann::json to_json(const Suite& suite) {
  auto checks = nlohmann::json::array();
  for (const Check& c : suite.checks)
    checks.push_back({{"name", c.name},
                      {"unit", c.unit},
                      {"expected", c.expected},
                      {"measured", c.measured},
                      {"error", c.error()},
                      {"note", c.note},
                      {"verdict", verdict(c)}});
  return {{"suite", suite.name}, {"about", suite.about}, {"failed", suite.failed()}, {"checks", checks}};
}

std::string to_markdown(const Suite& suite) {
  std::string text = suite.about + ".\n\n| check | expected | measured | error |\n|---|---|---|---|\n";
  for (const Check& c : suite.checks)
    text += fmt::format("| {}{} | {} {} | {} | {} |\n", c.name, c.note.empty() ? "" : ": " + c.note,
                        figure(c.expected), c.unit, figure(c.measured), error_of(c));
  if (!suite.details.empty()) text += "\n" + suite.details;
  return text;
}

std::string with_section(std::string document, std::string_view name, std::string_view content,
                         std::string_view where) {
  const std::string begin = fmt::format("<!-- leto validate {} -->\n", name), end = "<!-- end -->";
  const auto from = document.find(begin);
  const auto to = from == std::string::npos ? from : document.find(end, from);
  if (to == std::string::npos)
    throw Error(ExitCode::bad_input, fmt::format("{}: no section for the suite {}", where, name),
                fmt::format("add the lines `<!-- leto validate {} -->` and `{}`", name, end));
  return document.replace(from + begin.size(), to - from - begin.size(), content);
}

}  // namespace leto::study
