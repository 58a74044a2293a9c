// The DRAM controller against a tick-by-tick oracle: every completion at the same tick.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "model/hbm/controller.h"
#include "tests/model/dram_oracle.h"

namespace leto::model::test {
namespace {

using Done = DramOracle::Done;

HbmConfig policy() {
  HbmConfig h;
  h.read_queue = h.write_queue = 32;
  h.write_high = 0.8;
  h.write_low = 0.2;
  h.refresh = "all_bank";
  h.address_map = "linear";
  h.row_policy = "open";
  return h;
}

struct Arrival {
  Run run;
  Tick at;
};

/// Grade, policy and traffic drawn from a seed.
struct Trial {
  explicit Trial(std::uint64_t seed, int runs) : random(seed) {
    static constexpr const char* kGrades[] = {"hbm2_2000", "hbm3_6400", "hbm3e_8000", "lpddr5_6400"};
    grade = load_dram_timing(kGrades[draw(4)]);
    static constexpr int kQueues[] = {1, 2, 7, 16, 32, 64};
    hbm = policy();
    hbm.read_queue = kQueues[draw(6)];
    hbm.write_queue = kQueues[draw(6)];
    if (draw(3) == 0) hbm.write_high = 0.5, hbm.write_low = 0.5;
    static constexpr const char* kRefresh[] = {"all_bank", "per_bank", "none"};
    hbm.refresh = kRefresh[draw(3)];
    static constexpr const char* kMaps[] = {"linear", "interleaved", "striped"};
    hbm.address_map = kMaps[draw(3)];
    static constexpr int kPostponed[] = {0, 0, 1, 8};
    hbm.refresh_postponed = kPostponed[draw(4)];
    hbm.row_policy = draw(4) ? "open" : "closed";
    pseudo_channels = draw(4) && grade.stack_ids * 2 <= 4 ? 1 : 2;
    if (draw(4) == 0)
      grade.refi_ns /= 8, grade.refi_per_bank_ns /= 2;  // refreshes that collide with the work
    make_traffic(runs);
  }

  std::string text() const {
    return fmt::format("{} x {}, queues {} {}, {} ({} postponed) {} {}", pseudo_channels, grade.name,
                       hbm.read_queue, hbm.write_queue, hbm.refresh, hbm.refresh_postponed, hbm.address_map,
                       hbm.row_policy);
  }

  std::uint64_t draw(std::uint64_t n) { return random() % n; }

  void make_traffic(int runs) {
    const std::uint64_t span = std::uint64_t{1} << (6 + draw(18));  // bursts: from one row to all of them
    const std::uint64_t writes = draw(5), length = draw(3) == 0 ? 64 : 1 + draw(4);
    static constexpr Tick kGaps[] = {0, 1, 4, 20, 300, 5000, 60000};
    const Tick gap = kGaps[draw(7)];
    Tick at = 0;
    std::uint64_t next = 0;
    for (int i = 0; i < runs; ++i) {
      if (draw(3) != 0) next = draw(span);
      const auto bursts = static_cast<std::int32_t>(1 + draw(length));
      traffic.push_back({{next, bursts, draw(4) < writes, static_cast<std::uint32_t>(i)}, at});
      next += static_cast<std::uint64_t>(bursts);
      if (draw(4) == 0) at += draw(2 * gap + 1);
    }
  }

  std::mt19937_64 random;
  DramTiming grade;
  HbmConfig hbm;
  int pseudo_channels = 1;
  std::vector<Arrival> traffic;
};

std::vector<Done> sorted(std::vector<Done> done) {
  std::sort(done.begin(), done.end(), [](const Done& a, const Done& b) { return a.tag < b.tag; });
  return done;
}

std::vector<Done> run_oracle(const ControllerSpec& spec, const std::vector<Arrival>& traffic) {
  DramOracle oracle(spec);
  for (const Arrival& a : traffic) oracle.submit(a.run, a.at);
  for (Tick now = 0; !oracle.empty(); ++now) oracle.tick(now);
  return sorted(oracle.done);
}

/// Submitted as late as allowed, in steps of any length.
std::vector<Done> run_model(const ControllerSpec& spec, const std::vector<Arrival>& traffic,
                            std::mt19937_64& random) {
  Controller controller(spec);
  std::vector<Done> done;
  const auto note = [&done](std::uint32_t tag, Tick tick, bool write) { done.push_back({tag, tick, write}); };
  std::size_t next = 0;
  Tick to = 0;
  while (next < traffic.size() || controller.next() != Controller::kNever) {
    if (random() % 2) {
      to += random() % 200;
    } else {
      const Tick event =
          std::min(controller.next(), next < traffic.size() ? traffic[next].at : Controller::kNever);
      to = std::max(to, event);
    }
    while (next < traffic.size() && traffic[next].at <= to) {
      controller.submit(traffic[next].run, traffic[next].at);
      ++next;
    }
    controller.advance(to, note);
    ++to;
  }
  return sorted(done);
}

void compare(std::uint64_t first_seed, std::uint64_t trials, int runs) {
  for (std::uint64_t seed = first_seed; seed < first_seed + trials; ++seed) {
    CAPTURE(seed);
    Trial trial(seed, runs);
    const ControllerSpec spec(trial.grade, trial.hbm, trial.pseudo_channels);
    INFO(trial.text());
    const std::vector<Done> expected = run_oracle(spec, trial.traffic);
    const std::vector<Done> got = run_model(spec, trial.traffic, trial.random);
    REQUIRE(expected.size() == trial.traffic.size());
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      REQUIRE(got[i].tick == expected[i].tick);
    }
  }
}

}  // namespace

TEST_CASE("DRAM controller: every completion at the oracle's tick") {
  compare(1, 80, 300);
  compare(1004, 1, 300);  // a moved request is served while all stop for a refresh: its bank's miss must not go
}

TEST_CASE("DRAM controller: every completion at the oracle's tick for millions of bursts" *
          doctest::test_suite("slow")) {
  compare(1000, 1000, 300);
}

}  // namespace leto::model::test
