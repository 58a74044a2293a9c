// The address generator's RTL against the fabric: random transfers of all PEs of a chip, every piece and its
// cycle.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>

#include "base/errors.h"
#include "model/fabric/fabric.h"
#include "model/twin/address_twin.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

constexpr int kCheckedPe = 1;  // and the one after it

/// Submits transfers to a fabric as PEs do, in bursts and after pauses: stores, loads, multicasts that all
/// members submit, rows that touch or do not, runs by index. The PEs with a twin see what is cut. Counts what
/// kinds came.
class Programs : public Process, private TransferClient, private IssueWatch {
 public:
  Programs(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers)
      : Process(sc_core::sc_gen_unique_name("programs"), kernel),
        chip_(chip),
        left_(transfers),
        random_(seed),
        fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}) {
    for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
    fabric_.watch_issue(this);
    sequences_.resize(static_cast<std::size_t>(chip.pes()) * 2);
    wake_at(100);
  }

  /// Both directions of `pe`.
  void check(int pe, const TwinSpec& spec, std::uint64_t seed) {
    const isa::Program& program = program_;
    const auto make = [&](TwinBlock direction) {
      return std::make_unique<AddressTwin>(chip_, direction, spec, "x", seed, program);
    };
    twins[{pe, false}] = make(TwinBlock::load_address_generator);
    twins[{pe, true}] = make(TwinBlock::store_address_generator);
  }

  std::map<std::string, int> arms;
  int shown = 0;                                                       // transfers to a twin
  std::map<std::pair<int, bool>, std::unique_ptr<AddressTwin>> twins;  // by PE and direction

 private:
  void step(Cycle now) override {
    for (std::size_t burst = 1 + below(4); burst > 0; --burst) {
      const auto any = static_cast<int>(below(static_cast<std::size_t>(chip_.pes())));
      const int pe = below(3) == 0 ? any : kCheckedPe + static_cast<int>(below(2));
      below(6) == 0 ? meet() : single(pe);
    }
    if (left_ > 0) wake_at(now + 1 + below(below(3) ? 40 : 1500));
  }

  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  static constexpr std::int64_t kRegion = 1 << 16;  // of memory that a transfer stays in
  std::uint64_t place() {
    const bool scratch = below(2) == 0;
    if (scratch) note("scratch");
    return (scratch ? isa::kSramBase : 0) + kRegion * (1 + below(20)) +
           below(below(2) ? 4096 : 4) * (below(2) ? 1 : 64);
  }

  isa::Transfer shape() {
    isa::Transfer t;
    t.address = place();
    t.rows = static_cast<std::int64_t>(1 + below(below(2) ? 4 : 20));
    t.planes = static_cast<std::int64_t>(1 + below(4));
    t.bytes = static_cast<std::int64_t>(1 + below(below(3) ? 200 : below(4) ? 1500 : 9000));
    while (t.bytes * t.rows * t.planes > kRegion / 2)
      t.rows > 1 ? --t.rows : t.planes > 1 ? --t.planes : t.bytes /= 2;
    const std::int64_t gap = static_cast<std::int64_t>(below(3) ? 1 + below(300) : 0);
    t.row_stride = t.bytes + gap;
    switch (below(6)) {
      case 0:
        t.row_stride = -t.row_stride;
        note("backwards");
        break;
      case 1:
        t.row_stride = 0;
        note("the same row again");
        break;
      default:
        break;
    }
    const std::int64_t end = (t.rows - 1) * t.row_stride + t.bytes;
    t.plane_stride = below(2) ? end : end + static_cast<std::int64_t>(below(500));
    if (t.rows > 1 && t.row_stride == t.bytes) note("rows touch");
    if (t.rows > 1 && t.row_stride != t.bytes && t.planes > 1 && t.plane_stride == end)
      note("touch at a plane's end");
    if (t.bytes > chip_.fabric_interface.fragment_bytes) note("several fragments");
    t.address += static_cast<std::uint64_t>(kRegion / 2);  // room to go backwards
    return t;
  }

  void submit(int pe, bool store, isa::Multicast multicast, const AddressRun& run, std::int64_t rate) {
    Transfer transfer;
    transfer.pe = pe;
    transfer.store = store;
    transfer.multicast = multicast;
    if (run.indexed) {
      lists_.push_back(run.list);
      transfer.runs = isa::Runs(lists_.back());
      transfer.modify = store && below(2);
    } else {
      transfer.runs = isa::Runs(run.transfer);
    }
    transfer.rate = rate;
    transfer.sequence = sequences_[static_cast<std::size_t>(pe * 2 + store)]++;
    fabric_.submit(transfer);
    --left_;
    const auto twin = twins.find({pe, store});
    if (twin == twins.end()) return;
    twin->second->submitted(run);
    ++shown;
    note(store ? "store" : "load");
    if (run.met) note("multicast");
    if (run.indexed) note("by index");
  }

  std::int64_t some_rate() {
    const int most = chip_.fabric_interface.bytes_per_cycle;
    if (below(2)) return most;
    note("a slower port");
    return static_cast<std::int64_t>(1 + below(static_cast<std::size_t>(most)));
  }

  AddressRun described(bool store) {
    AddressRun run;
    run.store = store;
    run.command = "random transfer";
    run.operation = "no operation";
    return run;
  }

  void single(int pe) {
    const bool store = below(2);
    AddressRun run = described(store);
    run.indexed = below(5) == 0;
    if (run.indexed)
      for (std::size_t i = 1 + below(20); i > 0; --i)
        run.list.push_back({place(), static_cast<std::int64_t>(1 + below(below(4) ? 300 : 6000))});
    else
      run.transfer = shape();
    submit(pe, store, isa::Multicast::none, run, some_rate());
  }

  // All PEs load the same, group by group.
  void meet() {
    const auto kind = static_cast<isa::Multicast>(1 + below(3));
    AddressRun run = described(false);
    run.met = true;
    run.transfer = shape();
    for (int pe = 0; pe < chip_.pes(); ++pe) submit(pe, false, kind, run, some_rate());
  }

  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}
  void cut(int pe, const Cut& cut) override {
    const auto twin = twins.find({pe, cut.store});
    if (twin != twins.end()) twin->second->cut(cut);
  }

  const ChipConfig chip_;
  const isa::Program program_;
  int left_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> sequences_;
  std::deque<std::vector<isa::Run>> lists_;
  Fabric fabric_;
};

