// The report of one or more runs: one intermediate structure, printed as HTML, Markdown and JSON, so that the
// three cannot differ. A chart is drawn in HTML only; its figures always stand in a table beside it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "study/baseline.h"
#include "study/record.h"

namespace leto::study {

struct Cell {
  std::string text;              // as every format shows it, unit included where the column has none
  std::optional<double> number;  // the exact figure behind it, for JSON and for bars
  std::string from = {};         // where it comes from, when its column does not say
};

struct Column {
  std::string name;
  bool numeric = false;  // right-aligned
  bool bar = false;      // the number is a share of 1: HTML draws it behind the text
  /// Where its figures come from, several with commas: a key of record.json as docs/counters.md has it
  /// ("record:ops[].cycles"), a figure or a row of a baseline ("baseline:h100-sxm/peak_bf16"), or a table of
  /// facts
  /// ("table:energy"). A figure of several is computed from them.
  std::string from = {};
};

struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::string note;      // what the reader must know to read it right
  bool explore = false;  // long: HTML lets the reader sort and filter it
};

/// Headline figures.
struct Tiles {
  struct Tile {
    std::string label;
    Cell value;
    std::string note;
  };
  std::vector<Tile> tiles;
};

/// Horizontal bars whose parts are shares of 1. The last part is drawn as background (idle).
struct StackedBars {
  std::string caption;
  std::vector<std::string> legend;
  struct Bar {
    std::string label;
    std::vector<double> parts;
  };
  std::vector<Bar> bars;
};

/// Figures beside each other, each with its interval.
struct IntervalBars {
  std::string caption, unit;
  struct Bar {
    std::string label;
    double value, low, high;
    bool estimate;  // drawn in another colour than what was simulated
  };
  std::vector<Bar> bars;
};

struct LineChart {
  std::string caption, x_label, y_label;
  std::vector<double> y;  // at x = 1, 2, …; NaN leaves a gap
  struct Reference {
    std::string label;
    std::vector<double> y;
  };
  std::optional<Reference> reference = {};  // to be held against: dashed
};

/// Attained FLOP/s over FLOP per byte of device memory, both axes logarithmic.
struct Roofline {
  std::string caption;
  double peak_flops = 0;
  struct Slope {
    std::string label;
    double bytes_per_s;
  };
  std::vector<Slope> slopes;
  struct Point {
    std::string label;  // inside the point; empty: a small one
    double intensity, flops;
    std::string title = {};  // shown when pointed at
  };
  std::vector<Point> points;
};

/// Shares of 1 over time, a lane each, all of one length; a span of time can be marked.
struct Lanes {
  std::string caption;
  double seconds = 0;  // at the right edge, from 0
  struct Lane {
    std::string label;
    std::vector<double> shares;
  };
  std::vector<Lane> lanes;
  struct Mark {
    std::string label;
    double from, to;  // seconds
  };
  std::optional<Mark> mark = {};
};

struct Text {
  std::string text;
};

using Block = std::variant<Text, Tiles, Table, StackedBars, IntervalBars, LineChart, Roofline, Lanes>;

struct Section {
  std::string heading;
  int level = 2;  // of the heading: 2 or 3
  std::vector<Block> blocks;
};

struct Report {
  std::string title, subtitle;
  std::vector<Section> sections;
};

/// Throws Error(usage) when there is no record.
Report build_report(const std::vector<Record>& records, const std::vector<Baseline>& baselines);

/// One self-contained file: nothing loaded from elsewhere; its one script (script.h) only sorts, filters and
/// zooms.
std::string to_html(const Report& report);
std::string to_markdown(const Report& report);
std::string to_json(const Report& report);

}  // namespace leto::study
