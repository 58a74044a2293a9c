// The report as JSON: the same cells, with the exact number behind each.
#include <cmath>

#include "study/record_keys.h"
#include "study/report/report.h"

namespace leto::study {
namespace {

Json to_document(const Cell& cell) {
  Json out = {{"text", cell.text}};
  if (cell.number) out["number"] = *cell.number;
  if (!cell.from.empty()) out["from"] = cell.from;
  return out;
}

struct BlockWriter {
  Json operator()(const Text& text) const { return {{"type", "text"}, {"text", text.text}}; }
  Json operator()(const Tiles& tiles) const {
    Json items = Json::array();
    for (const auto& tile : tiles.tiles)
      items.push_back({{"label", tile.label}, {"value", to_document(tile.value)}, {"note", tile.note}});
    return {{"type", "tiles"}, {"tiles", items}};
  }
  Json operator()(const Table& table) const {
    Json columns = Json::array(), from = Json::array(), rows = Json::array();
    for (const Column& column : table.columns) {
      columns.push_back(column.name);
      from.push_back(column.from);
    }
    for (const auto& row : table.rows) {
      Json cells = Json::array();
      for (const Cell& cell : row) cells.push_back(to_document(cell));
      rows.push_back(cells);
    }
    return {{"type", "table"}, {"caption", table.caption}, {"columns", columns}, {"from", from},
            {"rows", rows},    {"note", table.note}};
  }
  Json operator()(const StackedBars& bars) const {
    Json items = Json::array();
    for (const auto& bar : bars.bars) items.push_back({{"label", bar.label}, {"parts", bar.parts}});
    return {{"type", "bars"}, {"caption", bars.caption}, {"legend", bars.legend}, {"bars", items}};
  }
  Json operator()(const IntervalBars& bars) const {
    Json items = Json::array();
    for (const auto& bar : bars.bars)
      items.push_back({{"label", bar.label},
                       {"value", bar.value},
                       {"low", bar.low},
                       {"high", bar.high},
                       {"estimate", bar.estimate}});
    return {{"type", "interval_bars"}, {"caption", bars.caption}, {"unit", bars.unit}, {"bars", items}};
  }
  Json operator()(const LineChart& chart) const {
    Json line = {{"type", "line"},
                 {"caption", chart.caption},
                 {"x", chart.x_label},
                 {"y", chart.y_label},
                 {"values", chart.y}};
    if (chart.reference)
      line["reference"] = {{"label", chart.reference->label}, {"values", chart.reference->y}};
    return line;
  }
  Json operator()(const Lanes& chart) const {
    Json lanes = Json::array();
    for (const auto& lane : chart.lanes) lanes.push_back({{"label", lane.label}, {"shares", lane.shares}});
    Json out = {{"type", "lanes"}, {"caption", chart.caption}, {"seconds", chart.seconds}, {"lanes", lanes}};
    if (chart.mark)
      out["mark"] = {{"label", chart.mark->label}, {"from", chart.mark->from}, {"to", chart.mark->to}};
    return out;
  }
  Json operator()(const Roofline& chart) const {
    Json slopes = Json::array(), points = Json::array();
    for (const auto& slope : chart.slopes)
      slopes.push_back({{"label", slope.label}, {"bytes_per_s", slope.bytes_per_s}});
    for (const auto& point : chart.points)
      points.push_back({{"label", point.label},
                        {"title", point.title},
                        {"intensity", point.intensity},
                        {"flops", point.flops}});
    return {{"type", "roofline"},
            {"caption", chart.caption},
            {"peak_flops", chart.peak_flops},
            {"slopes", slopes},
            {"points", points}};
  }
};

}  // namespace

std::string to_json(const Report& report) {
  Json sections = Json::array();
  for (const Section& section : report.sections) {
    Json blocks = Json::array();
    for (const Block& block : section.blocks) blocks.push_back(std::visit(BlockWriter{}, block));
    sections.push_back({{"heading", section.heading}, {"level", section.level}, {"blocks", blocks}});
  }
  const Json out = {{"title", report.title}, {"subtitle", report.subtitle}, {"sections", sections}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace leto::study
