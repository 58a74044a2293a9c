// The decision as a page and as JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "study/decide/decide.h"
#include "study/report/format.h"

namespace leto::study {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBars = 6;  // of a tornado

constexpr const char* kNotInIt[] = {
    "The chip's design cost, mask sets and software are in no figure: no source states them.",
    "Rates of the chip come from a simulation of one chip: no input pipeline, no restart, and no "
    "collective but the exchange of embedding rows where a run is one chip's share of sharded tables.",
    "Power is the rated power of both sides; the modelled power stands beside it as a check.",
    "A baseline's rate of training rows on several devices holds communication, the chip's does not: that "
    "favours the "
    "chip."};

std::string plain(double value, const std::string& unit) {
  if (unit == "share") return percent(value);
  if (unit == "x") return fmt::format("{:.3g} x", value);
  if (unit == "H100" || unit == "chips") return fmt::format("{} {}", grouped(std::llround(value)), unit);
  if (unit == "USD" || unit == "USD/year")
    return value < 1e6 ? fmt::format("{} {}", grouped(std::llround(value)), unit) : si(value, unit);
  return fmt::format("{:.4g} {}", value, unit);
}

std::string value_text(const Shown& s) {
  const Quantity& q = s.quantity;
  std::string out = plain(q.value, q.unit);
  if (q.low != q.high) out += fmt::format(" ({} to {})", plain(q.low, q.unit), plain(q.high, q.unit));
  if (s.estimate) out += ", estimate";
  if (s.recalled) out += ", recalled figures: not verified";
  return out;
}

std::string threshold_text(const Criterion& c) {
  return fmt::format("{} {:.3g}", c.at_least ? "at least" : "at most", c.threshold);
}

std::string question(const Criterion& c) {
  return fmt::format("{}{} of {}{}", c.metric, c.level.empty() ? "" : ", " + c.level, c.workload,
                     c.baseline.empty() ? "" : " over " + c.baseline);
}

Table criteria_table(const Decision& d) {
  Table table{fmt::format("Criteria: met when {:.0f} % of {} draws (seed {}) meet the threshold",
                          d.criteria.confidence * 100, d.criteria.draws, d.criteria.seed),
              {{"Criterion"},
               {"Asks"},
               {"Threshold", true},
               {"Value", true},
               {"Margin", true},
               {"Probability", true},
               {"Outcome"},
               {"Fidelity, its known error"}},
              {},
              "Intervals hold 90 % of the draws, and the value. A ratio is of rates of one precision, named "
              "in decision.json."};
  for (const Judged& j : d.judged) {
    const Criterion& c = j.criterion;
    if (j.outcome == Outcome::missing)
      table.rows.push_back({cell(c.name), cell(question(c)), cell(threshold_text(c)),
                            cell("missing: " + j.missing), none_cell(), none_cell(), cell("missing"),
                            cell(j.fidelity.empty() ? "–" : j.fidelity)});
    else
      table.rows.push_back({cell(c.name),
                            cell(question(c)),
                            cell(threshold_text(c)),
                            {value_text(j.shown), j.shown.quantity.value},
                            cell(fmt::format("{:+.1f} %", j.margin * 100)),
                            percent_cell(j.probability),
                            cell(std::string(name_of(j.outcome))),
                            cell(fmt::format("{}, {}", j.fidelity, percent(j.known_error)))});
  }
  return table;
}

Table tornado_table(const Judged& j) {
  Table table{fmt::format("{}: what moves it ({})", j.criterion.name, threshold_text(j.criterion)),
              {{"Input"}, {"At its low end", true}, {"At its high end", true}, {"Swing", true, true}},
              {},
              ""};
  const double widest = j.tornado.empty() ? 1 : std::max(1e-300, j.tornado[0].width());
  for (std::size_t i = 0; i < std::min(kBars, j.tornado.size()); ++i) {
    const Swing& s = j.tornado[i];
    const std::string& unit = j.shown.quantity.unit;
    table.rows.push_back({cell(s.input),
                          {plain(s.low, unit), s.low},
                          {plain(s.high, unit), s.high},
                          {plain(s.width(), unit), s.width() / widest}});
  }
  return table;
}

Table lines_table(const std::string& caption, const std::string& about, const std::vector<Line>& lines) {
  Table table{caption, {{about}, {"Figure"}, {"Value", true}}, {}, ""};
  for (const Line& line : lines)
    table.rows.push_back({cell(line.about), cell(line.shown.name),
                          line.missing.empty() ? Cell{value_text(line.shown), line.shown.quantity.value}
                                               : cell("missing: " + line.missing)});
  return table;
}

std::string kind_of(const Input& input) {
  return input.kind + (input.from.recalled() ? ", recalled: not verified" : "");
}

Table inputs_table(const Decision& d) {
  Table table{"Every input of the figures above",
              {{"Input"},
               {"Value", true},
               {"Interval", true},
               {"Unit"},
               {"Precision"},
               {"Kind"},
               {"Source"},
               {"Note"}},
              {},
              ""};
  for (const Input& i : d.inputs)
    table.rows.push_back({cell(i.id),
                          {fmt::format("{:.5g}", i.value), i.value},
                          i.certain() ? none_cell() : cell(fmt::format("{:.5g} to {:.5g}", i.low, i.high)),
                          cell(i.unit),
                          cell(i.precision.empty() ? "–" : i.precision),
                          cell(kind_of(i)),
                          cell(fmt::format("{} [{}] {}", i.from.source, i.from.reference, i.from.date)),
                          cell(i.from.note)});
  return table;
}

Json figure_json(const Shown& s) {
  const Quantity& q = s.quantity;
  Json out = {{"value", q.value},
              {"low", q.low},
              {"high", q.high},
              {"unit", q.unit},
              {"kind", s.estimate ? "estimate" : "derived"},
              {"recalled", s.recalled},
              {"text", value_text(s)},
              {"from", q.from}};
  if (!s.precision.empty()) out["precision"] = s.precision;
  return out;
}

Json judged_json(const Judged& j) {
  const Criterion& c = j.criterion;
  Json out = {{"name", c.name},           {"metric", c.metric},
              {"level", c.level},         {"workload", c.workload},
              {"baseline", c.baseline},   {"bound", c.at_least ? "min" : "max"},
              {"threshold", c.threshold}, {"outcome", name_of(j.outcome)},
              {"fidelity", j.fidelity}};
  if (j.outcome == Outcome::missing) {
    out["missing"] = j.missing;
    return out;
  }
  out["known_error"] = j.known_error;
  out["probability"] = j.probability;
  out["margin"] = j.margin;
  out["figure"] = figure_json(j.shown);
  if (!j.shown.precision.empty())
    out["ratio"] = {{"above", j.shown.quantity.from[0]}, {"below", j.shown.quantity.from[1]}};
  Json tornado = Json::array();
  for (const Swing& s : j.tornado) tornado.push_back({{"input", s.input}, {"low", s.low}, {"high", s.high}});
  out["tornado"] = tornado;
  return out;
}

Json lines_json(const std::vector<Line>& lines) {
  Json out = Json::array();
  for (const Line& line : lines) {
    Json item = {{"about", line.about}, {"name", line.shown.name}};
    if (line.missing.empty())
      item["figure"] = figure_json(line.shown);
    else
      item["missing"] = line.missing;
    out.push_back(item);
  }
  return out;
}

Json input_json(const Input& i) {
  return {{"id", i.id},
          {"value", i.value},
          {"low", i.low},
          {"high", i.high},
          {"unit", i.unit},
          {"precision", i.precision},
          {"kind", i.kind},
          {"source", i.from.source},
          {"reference", i.from.reference},
          {"date", i.from.date},
          {"confidence", i.from.confidence},
          {"note", i.from.note}};
}

Section section(const std::string& heading, Table table) {
  Section out{heading, 2, {}};
  out.blocks.emplace_back(std::move(table));
  return out;
}

}  // namespace

