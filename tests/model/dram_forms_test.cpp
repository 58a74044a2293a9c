// The DRAM controller against closed forms, and each key of a grade against the traffic that it governs.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/hbm/clock_ratio.h"
#include "model/hbm/patterns.h"

namespace leto::model::test {
namespace {

HbmConfig policy(const char* refresh = "none", const char* map = "linear") {
  HbmConfig h;
  h.read_queue = h.write_queue = 32;
  h.write_high = 0.8;
  h.write_low = 0.2;
  h.refresh = refresh;
  h.address_map = map;
  h.row_policy = "open";
  return h;
}

struct Burst {
  std::uint64_t burst;
  bool write;
  Tick at;
};

/// The tick at which each burst completes.
std::vector<Tick> run(const ControllerSpec& spec, const std::vector<Burst>& bursts) {
  Controller controller(spec);
  std::vector<Tick> done(bursts.size());
  for (std::size_t i = 0; i < bursts.size(); ++i)
    controller.submit({bursts[i].burst, 1, bursts[i].write, static_cast<std::uint32_t>(i)}, bursts[i].at);
  while (controller.next() != Controller::kNever)
    controller.advance(controller.next(), [&](std::uint32_t tag, Tick tick, bool) { done[tag] = tick; });
  return done;
}

/// Bursts of the linear map by field; the column counts bursts.
struct Places {
  explicit Places(const ControllerSpec& spec, const DramTiming& d)
      : columns(static_cast<std::uint64_t>(d.row_bytes / d.burst_bytes)), geometry(spec.geometry) {}
  std::uint64_t operator()(int stack, int group, int bank, std::uint64_t row,
                           std::uint64_t column = 0) const {
    const int number = stack + geometry.stacks * (group + geometry.groups * bank);
    return column + columns * (static_cast<unsigned>(number) + static_cast<unsigned>(geometry.banks()) * row);
  }
  std::uint64_t columns;
  BankGeometry geometry;
};

constexpr const char* kGrades[] = {"hbm2_1600", "hbm2_2000",  "hbm2_2400",
                                   "hbm3_6400", "hbm3e_8000", "lpddr5_6400"};

}  // namespace

TEST_CASE("DRAM: an unloaded row hit takes CL + BL + 1, a miss RCD more, a conflict RP and RCD more") {
  for (const std::string name : kGrades) {
    CAPTURE(name);
    const DramTiming d = load_dram_timing(name);
    const ControllerSpec spec(d, policy());
    const Places place(spec, d);
    const CommandTiming& t = spec.timing;
    const Tick first = 0, later = 2000;  // even: the next tick may start any command
    const auto done = run(spec, {{place(0, 0, 0, 0), false, first},
                                 {place(0, 0, 0, 0, 1), false, later},
                                 {place(0, 0, 0, 1), false, 2 * later}});
    const auto rising = [&t](Tick tick) { return tick | (t.edges - 1); };
    CHECK(done[1] - later == t.read_latency + 1);
    CHECK(done[0] == rising(first + 1 + t.activate_to_read) + t.read_latency);
    const Tick activate = rising(2 * later + 1 + t.precharge_to_activate);
    CHECK(done[2] == rising(activate + t.activate_to_read) + t.read_latency);
  }
}

TEST_CASE("DRAM: streams reach the bus, or the long column gap, scattered bursts four to a window") {
  for (const std::string name : kGrades) {
    CAPTURE(name);
    const DramTiming d = load_dram_timing(name);
    const auto ticks_a_burst = [&](const char* map, Pattern pattern, std::uint64_t n) {
      const ControllerSpec spec(d, policy("none", map));
      return double(run_pattern(spec, d.burst_bytes, {pattern, Issue::sat, 1, n}).end) / double(n);
    };
    const CommandTiming t(d);
    const double streamed = ticks_a_burst("interleaved", Pattern::seq, 100000);
    CHECK(streamed == doctest::Approx(double(t.burst)).epsilon(0.06));
    CHECK(ticks_a_burst("linear", Pattern::seq, 100000) <= double(t.column_same_group));
    const double activates = std::max(double(t.activate_any), double(t.four_activates) / 4);
    CHECK(ticks_a_burst("linear", Pattern::rand, 20000) >= activates);
    // A refresh costs its time, and up to 4 % for the rows that it closes.
    const ControllerSpec refreshed(d, policy("all_bank", "interleaved"));
    const double with =
        double(run_pattern(refreshed, d.burst_bytes, {Pattern::seq, Issue::sat, 1, 100000}).end) / 100000;
    const double share = 1 - d.rfc_ns / d.refi_ns;
    CHECK(with >= double(t.burst) / share);
    CHECK(with <= streamed / share * 1.04);
  }
}

TEST_CASE("DRAM: every time of a grade moves the traffic that it governs") {
  struct Probe {
    const char* key;
    double DramTiming::*member;
    std::vector<Burst> bursts;
  };
  DramTiming d = load_dram_timing("hbm3_6400");
  const ControllerSpec spec(d, policy());
  const Places at(spec, d);
  const auto bank = [&](int i) { return at(i % 2, i / 2 % 4, i / 8, 5); };
  std::vector<Burst> streak, scattered, groups, writes;
  for (unsigned i = 0; i < 24; ++i) streak.push_back({at(0, 0, 0, 0, i), false, 0});
  for (int i = 0; i < 8; ++i) scattered.push_back({bank(2 * i), false, 0});
  for (int i = 0; i < 2; ++i) groups.push_back({at(0, i, 0, 0), false, 0});
  const auto turn =
      [&](int group) {  // a write into an open row, then a read of another group's open row, in time
        return std::vector<Burst>{{at(0, 0, 0, 0), false, 0},
                                  {at(0, group, 1, 0), false, 0},
                                  {at(0, 0, 0, 0, 1), true, 3000},
                                  {at(0, group, 1, 0, 1), false, 3004}};
      };
  const std::vector<Burst> pairs = {{at(0, 0, 0, 0), false, 0}, {at(0, 0, 1, 0), false, 0}};
  const auto write_then = [&](int bank,
                              std::uint64_t row) {  // a write that opens its row, drained, then a read
    return std::vector<Burst>{{at(0, 0, 0, 0), true, 0}, {at(0, 0, bank, row), false, 40}};
  };
  const std::vector<Probe> probes = {
      {"rcd_ns", &DramTiming::rcd_ns, {{at(0, 0, 0, 0), false, 0}}},
      {"cl_ns", &DramTiming::cl_ns, {{at(0, 0, 0, 0), false, 0}}},
      {"burst_ns", &DramTiming::burst_ns, {{at(0, 0, 0, 0), false, 0}}},
      {"rp_ns", &DramTiming::rp_ns, {{at(0, 0, 0, 0), false, 0}, {at(0, 0, 0, 1), false, 2000}}},
      {"ras_ns", &DramTiming::ras_ns, {{at(0, 0, 0, 0), false, 0}, {at(0, 0, 0, 1), false, 4}}},
      {"rc_ns", &DramTiming::rc_ns, {{at(0, 0, 0, 0), false, 0}, {at(0, 0, 0, 1), false, 4}}},
      {"ccd_l_ns", &DramTiming::ccd_l_ns, streak},
      {"rrd_s_ns", &DramTiming::rrd_s_ns, groups},
      {"rrd_l_ns", &DramTiming::rrd_l_ns, pairs},
      {"faw_ns", &DramTiming::faw_ns, scattered},
      {"wtr_l_ns", &DramTiming::wtr_l_ns, turn(0)},
      {"wtr_s_ns", &DramTiming::wtr_s_ns, turn(1)},
      {"cwl_ns", &DramTiming::cwl_ns, turn(1)},
      {"wr_ns", &DramTiming::wr_ns, write_then(0, 1)},
  };
  for (const Probe& probe : probes) {
    CAPTURE(probe.key);
    DramTiming slower = d;
    slower.*probe.member *= 1.2;
    if (slower.rc_ns < slower.ras_ns) slower.rc_ns = slower.ras_ns;
    const ControllerSpec before(d, policy()), after(slower, policy());
    CHECK(run(after, probe.bursts).back() > run(before, probe.bursts).back());
  }
}

TEST_CASE("DRAM: latency at low load has refresh as its tail") {
  const DramTiming d = load_dram_timing("hbm2_2000");
  const ControllerSpec spec(d, policy("all_bank"));
  std::vector<Burst> bursts;
  for (unsigned i = 0; i < 20000; ++i) bursts.push_back({i, false, i * 40u});
  const auto done = run(spec, bursts);
  std::vector<Tick> latency;
  for (std::size_t i = 0; i < done.size(); ++i) latency.push_back(done[i] - bursts[i].at);
  std::sort(latency.begin(), latency.end());
  const Tick unloaded = spec.timing.read_latency + 1;
  CHECK(latency.front() == unloaded);
  CHECK(double(latency[latency.size() * 99 / 100]) ==
        doctest::Approx(d.rfc_ns + double(unloaded)).epsilon(0.15));
}

TEST_CASE("DRAM: run lengths do not matter, a copy goes on where the original stood") {
  const DramTiming d = load_dram_timing("hbm3e_8000");
  const ControllerSpec spec(d, policy("per_bank", "interleaved"));
  Controller one(spec), many(spec);
  one.submit({100, 5000, false, 7}, 0);
  for (unsigned i = 0; i < 1000; ++i) many.submit({100 + 5 * i, 5, false, i}, 0);
  Tick end = 0, last = 0;
  const auto note = [](Tick& into) {
    return [&into](std::uint32_t, Tick tick, bool) { into = std::max(into, tick); };
  };
  one.advance(9000, note(end));
  Controller copy = one;
  copy.advance(1000000, note(end));
  many.advance(1000000, note(last));
  CHECK(end == last);
  Tick original = 0;
  one.advance(1000000, note(original));
  CHECK(original == end);
}

TEST_CASE("clock ratio: ticks and cycles round up, exactly") {
  const ClockRatio ratio(1900.0, 0.5 / 2);  // a cycle is 1/1.9 ns, a tick 0.25 ns
  CHECK(ratio.tick_of(19) == 40);
  CHECK(ratio.cycle_of(40) == 19);
  CHECK(ratio.tick_of(1) == 3);
  CHECK(ratio.cycle_of(3) == 2);
  for (std::uint64_t n = 1; n < 1000; ++n) {
    CHECK((ratio.tick_of(n) - 1) * 19 < n * 40);
    CHECK(ratio.tick_of(n) * 19 >= n * 40);
    CHECK((ratio.cycle_of(n) - 1) * 40 < n * 19);
    CHECK(ratio.cycle_of(n) * 40 >= n * 19);
  }
  const std::uint64_t far = std::uint64_t{1} << 52;
  CHECK(ratio.cycle_of(far * 40) == far * 19);
}

}  // namespace leto::model::test
