// The reduction engine's RTL against the model's block: random commands, every cycle and every bit.
#include <doctest/doctest.h>

#include <cmath>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/twin/reduction_checker.h"
#include "model/twin/reduction_programs.h"
#include "model/twin/rounding_edges.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;
using isa::Opcode;

namespace {

using Programs = ReductionPrograms;

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const ChipConfig config = load_chip(chip);
  ReductionChecker checker(config, {"", TwinMode::check, 1, {}}, chip, seed);
  Programs programs(config, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  checker.flush();
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  CHECK(counted.cycles_compared > static_cast<std::uint64_t>(count) * 16);
  for (const char* arm : {"drain",       "fill",
                          "pass",        "merge",
                          "to fp32",     "to bf16",
                          "to fp16",     "to fp8_e4m3",
                          "to fp8_e5m2", "a short beat",
                          "after a gap", "follows",
                          "stalled",     "stalled anywhere",
                          "kind 0",      "kind 1",
                          "kind 2",      "kind 3",
                          "kind 4",      "kind 5",
                          "kind 6",      "sums that tie"})
    CHECK_MESSAGE(programs.arms[arm] * 50 > count, arm, " ", programs.arms[arm]);
  MESSAGE(chip << " reduction_engine: " << count << " commands, " << counted.cycles_compared << " cycles, "
               << counted.values_compared << " values");
}

/// The finding of a command that does not fit; empty: none.
std::string finding(const ReductionRun& run) {
  ReductionChecker checker(load_chip("tiny"), {"", TwinMode::check, 1, {}}, "x", 1);
  try {
    checker.add(run);
    checker.flush();
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::mismatch);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("twin: random reductions differ in no bit and no cycle") {
  if (!rtl::has_rtl()) return;
  check_programs("tiny", 1500, 1);
  check_programs("pilot", 1500, 2);
}

TEST_CASE("twin: a thousand reductions hold every side of every rounding many times") {
  ReductionPrograms programs(load_chip("tiny"), 1);
  for (int i = 0; i < 1000; ++i) programs.next();
  CHECK(programs.edges.size() == 4 * kRoundingSides.size() * kRoundingPlaces.size());
  for (const auto& [edge, count] : programs.edges) CHECK_MESSAGE(count > 40, edge, " ", count);
}

TEST_CASE("twin: edges of a rounding are ties and the numbers one unit beside them") {
  std::mt19937_64 random(1);
  for (const DType type : {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2})
    for (int i = 0; i < 4000; ++i) {
      const RoundingEdge edge = rounding_edge(random, type, i % 4 == 0);
      CAPTURE(name_of(type));
      CAPTURE(edge.bits);
      const std::uint32_t magnitude = edge.bits & 0x7fffffff;
      const auto rounded = [&](std::uint32_t bits) {
        std::uint32_t narrow = 0;
        store_element(type, reinterpret_cast<std::byte*>(&narrow), 0, std::bit_cast<float>(bits));
        return narrow;
      };
      // A unit beside a tie decides, beside a number it does not. Beyond E4M3's last number there is none.
      const bool last = type == DType::e4m3 && rounded(magnitude) == 0x7e;
      if (edge.side == RoundingSide::below_tie && !last)
        CHECK(rounded(magnitude) + 1 == rounded(magnitude + 2));
      if (edge.side == RoundingSide::above_tie && !last)
        CHECK(rounded(magnitude) == rounded(magnitude - 2) + 1);
      if (edge.side == RoundingSide::tie && !last) {
        CHECK(rounded(magnitude - 1) + 1 == rounded(magnitude + 1));
        CHECK(rounded(magnitude) % 2 == 0);
      }
      if (edge.side == RoundingSide::above_number) CHECK(rounded(magnitude) == rounded(magnitude - 1));
    }
}

TEST_CASE("twin: terms of a sum are half a unit of its last place apart or one unit off that") {
  std::mt19937_64 random(1);
  int ties = 0, up = 0, down = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto [a, b] = rounding_terms(random, i % 2 == 0);
    const double x = std::bit_cast<float>(a), y = std::bit_cast<float>(b);
    const double large = std::max(std::fabs(x), std::fabs(y)), small = std::min(std::fabs(x), std::fabs(y));
    const double share = small / (std::ldexp(1.0, std::ilogb(large)) * 0x1p-24);
    CHECK(std::fabs(share - 1) < 0x1p-22);
    ++(share == 1 ? ties : share > 1 ? up : down);
  }
  CHECK(std::min({ties, up, down}) > 500);
}

TEST_CASE("twin: a fault in each signal of a reduction is found where it was planted") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  for (const auto signal : kReductionSignals) {
    ReductionChecker checker(chip, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, "x",
                             3);
    Programs programs(chip, 3);
    std::string found;
    try {
      for (int i = 0; i < 60; ++i) checker.add(programs.next());
    } catch (const Error& error) {
      found = error.what();
    }
    CHECK_MESSAGE(found.find(fmt::format(" {}", signal)) != std::string::npos, signal, ": ", found);
    CHECK(checker.comparison().count().cycles_compared >= 300);
    CHECK(checker.comparison().count().mismatches == 1);
  }
}

TEST_CASE("twin: a cycle too many or too few of a reduction is found and so is a wrong bit") {
  if (!rtl::has_rtl()) return;
  Programs programs(load_chip("tiny"), 4);
  for (int i = 0; i < 20; ++i) {
    ReductionRun run = programs.next();
    CHECK(finding(run) == "");
    for (const int by : {-1, 1}) {
      ReductionRun wrong = run;
      wrong.finish += static_cast<Cycle>(by);
      CHECK(finding(wrong) != "");
    }
    run.result.back() ^= 1;
    CHECK(finding(run).find("data[") != std::string::npos);
  }
}

TEST_CASE("twin: the reduction engine's RTL in the model's place gives the same bits") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  ReductionChecker checker(chip, {"", TwinMode::rtl, 1, {}}, "x", 5);
  Programs programs(chip, 5);
  for (int i = 0; i < 50; ++i) {
    const ReductionRun run = programs.next();
    CHECK(checker.compute(run) == run.result);
  }
}