Report to_report(const Decision& d) {
  Report report;
  report.title = fmt::format("{}: {}", name_of(d.verdict), d.criteria.title);
  report.subtitle = "Leto decision: criteria over records; every figure resolves to an input with its source";
  Section verdict{"Verdict", 2, {}};
  Tiles tiles;
  tiles.tiles.push_back({"Verdict", cell(std::string(name_of(d.verdict))), d.criteria.title});
  verdict.blocks.emplace_back(std::move(tiles));
  for (const std::string& reason : d.reasons) verdict.blocks.emplace_back(Text{reason});
  if (!d.criteria.note.empty()) verdict.blocks.emplace_back(Text{d.criteria.note});
  report.sections.push_back(std::move(verdict));
  report.sections.push_back(section("Criteria", criteria_table(d)));
  Section tornado{"What moves each figure", 2, {}};
  for (const Judged& j : d.judged)
    if (!j.tornado.empty()) tornado.blocks.push_back(tornado_table(j));
  if (!tornado.blocks.empty()) report.sections.push_back(std::move(tornado));
  report.sections.push_back(
      section("Power and cost", lines_table("Power and cost of a device", "Part", d.power_and_cost)));
  report.sections.push_back(section("Fleet", lines_table("What a fleet takes", "Workload", d.fleet)));
  Section left{"What is not in it", 2, {}};
  for (const char* text : kNotInIt) left.blocks.emplace_back(Text{text});
  report.sections.push_back(std::move(left));
  report.sections.push_back(section("Inputs", inputs_table(d)));
  return report;
}

std::string to_json(const Decision& d) {
  Json judged = Json::array(), inputs = Json::array();
  for (const Judged& j : d.judged) judged.push_back(judged_json(j));
  for (const Input& i : d.inputs) inputs.push_back(input_json(i));
  const Json out = {{"title", d.criteria.title},
                    {"verdict", name_of(d.verdict)},
                    {"reasons", d.reasons},
                    {"seed", d.criteria.seed},
                    {"draws", d.criteria.draws},
                    {"confidence", d.criteria.confidence},
                    {"records", d.records},
                    {"criteria", judged},
                    {"power_and_cost", lines_json(d.power_and_cost)},
                    {"fleet", lines_json(d.fleet)},
                    {"not_in_it", kNotInIt},
                    {"inputs", inputs}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace leto::study
