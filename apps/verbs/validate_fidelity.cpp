// The coarser fidelities beside full detail: the same layer on variants of a chip.
#include <algorithm>
#include <cmath>
#include <random>

#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"
#include "study/rank_correlation.h"

namespace leto::verbs {
namespace {

constexpr std::uint64_t kSeed = 6;
constexpr double kNear = 1.03;  // what tells a variant from its close neighbour
constexpr std::size_t kWorst = 5;

struct Variant {
  std::int64_t rows, columns, sram_mib, channels;
  double clock_mhz;

  std::vector<std::string> set() const {
    return {fmt::format("pe.rows={}", rows), fmt::format("pe.columns={}", columns),
            fmt::format("sram.bytes={}", sram_mib << 20), fmt::format("hbm.channels={}", channels),
            fmt::format("pe.clock_mhz={:.1f}", clock_mhz)};
  }
  std::string text() const {
    return fmt::format("{} x {} PEs, {} MiB, {} channels, {:.0f} MHz", rows, columns, sram_mib, channels,
                       clock_mhz);
  }
};

/// Pairs of neighbours: the second differs from the first in SRAM, channels or clock, in turn.
std::vector<Variant> draw(int pairs) {
  std::mt19937_64 random(kSeed);
  const auto between = [&random](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  const auto near = [](std::int64_t value) { return std::llround(kNear * static_cast<double>(value)); };
  std::vector<Variant> variants;
  for (int i = 0; i < pairs; ++i) {
    Variant one{between(4, 14), between(3, 8), between(34, 256), between(34, 224),
                static_cast<double>(between(1000, 2200))};
    variants.push_back(one);
    if (i % 3 == 0) one.sram_mib = near(one.sram_mib);
    if (i % 3 == 1) one.channels = near(one.channels);
    if (i % 3 == 2) one.clock_mhz *= kNear;
    variants.push_back(one);
  }
  return variants;
}

using Settings = std::map<std::string, std::int64_t, std::less<>>;

/// What is simulated on every variant: AdamW's step of one layer of GPT-2.
struct Layer {
  const char* name;
  Settings settings;
};

const Layer kLayers[] = {
    {"as it is (4 x 512 tokens, 2048 words)",
     {{"layers", 1}, {"batch", 4}, {"seq", 512}, {"vocabulary", 2048}}},
    // Its kernels are so short that latencies are most of it: what event leaves out counts most.
    {"narrow (width 384, 4 x 128 tokens, 512 words)",
     {{"layers", 1}, {"batch", 4}, {"seq", 128}, {"width", 384}, {"heads", 6}, {"vocabulary", 512}}},
};

host::Workload workload_of(const Layer& layer, const Variant& variant) {
  host::Workload workload{"gpt2-small", layer.settings};
  workload.recipe = "optimizer = \"adamw\"\nprecision = \"bf16\"\n";
  workload.chip = "pilot";
  workload.set = variant.set();
  return workload;
}

struct Times {
  std::vector<double> full, event, roofline;  // seconds of a step, by variant
};

Times simulate(const Layer& layer, const std::vector<Variant>& variants, int jobs) {
  std::vector<host::Workload> all;
  for (const Variant& variant : variants)
    for (int fidelity = 0; fidelity < 3; ++fidelity) {
      all.push_back(workload_of(layer, variant));
      all.back().event = fidelity == 1;
      all.back().roofline = fidelity == 2;
    }
  const auto records = host::records_of(all, jobs);
  Times times;
  for (std::size_t i = 0; i < records.size(); i += 3) {
    times.full.push_back(records[i]["seconds"]);
    times.event.push_back(records[i + 1]["seconds"]);
    times.roofline.push_back(records[i + 2]["seconds"]);
  }
  return times;
}

/// A pair that event puts in the other order than full.
struct Swapped {
  std::size_t slower, faster;  // in full
  double full, event;          // times of the one over the other
};

std::vector<Swapped> swapped(const Times& times) {
  std::vector<Swapped> pairs;
  for (std::size_t i = 0; i < times.full.size(); ++i)
    for (std::size_t j = 0; j < times.full.size(); ++j)
      if (times.full[i] > times.full[j] && times.event[i] < times.event[j])
        pairs.push_back({i, j, times.full[i] / times.full[j], times.event[i] / times.event[j]});
  std::ranges::sort(pairs, std::greater{}, [](const Swapped& pair) { return pair.full / pair.event; });
  return pairs;
}

study::Check shown(std::string name, const char* unit, double expected, double measured) {
  study::Check check{std::move(name), unit, expected, measured};
  check.judged = false;
  return check;
}

void add_errors(std::vector<study::Check>& checks, const char* name, const Times& times,
                const std::vector<double>& other) {
  std::vector<double> ratios;
  double mean = 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    ratios.push_back(other[i] / times.full[i]);
    mean += ratios.back() / static_cast<double>(other.size());
  }
  checks.push_back(shown(fmt::format("{}, time over full's, mean", name), "", 1, mean));
  checks.push_back(shown(fmt::format("{}, time over full's, least", name), "", 1, std::ranges::min(ratios)));
  checks.push_back(shown(fmt::format("{}, time over full's, most", name), "", 1, std::ranges::max(ratios)));
}

/// A layer's figures, each name with the layer's.
std::vector<study::Check> checks_of(const Layer& layer, const std::vector<Variant>& variants, int jobs,
                                    bool quick) {
  const Times times = simulate(layer, variants, jobs);
  std::vector<study::Check> checks;
  study::Check tau{fmt::format("event, Kendall's tau-b with full, {} variants", variants.size()),
                   "",
                   1,
                   study::kendall_tau_b(times.full, times.event),
                   -0.05,
                   0.05};
  tau.judged = !quick;
  checks.push_back(tau);
  checks.push_back(
      shown("roofline, Kendall's tau-b with full", "", 1, study::kendall_tau_b(times.full, times.roofline)));
  add_errors(checks, "event", times, times.event);
  add_errors(checks, "roofline", times, times.roofline);
  const auto pairs = swapped(times);
  checks.push_back(
      shown("pairs that event puts in the other order", "", 0, static_cast<double>(pairs.size())));
  for (const Swapped& pair : std::span(pairs).first(std::min(kWorst, pairs.size())))
    checks.push_back(
        shown(fmt::format("{} over {}", variants[pair.slower].text(), variants[pair.faster].text()),
              "of the time", pair.full, pair.event));
  for (study::Check& check : checks) check.name = fmt::format("layer {}: {}", layer.name, check.name);
  return checks;
}

}  // namespace

study::Suite validate_fidelity(int jobs, bool quick) {
  const auto variants = draw(quick ? 3 : 30);
  study::Suite suite{
      "fidelity",
      "AdamW's step of one GPT-2 layer on variants of pilot: 4-14 x 3-8 PEs, 34-256 MiB of SRAM, 34-224 HBM "
      "channels, 1000-2200 MHz, half of them 3 % from another in one of the last three",
      {}};
  for (const Layer& layer : kLayers)
    for (study::Check& check : checks_of(layer, variants, jobs, quick))
      suite.checks.push_back(std::move(check));
  return suite;
}

}  // namespace leto::verbs
