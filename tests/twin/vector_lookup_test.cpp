// The vector engine's lookup path in RTL against base/math.h: random commands, every bit and every cycle.
#include <doctest/doctest.h>

#include <cmath>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/twin/lookup_programs.h"
#include "model/twin/rounding_edges.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const ChipConfig config = load_chip(chip);
  LookupChecker checker(config, {"", TwinMode::check, 1, {}}, chip, seed);
  LookupPrograms programs(config, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  const TwinCount& counted = checker.comparison().count();
  CHECK(counted.mismatches == 0);
  for (const auto& [arm, times] : programs.arms) CHECK_MESSAGE(times * 50 > count, arm, " ", times);
  CHECK(programs.arms.size() == 6 + 5 + 6 + 5);  // operations, types, kinds, others
  MESSAGE(chip << " vector_lookup: " << count << " commands, " << counted.cycles_compared << " cycles, "
               << counted.values_compared << " values");
}

/// What a checker says of commands; empty: nothing.
std::string finding(LookupChecker& checker, const std::vector<LookupRun>& runs) {
  try {
    for (const LookupRun& run : runs) checker.add(run);
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::mismatch);
    return error.what();
  }
  return "";
}

std::vector<LookupRun> some(const ChipConfig& chip, std::uint64_t seed, int count) {
  LookupPrograms programs(chip, seed);
  std::vector<LookupRun> all;
  for (int i = 0; i < count; ++i) all.push_back(programs.next());
  return all;
}

}  // namespace

TEST_CASE("twin: random lookups hold results beside the ties of each narrower type") {
  LookupPrograms programs(load_chip("tiny"), 1);
  std::map<DType, int> near, beyond;
  for (int i = 0; i < 1000; ++i) {
    const LookupRun run = programs.next();
    if (run.type == DType::fp32) continue;
    for (const std::uint32_t x : run.x) {
      const double value = std::fabs(std::bit_cast<float>(looked_up(run.op, DType::fp32, x)));
      std::uint32_t narrow = 0;
      store_element(run.type, reinterpret_cast<std::byte*>(&narrow), 0, static_cast<float>(value));
      if (!(value > 0x1p-5 && value < 0x1p8)) continue;
      for (const std::uint32_t magnitude : {narrow - 1, narrow}) {
        const double off = value / tie_behind(run.type, magnitude) - 1;
        if (std::fabs(off) < 0x1p-20) ++(off > 0 ? beyond : near)[run.type];
      }
    }
  }
  for (const DType type : {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2})
    CHECK_MESSAGE(std::min(near[type], beyond[type]) > 100, name_of(type), " ", near[type], " ",
                  beyond[type]);
}

TEST_CASE("twin: random lookups differ in no bit and no cycle") {
  if (!rtl::has_rtl()) return;
  check_programs("tiny", 1200, 1);
  check_programs("pilot", 1000, 2);
}

TEST_CASE("twin: a fault in each signal of a lookup is found where it was planted") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  for (const auto signal : kLookupSignals) {
    LookupChecker checker(chip, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, "x", 3);
    const std::string found = finding(checker, some(chip, 3, 60));
    CHECK_MESSAGE(found.find(fmt::format(" {}", signal)) != std::string::npos, signal, ": ", found);
    CHECK(checker.comparison().count().cycles_compared >= 300);
  }
}

TEST_CASE("twin: a lookup with a cycle too few or a wrong bit is found") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  LookupRun run = some(chip, 4, 1).front();
  run.idle.clear();
  run.held.clear();
  const auto rate = static_cast<std::size_t>(chip.vector_engine.elements_per_cycle);
  run.row = static_cast<int>(run.x.size());
  run.finish =
      run.start + (run.x.size() + rate - 1) / rate + static_cast<Cycle>(chip.vector_engine.latency_cycles);
  const auto found = [&](const LookupRun& wrong) {
    LookupChecker checker(chip, {"", TwinMode::check, 1, {}}, "x", 1);
    return finding(checker, {wrong});
  };
  CHECK(found(run) == "");
  LookupRun early = run;
  --early.finish;
  CHECK(found(early).find("y_valid") != std::string::npos);
  run.result.back() ^= 1;
  CHECK(found(run).find("y_data[") != std::string::npos);
}
