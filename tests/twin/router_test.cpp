// A router's RTL against the network: random transfers of all PEs of a chip, every packet at every router
// that it comes by.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "base/errors.h"
#include "model/fabric/fabric.h"
#include "model/twin/router_twin.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

/// Submits transfers to a fabric as PEs do, in bursts and after pauses: loads and stores in long and short
/// rows, multicasts, many PEs at one memory unit, slow ports. `slow`: ports of a few bytes a cycle and rows
/// of a few bytes, for the longest waits and packets of the most beats. Routers with a twin see their
/// packets. Counts of each packet at a router which kinds it is of.
class Traffic : public Process, private TransferClient, private NocWatch {
 public:
  Traffic(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers, bool slow)
      : Process(sc_core::sc_gen_unique_name("traffic"), kernel),
        chip_(chip),
        slow_(slow),
        left_(transfers),
        random_(seed),
        fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}),
        routers_(chip) {
    for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
    fabric_.watch_noc(this);
    sequences_.resize(static_cast<std::size_t>(chip.pes()) * 2);
    wake_at(100);
  }

  void check(int router, const TwinSpec& spec, std::uint64_t seed) {
    twins[router] = std::make_unique<RouterTwin>(chip_, router, spec, "x", seed);
    routers_.connect(router, *twins[router]);
  }
  void flush() {
    routers_.flush();
    for (const auto& [router, twin] : twins) twin->flush();
  }

  std::map<std::string, int> arms, kinds;  // of packets; of transfers
  int shown = 0;                           // packets, each at each of its routers
  int submitted = 0;                       // transfers
  std::map<int, std::unique_ptr<RouterTwin>> twins;

 private:
  void step(Cycle now) override {
    const std::size_t kind = below(8);
    for (std::size_t burst = 1 + below(6); burst > 0; --burst) {
      if (kind == 0)
        meet();
      else if (kind == 1)
        crowd();
      else if (kind == 2 && burst == 1)
        chip_.pes() > 100 ? meet() : flood();
      else
        single();
    }
    if (left_ > 0) wake_at(now + 1 + below(below(3) ? 40 : below(6) ? 400 : slow_ ? 400000 : 6000));
  }

  std::size_t below(std::size_t n) { return random_() % n; }
  std::int64_t from(std::size_t least, std::size_t most) {
    return static_cast<std::int64_t>(least + below(most - least + 1));
  }

  // Half of them at a router that has a twin.
  int some_pe() {
    if (twins.empty() || below(2)) return static_cast<int>(below(static_cast<std::size_t>(chip_.pes())));
    const int router = std::next(twins.begin(), static_cast<std::ptrdiff_t>(below(twins.size())))->first;
    const int columns = (chip_.pe.columns + chip_.noc.cluster_columns - 1) / chip_.noc.cluster_columns;
    const int row = router / columns * chip_.noc.cluster_rows,
              column = router % columns * chip_.noc.cluster_columns;
    return row * chip_.pe.columns + column;
  }

  static constexpr std::int64_t kRegion = 1 << 20;
  std::uint64_t place() {
    return (below(2) ? isa::kSramBase : 0) + below(2 * kRegion) / 32 * 32 + (below(4) ? 0 : below(32));
  }

  isa::Transfer shape() {
    isa::Transfer t;
    t.address = place();
    t.planes = 1;
    t.bytes = below(2) ? from(1, slow_ ? 3 : 200) : from(200, 6000);
    t.rows = t.bytes < 4 && slow_ ? from(1000, 6000) : t.bytes < 200 ? from(1, 40) : from(1, 4);
    t.row_stride = t.bytes + (below(2) ? 0 : from(1, 3000));
    t.plane_stride = 0;
    return t;
  }

  std::int64_t some_rate() {
    const auto most = static_cast<std::size_t>(chip_.fabric_interface.bytes_per_cycle);
    if (slow_) return from(1, below(2) ? 2 : most);
    return below(3) ? static_cast<std::int64_t>(most) : from(below(20) ? 8 : 1, most);
  }

  void submit(int pe, bool store, isa::Multicast multicast, const isa::Transfer& shape) {
    shapes_.push_back(shape);
    Transfer transfer;
    transfer.pe = pe;
    transfer.store = store;
    transfer.multicast = multicast;
    transfer.runs = isa::Runs(shapes_.back());
    transfer.rate = some_rate();
    transfer.sequence = sequences_[static_cast<std::size_t>(pe * 2 + store)]++;
    fabric_.submit(transfer);
    --left_;
    ++submitted;
    ++kinds[multicast != isa::Multicast::none ? "multicast" : store ? "store" : "load"];
    if (transfer.rate < chip_.fabric_interface.bytes_per_cycle) ++kinds["a slower port"];
    if (shape.bytes < 200) ++kinds["short rows"];
  }

  void single() { submit(some_pe(), below(2), isa::Multicast::none, shape()); }
  // All want one place.
  void crowd() {
    isa::Transfer t = shape();
    const bool store = below(2);
    for (std::size_t i = 4 + below(12); i > 0; --i) submit(some_pe(), store, isa::Multicast::none, t);
  }
  // More than links carry and buffers hold.
  void flood() {
    const bool store = below(2);
    isa::Transfer t;
    t.bytes = from(10000, 40000);
    t.rows = t.planes = 1;
    for (int pe = 0; pe < chip_.pes(); ++pe) {
      t.address = place();
      submit(pe, store, isa::Multicast::none, t);
    }
  }
  // The members of a group load the same; of a large grid not all at once.
  void meet() {
    const isa::Transfer t = shape();
    const int columns = chip_.pe.columns, rows = chip_.pe.rows, pe = some_pe();
    const std::size_t kind = below(chip_.pes() > 100 ? 2 : 3);
    if (kind == 0)
      for (int i = 0; i < columns; ++i) submit(pe / columns * columns + i, false, isa::Multicast::row, t);
    if (kind == 1)
      for (int i = 0; i < rows; ++i) submit(pe % columns + i * columns, false, isa::Multicast::column, t);
    if (kind == 2)
      for (int i = 0; i < chip_.pes(); ++i) submit(i, false, isa::Multicast::all, t);
  }

  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}

  void part(std::int64_t bytes) override {
    ++parts_;
    routers_.part(bytes);
  }
  void starts(const Start& start) override {
    packet_parts_ = std::exchange(parts_, 0);
    in_cycle_ = start.at == launched_ ? in_cycle_ + 1 : 1;
    launched_ = start.at;
    from_.clear();
    leads_to_ = {{-1, start.router}};
    routers_.starts(start);
  }
  void note(const std::string& arm, bool is = true) { arms[arm] += is ? 1 : 0; }
  // A packet is somewhere.
  void note_way(const Lying& lying) {
    static constexpr std::array<const char*, 4> kWays = {"north", "east", "south", "west"};
    ++shown;
    note(lying.link_in < 0 ? "starts" : kWays[static_cast<std::size_t>(lying.link_in % 4)]);
    note("no room for its end", cycle_from(lying.room) > launched_);
    note("several parts", packet_parts_ > 1);
    note("several in a cycle", in_cycle_ > 1);
    note("several ways", !from_.insert(lying.link_in).second);
  }
  void crosses(const Crossing& crossing) override {
    leads_to_[crossing.link] = crossing.to;
    if (twins.contains(crossing.router)) {
      note_way(crossing.lying);
      note("waits for a link",
           crossing.there > crossing.head + fine(static_cast<Cycle>(chip_.noc.hop_cycles)));
    }
    routers_.crosses(crossing);
  }
  void arrives(Cycle head, Cycle tail) override { routers_.arrives(head, tail); }
  void ends(const End& end) override {
    if (twins.contains(leads_to_.at(end.lying.link_in))) {
      note_way(end.lying);
      note("into a PE");
    }
    routers_.ends(end);
  }

  const ChipConfig chip_;
  const bool slow_;
  int left_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> sequences_;
  std::deque<isa::Transfer> shapes_;
  Fabric fabric_;
  RouterTwins routers_;
  int parts_ = 0, packet_parts_ = 0, in_cycle_ = 0;
  Cycle launched_ = 0;
  std::set<int> from_;           // links that the packet came by …
  std::map<int, int> leads_to_;  // … and the router where each leads; -1: where it started
};

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
