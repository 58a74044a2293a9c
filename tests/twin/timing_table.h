// Tables of time fitted to the RTL alone: sweeps of shapes, types and stalls, cycles counted at the block's
// own pins. The fast tier sweeps again and holds it against rtl/timing/<block>.tsv and against what the model
// charges. LETO_RENEW_TIMING=1 writes the tables.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "base/files.h"
#include "rtl/block.h"

namespace leto::model::timing {

inline constexpr int kLongest = 100000;  // clocks; an RTL that never ends

/// One command of a sweep: work in the unit that its time is linear in (beats, vectors streamed), cycles by
/// RTL and model.
struct Point {
  std::string kind;
  std::int64_t work;
  std::int64_t rtl;
  std::optional<std::int64_t> charged;  // none: the model has no such time
  std::int64_t size;                    // of the shape, for the valid range
};

/// cycles = slope * work + offset, through a kind's smallest and largest work; residual: the largest distance
/// from it.
struct Form {
  std::int64_t slope = 0, offset = 0, residual = 0, from = 0, to = 0;
  int points = 0;
};

inline std::map<std::string, Form> fit(const std::vector<Point>& points) {
  std::map<std::string, std::vector<Point>> kinds;
  for (const Point& p : points) kinds[p.kind].push_back(p);
  std::map<std::string, Form> forms;
  for (const auto& [kind, own] : kinds) {
    const auto [low, high] = std::ranges::minmax(own, {}, &Point::work);
    REQUIRE(high.work > low.work);
    Form f;
    f.slope = (high.rtl - low.rtl) / (high.work - low.work);
    f.offset = low.rtl - f.slope * low.work;
    f.from = std::ranges::min(own, {}, &Point::size).size;
    f.to = std::ranges::max(own, {}, &Point::size).size;
    f.points = static_cast<int>(own.size());
    for (const Point& p : own)
      f.residual = std::max(f.residual, std::abs(p.rtl - f.slope * p.work - f.offset));
    forms[kind] = f;
  }
  return forms;
}

inline std::string rows(const std::map<std::string, Form>& forms, const std::string& chip) {
  std::string text;
  for (const auto& [kind, f] : forms)
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{} to {}\t{}\n", chip, kind, f.slope, f.offset, f.residual,
                        f.from, f.to, f.points);
  return text;
}

/// Without the first line, which says what it was made with.
inline std::string body(const std::string& text) {
  return text.substr(std::min(text.size(), text.find('\n') + 1));
}

inline void check_table(const std::string& block, const std::string& unit,
                        const std::map<std::string, std::vector<Point>>& sweeps) {
  std::string table = fmt::format("chip\tkind\tcycles a {}\tfixed cycles\tresidual\tvalid\tpoints\n", unit);
  std::string hashes;
  for (const auto& [chip, points] : sweeps) {
    hashes += fmt::format(", config {} {:016x}", chip, config_hash(load_chip(chip)));
    table += rows(fit(points), chip);
    for (const Point& p : points)
      CHECK_MESSAGE(p.rtl == p.charged.value_or(p.rtl), chip, " ", p.kind, ": RTL ", p.rtl, ", model ",
                    p.charged.value_or(p.rtl), " cycles, size ", p.size);
  }
  table =
      fmt::format("# RTL {:016x}, Verilator {}{}\n", rtl::rtl_hash(), LETO_VERILATOR_VERSION, hashes) + table;
  const std::filesystem::path file = std::filesystem::path(LETO_SOURCE_DIR) / "rtl/timing" / (block + ".tsv");
  if (std::getenv("LETO_RENEW_TIMING")) write_atomically(file, table);
  REQUIRE_MESSAGE(std::filesystem::exists(file), "run test_twin with LETO_RENEW_TIMING=1");
  CHECK_MESSAGE(
      body(read_text(file)) == body(table),
      "the RTL's time is not that of the table; renew it with LETO_RENEW_TIMING=1 if it is meant:\n", table);
}

inline int pin(const rtl::Block& block, std::string_view name) {
  const auto& ports = block.ports();
  return static_cast<int>(std::ranges::find(ports, name, &rtl::Port::name) - ports.begin());
}

}  // namespace leto::model::timing
