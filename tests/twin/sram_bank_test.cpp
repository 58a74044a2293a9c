// The SRAM bank's RTL against the model's bank: random requests of all ports, and random transfers of all PEs
// of a chip through a small LLC; every grant, every beat and every answer's cycle.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>

#include "base/errors.h"
#include "model/fabric/fabric.h"
#include "model/twin/replay.h"
#include "model/twin/sram_bank_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

const TwinSpec kCheck = {"", TwinMode::check, 1, {}};
constexpr std::array<const char*, kBankPorts> kPorts = {"load", "store", "fill", "write-back"};

using Requests = SramBankPrograms;

std::optional<Finding> found_by(Requests& requests, int programs) {
  try {
    for (int i = 0; i < programs; ++i) requests.program();
    requests.checker.flush();
  } catch (const TwinMismatch& mismatch) {
    return mismatch.finding();
  }
  return std::nullopt;
}

TwinLog log_of(const ChipConfig& chip, const Finding& finding, const SramBankChecker& checker) {
  TwinLog log;
  log.block = TwinBlock::sram_bank;
  log.chip = chip;
  log.spec = checker.comparison().spec();
  log.finding = finding;
  log.commands = checker.log();
  return log_from_bytes(to_bytes(log), "log");
}

void check_replays(const TwinLog& log, const Finding& first) {
  const auto again = replay(log);
  REQUIRE(again);
  CHECK(again->cycle == first.cycle);
  CHECK(again->compared_cycle == first.compared_cycle);
  CHECK(again->text() == first.text());
}

/// Loads, stores, stores that add and multicasts of all PEs, over more memory than the LLC holds; every bank
/// has a twin.
class Transfers : public Process, private TransferClient, private BankWatch {
 public:
  Transfers(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers)
      : Process(sc_core::sc_gen_unique_name("transfers"), kernel),
        chip_(chip),
        left_(transfers),
        random_(seed),
        sequences_(static_cast<std::size_t>(chip.pes()) * 2),
        fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}) {
    for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
    for (int bank = 0; bank < chip.sram.banks; ++bank)
      checkers.push_back(
          std::make_unique<SramBankChecker>(chip_, kCheck, fmt::format("sram.bank[{}]", bank), 1));
    fabric_.watch_banks(this);
    wake_at(100);
  }

  /// A small LLC, that lines leave.
  static ChipConfig chip_of(const std::string& name) {
    ChipConfig chip = load_chip(name);
    constexpr int kSets = 2, kScratchAndLlc = 2;
    chip.sram.bytes =
        std::int64_t{chip.sram.banks} * kSets * chip.sram.ways * chip.sram.line_bytes * kScratchAndLlc;
    chip.sram.scratch_fraction = 0.5;
    return chip;
  }

  std::map<std::string, int> arms;                         // of requests
  int submitted = 0, requests = 0;                         // a multicast is one transfer
  std::vector<std::unique_ptr<SramBankChecker>> checkers;  // by bank

 private:
  void step(Cycle now) override {
    for (std::size_t burst = 1 + below(8); burst > 0; --burst) {
      const isa::Transfer shape = this->shape();
      --left_;
      ++submitted;
      if (below(8) == 0) {
        const auto group = static_cast<isa::Multicast>(1 + below(3));
        for (int pe = 0; pe < chip_.pes(); ++pe) submit(pe, false, group, shape);
      } else {
        submit(static_cast<int>(below(static_cast<std::size_t>(chip_.pes()))), below(2), isa::Multicast::none,
               shape);
      }
    }
    if (left_ > 0) wake_at(now + 1 + below(below(4) ? 20 : 2000));
  }

  std::size_t below(std::size_t n) { return random_() % n; }

  isa::Transfer shape() {
    isa::Transfer t;
    t.bytes = static_cast<std::int64_t>(1 + below(below(2) ? 64 : 1500));
    t.rows = static_cast<std::int64_t>(1 + below(8));
    t.planes = 1;
    t.row_stride = below(2) ? t.bytes : t.bytes + static_cast<std::int64_t>(below(2000));
    t.plane_stride = t.row_stride * t.rows;
    const bool scratch = below(4) == 0;
    const auto room = static_cast<std::size_t>(chip_.sram.bytes / (scratch ? 4 : 1));
    t.address = (scratch ? isa::kSramBase : 0) + below(room);
    return t;
  }

  void submit(int pe, bool store, isa::Multicast multicast, const isa::Transfer& shape) {
    Transfer transfer;
    transfer.pe = pe;
    transfer.store = store;
    transfer.multicast = multicast;
    transfer.runs = isa::Runs(shape);
    transfer.modify = store && below(3) == 0;
    transfer.rate = chip_.fabric_interface.bytes_per_cycle;
    transfer.sequence = sequences_[static_cast<std::size_t>(pe * 2 + store)]++;
    fabric_.submit(transfer);
  }

  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}
  void granted(int bank, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) override {
    ++requests;
    ++arms[kPorts[static_cast<std::size_t>(port)]];
    checkers[static_cast<std::size_t>(bank)]->granted(port, bytes, asked, done);
  }

  const ChipConfig chip_;
  int left_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> sequences_;
  Fabric fabric_;
};

}  // namespace

