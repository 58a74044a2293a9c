// Logs of twins: what a checker keeps is enough to come to the same difference again, whatever happened before.
#include "model/twin/replay.h"

#include <doctest/doctest.h>

#include <random>

#include "isa/ops/matmul_kernel.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

const TwinSpec kCheck = {"", TwinMode::check, 1, {}};

/// Merges of random bits, each as long as the engine needs; `gap`: cycles before it.
ReductionRun merge(std::mt19937& random, const ReductionEngineConfig& engine, Cycle& now, Cycle gap, int count) {
  ReductionRun run;
  run.op = isa::Opcode::merge;
  run.count = count;
  for (int i = 0; i < count; ++i) {
    const float a = static_cast<float>(random() % 1000), b = static_cast<float>(random() % 1000);
    run.banks.push_back(std::bit_cast<std::uint32_t>(a));
    run.incoming.push_back(std::bit_cast<std::uint32_t>(b));
    run.result.push_back(std::bit_cast<std::uint32_t>(a + b));
  }
  run.start = now + gap;
  run.finish = run.start + static_cast<Cycle>((count + engine.elements_per_cycle - 1) / engine.elements_per_cycle +
                                              engine.latency_cycles);
  run.command = "merge";
  run.operation = "sum";
  now = run.finish;
  return run;
}

std::optional<Finding> found_by(ReductionChecker& checker, std::vector<ReductionRun> runs) {
  try {
    for (ReductionRun& run : runs) checker.add(std::move(run));
    checker.flush();
  } catch (const TwinMismatch& mismatch) {
    return mismatch.finding();
  }
  return std::nullopt;
}

TwinLog log_of(const ChipConfig& chip, const Finding& finding, const ReductionChecker& checker) {
  TwinLog log;
  log.block = TwinBlock::reduction_engine;
  log.chip = chip;
  log.spec = checker.comparison().spec();
  log.finding = finding;
  log.commands = checker.log();
  return log_from_bytes(to_bytes(log), "log");
}

void check_same(const std::optional<Finding>& again, const Finding& first) {
  REQUIRE(again);
  CHECK(again->cycle == first.cycle);
  CHECK(again->compared_cycle == first.compared_cycle);
  CHECK(again->text() == first.text());
}

}  // namespace

TEST_CASE("twin: a log that began anew at a gap reproduces the difference") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  std::mt19937 random(1);
  Cycle now = 100;
  std::vector<ReductionRun> runs;
  std::size_t bytes = 0;
  while (bytes < kLogBytes * 3 / 2) {
    runs.push_back(merge(random, chip.reduction_engine, now, random() % 2, 2000));
    bytes += runs.back().bytes();
  }
  runs.back().result[1234] ^= 1;
  ReductionChecker checker(chip, kCheck, "pe[1].reduction_engine", 7);
  const std::size_t all = runs.size();
  const auto first = found_by(checker, std::move(runs));
  REQUIRE(first);
  CHECK(first->signal == fmt::format("data[{}]", 1234 % chip.reduction_engine.elements_per_cycle));
  CHECK(!checker.log().primed);
  CHECK(checker.log().runs.size() < all);
  check_same(replay(log_of(chip, *first, checker)), *first);
}

TEST_CASE("twin: a log that begins within a sequence is primed and reproduces the difference") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  std::mt19937 random(2);
  Cycle now = 100;
  std::vector<ReductionRun> runs;
  for (int i = 0; i < 40; ++i) runs.push_back(merge(random, chip.reduction_engine, now, 0, 300));
  runs[35].result[299] ^= 1;
  ReductionChecker checker(chip, kCheck, "pe[1].reduction_engine", 7);
  const auto first = found_by(checker, runs);
  REQUIRE(first);
  ReductionChecker::Log whole = checker.log();
  ReductionChecker::Log cut;
  cut.primed = true;
  cut.from = whole.from;
  for (std::size_t i = 0; i < whole.runs.size(); ++i)
    if (i >= 30)
      cut.runs.push_back(whole.runs[i]);
    else
      cut.from.cycles_compared += whole.runs[i].finish - whole.runs[i].start;
  cut.from.cycles_compared += cut.runs.front().finish - cut.runs.front().start;
  TwinLog log = log_of(chip, *first, checker);
  log.commands = cut;
  check_same(replay(log), *first);
}

TEST_CASE("twin: a command log keeps to its bound and counts the cycles of what it drops") {
  struct Run {
    Cycle start, finish;
    std::size_t bytes() const { return kLogMost / 8; }
    std::uint64_t cycles() const { return finish - start; }
  };
  CommandLog<Run> log;
  for (Cycle i = 0; i < 20; ++i) log.add({i * 10, i * 10 + 10}, {i * 10 + 5, 0});
  CHECK(log.primed);
  CHECK(log.bytes <= kLogMost);
  CHECK(log.runs.size() == 8);
  CHECK(log.from.cycles_compared == 5 + log.runs[1].start);
}

TEST_CASE("twin: the window around a difference has both sides and ends behind it") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  std::mt19937 random(3);
  Cycle now = 100;
  std::vector<ReductionRun> runs;
  for (int i = 0; i < 60; ++i) runs.push_back(merge(random, chip.reduction_engine, now, 0, 300));
  runs[20].result[5] ^= 1;
  ReductionChecker checker(chip, kCheck, "x", 7);
  const auto first = found_by(checker, runs);
  REQUIRE(first);
  TwinLog log = log_of(chip, *first, checker);
  std::get<ReductionChecker::Log>(log.commands).runs.assign(runs.begin(), runs.end());
  TwinWindow window(first->cycle);
  check_same(replay(log, &window), *first);
  const Cycle ended = first->cycle + TwinWindow::kAfter;
  CHECK(window.value(first->cycle, "model.data_5") != window.value(first->cycle, "rtl.data_5"));
  CHECK(window.value(first->cycle, "model.data_6") == window.value(first->cycle, "rtl.data_6"));
  CHECK(window.value(ended, "rtl.w_valid").has_value());
  CHECK(!window.value(ended + 1, "rtl.w_valid"));
  CHECK(window.value(first->cycle - TwinWindow::kBefore, "rtl.w_valid").has_value());
  CHECK(!window.value(first->cycle - TwinWindow::kBefore - 1, "rtl.w_valid"));
}