/// A fabric of its own in the one simulation that SystemC allows a process.
struct Bench {
  Bench(const std::string& chip_name, int transfers, std::uint64_t seed)
      : chip(chip_name), programs(kernel, load_chip(chip_name), seed, transfers) {}

  /// The finding; empty: none.
  std::string found() const {
    try {
      if (kernel.failure) std::rethrow_exception(kernel.failure);
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      return error.what();
    }
    return "";
  }

  std::string chip;
  Kernel kernel{sc_core::sc_gen_unique_name("kernel")};
  Programs programs;
};

void check_alike(const Bench& bench) {
  const Programs& programs = bench.programs;
  CHECK(bench.found() == "");
  TwinCount counted;
  std::uint64_t further = 0;
  for (const auto& [place, twin] : programs.twins) {
    const TwinCount& one = twin->comparison().count();
    counted.mismatches += one.mismatches;
    counted.cycles_compared += one.cycles_compared;
    counted.values_compared += one.values_compared;
    further += twin->further_clocks();
  }
  CHECK(counted.mismatches == 0);
  CHECK(programs.shown >= 1000);
  for (const char* arm :
       {"load", "store", "multicast", "by index", "scratch", "backwards", "the same row again", "rows touch",
        "touch at a plane's end", "several fragments", "a slower port"})
    CHECK_MESSAGE(programs.arms.contains(arm), arm);
  for (const auto& [arm, count] : programs.arms) CHECK_MESSAGE(count * 50 > programs.shown, arm, " ", count);
  MESSAGE(bench.chip << " address_generator: " << programs.shown << " transfers, " << counted.cycles_compared
                     << " clocks (" << further << " further ones), " << counted.values_compared << " values");
}

}  // namespace

TEST_CASE("twin: random transfers are cut alike and a fault in each signal is found where it was planted") {
  if (!rtl::has_rtl()) return;
  std::deque<Bench> alike;
  for (const auto& [chip, transfers] : {std::pair("tiny", 4000), std::pair("pilot", 60000)}) {
    if (!rtl::make_block("address_generator", load_chip(chip))) continue;  // tests/twin/faults.sh builds one
    Bench& bench = alike.emplace_back(chip, transfers, alike.size() + 1);
    for (const int pe : {kCheckedPe, kCheckedPe + 1})
      bench.programs.check(pe, {"", TwinMode::check, 1, {}}, 1);
  }
  std::deque<Bench> faulty;
  for (const auto signal : kAddressSignals)
    faulty.emplace_back("tiny", 1000, 3)
        .programs.check(kCheckedPe, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, 3);
  sc_core::sc_start();
  for (const Bench& bench : alike) check_alike(bench);
  for (std::size_t i = 0; i < faulty.size(); ++i) {
    const std::string found = faulty[i].found();
    CHECK_MESSAGE(found.find(fmt::format(" {}:", kAddressSignals[i])) != std::string::npos,
                  kAddressSignals[i], ": ", found);
  }
}