TEST_CASE(
    "twin: random requests to a bank are granted alike and a fault in each signal is found where it was "
    "planted") {
  if (!rtl::has_rtl()) return;
  constexpr int kPrograms = 1500;
  for (const std::string name : {"tiny", "pilot", "artemis"}) {
    const ChipConfig chip = load_chip(name);
    if (!rtl::make_block("sram_bank", chip)) continue;  // tests/twin/faults.sh builds one
    Requests requests(chip, kCheck, 11);
    const auto found = found_by(requests, kPrograms);
    CHECK_MESSAGE(!found, (found ? found->text() : ""));
    for (const char* arm :
         {"load", "store", "fill", "write-back", "the longest", "whole beats", "a part of a beat",
          "ends within a beat", "waits", "finds the bank idle", "comes with others",
          "against the order of ports", "a write after a read", "a read after a write"})
      CHECK_MESSAGE(requests.arms[arm] * 50 > requests.made, arm, " ", requests.arms[arm]);
    CHECK(requests.checker.late() * 50 > static_cast<std::uint64_t>(requests.made));
    CHECK(requests.checker.full() * 50 > static_cast<std::uint64_t>(requests.made));
    const TwinCount& count = requests.checker.comparison().count();
    CHECK(count.values_compared > static_cast<std::uint64_t>(requests.made));
    MESSAGE(name << " sram_bank: " << kPrograms << " programs, " << requests.made << " requests ("
                 << requests.checker.late() << " taken late, " << requests.checker.full()
                 << " cycles without room), " << count.cycles_compared << " cycles, " << count.values_compared
                 << " values");
  }
  const ChipConfig chip = load_chip("tiny");
  for (const auto signal : kSramBankSignals) {
    Requests requests(chip, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, 12);
    const auto found = found_by(requests, 200);
    REQUIRE_MESSAGE(found, signal);
    CHECK(found->signal == signal);
    CHECK(found->compared_cycle >= 300);
    CHECK(found->planted);
    check_replays(log_of(chip, *found, requests.checker), *found);
  }
}

TEST_CASE("twin: a bank's log that begins within a sequence is primed and reproduces the difference") {
  if (!rtl::has_rtl()) return;
  const ChipConfig chip = load_chip("tiny");
  const TwinSpec spec{"", TwinMode::check, 1, TwinSpec::Fault{"m_tag", 400}};
  SramBankChecker checker(chip, spec, "sram.bank[0]", 7);
  Sram sram(chip.sram, chip.pe.clock_mhz);
  std::optional<Finding> first;
  try {
    for (Cycle i = 0; i < 200; ++i) {
      const auto port = static_cast<BankPort>(i * 7 % 4);
      const auto bytes = static_cast<std::int64_t>(64 + i * 53 % 449);
      const Cycle at = 100 + i * 3;
      const Cycle done = writes(port) ? sram.write(port, 0, bytes, at) : sram.read(port, 0, bytes, at);
      checker.granted(port, bytes, at, done);
    }
    checker.flush();
  } catch (const TwinMismatch& mismatch) {
    first = mismatch.finding();
  }
  REQUIRE(first);
  TwinLog log = log_of(chip, *first, checker);
  auto& kept = std::get<SramBankChecker::Log>(log.commands);
  REQUIRE(kept.runs.size() > 60);
  for (int i = 0; i < 40; ++i) {  // as CommandLog::shorten does
    kept.from.cycles_compared += kept.runs[kept.primed ? 1 : 0].clocks;
    if (kept.primed) kept.runs.pop_front();
    kept.primed = true;
  }
  check_replays(log, *first);
}

TEST_CASE("twin: random traffic of all PEs meets the banks alike") {
  if (!rtl::has_rtl()) return;
  if (sc_core::sc_get_status() != sc_core::SC_ELABORATION) {
    MESSAGE("left out: SystemC allows a process one simulation, and ctest gives each test its own");
    return;
  }
  struct Bench {
    Bench(const std::string& chip, int count, std::uint64_t seed)
        : name(chip), transfers(kernel, Transfers::chip_of(chip), seed, count) {}
    std::string name;
    Kernel kernel{sc_core::sc_gen_unique_name("kernel")};
    Transfers transfers;
  };
  std::deque<Bench> benches;
  benches.emplace_back("tiny", 2000, 21);
  benches.emplace_back("pilot", 3000, 22);
  sc_core::sc_start();
  for (Bench& bench : benches) {
    Transfers& transfers = bench.transfers;
    std::string found;
    TwinCount count;
    try {
      if (bench.kernel.failure) std::rethrow_exception(bench.kernel.failure);
      for (const auto& checker : transfers.checkers) checker->flush();
    } catch (const Error& error) {
      found = error.what();
    }
    CHECK(found == "");
    std::uint64_t late = 0;
    for (const auto& checker : transfers.checkers) {
      count.cycles_compared += checker->comparison().count().cycles_compared;
      count.values_compared += checker->comparison().count().values_compared;
      count.mismatches += checker->comparison().count().mismatches;
      late += checker->late();
    }
    CHECK(count.mismatches == 0);
    CHECK(transfers.submitted >= 1000);
    for (const char* port : kPorts)
      CHECK_MESSAGE(transfers.arms[port] * 50 > transfers.requests, port, " ", transfers.arms[port]);
    MESSAGE(bench.name << " sram_bank: " << transfers.submitted << " transfers, " << transfers.requests
                       << " requests (" << late << " taken late), " << count.cycles_compared << " cycles, "
                       << count.values_compared << " values");
  }
}
