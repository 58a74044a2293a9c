// A router's RTL against the network: random transfers of all PEs of a chip, every packet at every router
// that it comes by.
#include <doctest/doctest.h>

#include <deque>

#include "base/errors.h"
#include "model/twin/router_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

using Traffic = RouterPrograms;

/// A fabric of its own in the one simulation that SystemC allows a process.
struct Bench {
  Bench(const std::string& name, const ChipConfig& config, int transfers, std::uint64_t seed,
        bool slow = false)
      : chip(name), traffic(kernel, config, seed, transfers, slow) {}
  Bench(const std::string& name, int transfers, std::uint64_t seed)
      : Bench(name, load_chip(name), transfers, seed) {}

  /// The finding; empty: none.
  std::string found() {
    try {
      if (kernel.failure) std::rethrow_exception(kernel.failure);
      traffic.flush();
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      return error.what();
    }
    return "";
  }

  std::string chip;
  Kernel kernel{sc_core::sc_gen_unique_name("kernel")};
  Traffic traffic;
};

void check_alike(Bench& bench, int least) {
  CHECK(bench.found() == "");
  TwinCount counted;
  std::uint64_t further = 0;
  for (const auto& [router, twin] : bench.traffic.twins) {
    const TwinCount& one = twin->comparison().count();
    CHECK(one.values_compared > 100);
    counted.mismatches += one.mismatches;
    counted.cycles_compared += one.cycles_compared;
    counted.values_compared += one.values_compared;
    further += twin->further_clocks();
  }
  CHECK(counted.mismatches == 0);
  const Traffic& traffic = bench.traffic;
  CHECK(traffic.submitted >= least);
  for (const std::string arm : {"north", "east", "south", "west", "starts", "into a PE", "several in a cycle",
                                "several ways", "waits for a link", "no room for its end", "several parts"}) {
    if (arm == "several parts" && (bench.chip == "tiny" || bench.chip == "tiny with slow ports"))
      continue;  // a router has one bank, which gives a part a cycle
    CAPTURE(arm);
    REQUIRE(traffic.arms.contains(arm));
    CHECK(traffic.arms.at(arm) * 50 > traffic.shown);
  }
  for (const char* kind : {"load", "store", "multicast", "a slower port", "short rows"})
    CHECK_MESSAGE(traffic.kinds.at(kind) * 50 > traffic.submitted, kind);
  MESSAGE(bench.chip << " router: " << traffic.submitted << " transfers, " << traffic.shown
                     << " packets at a way, " << counted.cycles_compared << " clocks (" << further
                     << " further ones), " << counted.values_compared << " values");
}

}  // namespace

TEST_CASE(
    "twin: random traffic takes the same ways and a fault in each signal is found where it was planted") {
  if (!rtl::has_rtl()) return;
  std::deque<Bench> alike;
  for (const auto& [chip, transfers] : {std::pair("tiny", 2000), std::pair("pilot", 2000)}) {
    if (!rtl::make_block("router", load_chip(chip))) continue;  // tests/twin/faults.sh builds one
    Bench& bench = alike.emplace_back(chip, transfers, alike.size() + 1);
    const Noc noc(load_chip(chip));
    for (int router = 0; router < noc.routers(); ++router)
      bench.traffic.check(router, {"", TwinMode::check, 1, {}}, 1);
  }
  // A router does not know how large the mesh is: the largest there can be, at its corners and inside.
  Bench mesh("tiny with 32 x 32 PEs", load_chip("tiny", {"pe.rows=32", "pe.columns=32", "sram.banks=256"}),
             3000, 4);
  for (const int router : {0, 31, 32 * 31, 32 * 32 - 1, 32 * 16 + 15, 32 * 15 + 16, 32 * 9 + 1, 32 * 22 + 30})
    mesh.traffic.check(router, {"", TwinMode::check, 1, {}}, 1);
  Bench slow("tiny with slow ports", load_chip("tiny"), 1000, 6, true);
  for (int router = 0; router < 4; ++router) slow.traffic.check(router, {"", TwinMode::check, 1, {}}, 1);
  Bench sampled("tiny", 1000, 5);
  for (int router = 0; router < 4; ++router) sampled.traffic.check(router, {"", TwinMode::check, 3, {}}, 1);
  std::deque<Bench> faulty;
  for (const auto signal : kRouterSignals)
    faulty.emplace_back("tiny", 500, 3)
        .traffic.check(1, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, 3);
  sc_core::sc_start();
  for (Bench& bench : alike) check_alike(bench, 1000);
  check_alike(mesh, 1000);
  check_alike(slow, 500);
  check_alike(sampled, 500);
  for (std::size_t i = 0; i < faulty.size(); ++i) {
    const std::string found = faulty[i].found();
    CHECK_MESSAGE(found.find(fmt::format(" {}:", kRouterSignals[i])) != std::string::npos, kRouterSignals[i],
                  ": ", found);
  }
}

TEST_CASE("twin: packets behind a wait that the router's RTL cannot count are left out and counted") {
  if (!rtl::has_rtl()) return;
  RouterTwin twin(load_chip("tiny"), 1, {"", TwinMode::check, 1, {}}, "x", 1);
  const auto add = [&](Cycle at, Cycle held) {
    RouterPacket one;
    one.in = RouterPacket::kStart;
    one.beats = one.cycles = 1;
    one.parts = {1};
    one.head = at;
    one.ways = {{0, at + 1, held, 0}};
    twin.add(one, at);
  };
  add(100, 100 + (Cycle{1} << 18));
  add(200, 0);
  add(300, 0);
  twin.flush();
  CHECK(twin.comparison().count().commands_left_out == 3);
  CHECK(twin.comparison().count().commands_compared == 0);
  CHECK(twin.comparison().count().cycles_compared == 0);
}
