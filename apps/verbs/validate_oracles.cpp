// Closed forms of the blocks, from the keys of the chip file alone.
#include <algorithm>

#include "apps/host/child.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"
#include "model/hbm/patterns.h"
#include "model/simulation.h"

namespace leto::verbs {
namespace {

using study::Check;

ChipConfig chip_of(std::vector<std::string> overrides) {
  return load_chip("tiny", overrides);
}

/// Cycles of the last of a program's operations, or of the whole job, on a chip.
double cycles_of(const ChipConfig& chip, const std::string& text, int operation) {
  const auto result = host::in_child([&] {
    std::string head = fmt::format(".name \"oracle\"\n.chip \"{}\"\n", chip.name);
    for (int i = 0; i <= std::max(operation, 0); ++i)
      head += fmt::format(".source \"op{}\" kind=\"oracle\" phase=\"forward\" useful_macs=0 dtype=\"\"\n", i);
    model::Simulation simulation(isa::assemble(head + text, "oracle"), chip, {});
    simulation.step();
    const model::Statistics& statistics = simulation.statistics();
    if (operation < 0) return nlohmann::json(statistics.cycles);
    const auto& account = statistics.operations[static_cast<std::size_t>(operation)];
    return nlohmann::json(account.last_cycle - account.first_cycle);
  });
  return result.get<double>();
}
constexpr int kWholeJob = -1;

std::string shape(int first, std::vector<std::int64_t> values) {
  std::string text;
  values.resize(isa::kShapeRegisters, 0);
  for (const std::int64_t value : values) text += fmt::format("set rd=r{} value={}\n", first++, value);
  return text;
}

/// Two tiles, then `count` products of m x n x k bf16 as operations 1, 2, …
std::string matmuls(int m, int n, int k, int count) {
  std::string text =
      ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=1\nbuffer id=b1 base=16384 bytes=16384 depth=1\n" +
      shape(10, {m, n, k, 256, 256}) + shape(20, {16384, 1, 16384, 1, 0, 16384}) +
      "load dst=b0 reserve=1 push=1 address=r0 shape=r20 @0\n"
      "load dst=b1 reserve=1 push=1 address=r0 shape=r20 @0\nbarrier scope=pe\n";
  for (int i = 0; i < count; ++i)
    text += fmt::format(
        "matmul held=b0 held_wait={0} stream=b1 stream_wait={0} held_type=bf16 stream_type=bf16 bank={1} "
        "first=1 last=1 shape=r10 @{2}\n",
        i == 0 ? 1 : 0, 4 * i, i + 1);
  return text + "end\n";
}

void add_matmul(std::vector<Check>& checks) {
  ChipConfig chip = chip_of({"pe.rows=1", "pe.columns=1"});
  chip.command_processor.issue_cycles = 0;
  const auto& engine = chip.matrix_engine;
  const auto blocks = [&](int k) { return (2 * k + engine.inner_bytes - 1) / engine.inner_bytes; };
  constexpr int kLoad = 32;
  const double fill = kLoad + engine.pipeline_cycles;
  checks.push_back({"matmul 64x64x64: k-blocks x n + held load + pipeline", "cycles", blocks(64) * 64 + fill,
                    cycles_of(chip, matmuls(64, 64, 64, 1), 1)});
  checks.push_back({"matmul 33x8x64: a block streams 32 cycles at least", "cycles", blocks(64) * kLoad + fill,
                    cycles_of(chip, matmuls(33, 8, 64, 1), 1)});
  checks.push_back({"matmul 64x64x17: a part of a k-block counts whole", "cycles", blocks(17) * 64 + fill,
                    cycles_of(chip, matmuls(64, 64, 17, 1), 1)});
  checks.push_back({"matmul behind another: the stream alone", "cycles", blocks(64) * 64.0,
                    cycles_of(chip, matmuls(64, 64, 64, 2), 2)});
}

void add_vector(std::vector<Check>& checks) {
  const ChipConfig chip = chip_of({"pe.rows=1", "pe.columns=1"});
  const auto pass = [&](int rows, int columns, int pitch) {
    return ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=0\nbuffer id=b1 base=16384 bytes=16384 depth=0\n" +
           shape(10, {rows, columns, pitch, pitch}) +
           "vector op=relu dst=b1 dst_type=fp32 a=b0 a_type=fp32 a_mode=full reduce=none shape=r10 @1\nend\n";
  };
  const auto& engine = chip.vector_engine;
  const double beats =
      std::max(32.0 * 32 / engine.elements_per_cycle, 2 * 32 * 32 * 4.0 / engine.bytes_per_cycle);
  checks.push_back({"vector pass 32x32 fp32: beats or port, and latency", "cycles",
                    beats + engine.latency_cycles, cycles_of(chip, pass(32, 32, 128), 1)});
  checks.push_back({"vector pass, 16 short rows apart: a beat each", "cycles", 16.0 + engine.latency_cycles,
                    cycles_of(chip, pass(16, 8, 64), 1)});
}

/// PE `who` alone loads `bytes` from `address` as operation 1.
std::string load(std::uint64_t address, int bytes, int who) {
  return fmt::format(
      ".core 0\nbuffer id=b0 base=0 bytes=65536 depth=0\nwhere rd=r1 which=index\nset rd=r2 value={}\n"
      "set rd=r3 value={}\nset rd=r5 value=1\n{}div rd=r4 ra=r1 rb=r2\nloop count=r4 length=1\n"
      "load dst=b0 address=r3 shape=r10 @1\nend\n",
      who, address, shape(10, {bytes, 1, bytes, 1, 0, bytes}));
}

void add_sram(std::vector<Check>& checks) {
  const ChipConfig chip = chip_of({"pe.rows=1", "pe.columns=4", "sram.banks=1"});
  const int port = 512 / chip.fabric_interface.bytes_per_cycle, bank = 512 / chip.sram.bank_bytes_per_cycle;
  const double near = chip.fabric_interface.command_cycles + bank + chip.sram.latency_cycles + port;
  const double measured = cycles_of(chip, load(isa::kSramBase, 512, 3), 1);
  const int hops = 3;
  checks.push_back({"SRAM load of 512 B, 3 hops: set-up, bank, latency, port, hops", "cycles",
                    near + 2.0 * hops * chip.noc.hop_cycles, measured});
  ChipConfig slow = chip;
  ++slow.noc.hop_cycles;
  checks.push_back({"the same with hops a cycle longer: 3 there, 3 back", "cycles", 2.0 * hops,
                    cycles_of(slow, load(isa::kSramBase, 512, 3), 1) - measured});
  ChipConfig halved = chip;
  halved.noc.clock_mhz /= 2;
  checks.push_back({"the same with the NoC at half the clock: each hop twice as long", "cycles",
                    2.0 * hops * chip.noc.hop_cycles,
                    cycles_of(halved, load(isa::kSramBase, 512, 3), 1) - measured});
  halved = chip;
  halved.sram.clock_mhz /= 2;
  checks.push_back({"the same with the SRAM at half the clock: bank and latency twice as long", "cycles",
                    static_cast<double>(bank + chip.sram.latency_cycles),
                    cycles_of(halved, load(isa::kSramBase, 512, 3), 1) - measured});
  const ChipConfig banks = chip_of({"pe.rows=1", "pe.columns=2", "noc.cluster_columns=2"});
  const int more = 32768;
  checks.push_back({"SRAM stream at its peak: 32 KiB more through a PE's port", "cycles",
                    static_cast<double>(more) / banks.fabric_interface.bytes_per_cycle,
                    cycles_of(banks, load(isa::kSramBase, 2 * more, 1), 1) -
                        cycles_of(banks, load(isa::kSramBase, more, 1), 1)});
}

void add_memory(std::vector<Check>& checks) {
  const ChipConfig chip = chip_of({"pe.rows=1", "pe.columns=2", "noc.cluster_columns=2"});
  const DramTiming& d = chip.dram;
  // At 1 GHz a cycle is a ns. An activate is a command of several clocks; times count from its last.
  const double array = 1 + (d.activate_ns - d.tck_ns) + d.rcd_ns + d.cl_ns + d.burst_ns;
  checks.push_back({"HBM load of a burst: set-up, activate, column, burst, controller, port", "cycles",
                    chip.fabric_interface.command_cycles + array + chip.hbm.latency_cycles + 1,
                    cycles_of(chip, load(0, d.burst_bytes, 1), 1)});
  const ChipConfig one = chip_of({"pe.rows=1", "pe.columns=1", "sram.banks=1"});
  const std::string twice = ".core 0\nbuffer id=b0 base=0 bytes=512 depth=0\nset rd=r3 value=0\n" +
                            shape(10, {512, 1, 512, 1, 0, 512}) +
                            "load dst=b0 address=r3 shape=r10 @0\nbarrier scope=pe\n"
                            "load dst=b0 address=r3 shape=r10 @1\nend\n";
  checks.push_back({"LLC hit of 512 B: set-up, bank, latency, port", "cycles",
                    one.fabric_interface.command_cycles + 512.0 / one.sram.bank_bytes_per_cycle +
                        one.sram.latency_cycles + 512.0 / one.fabric_interface.bytes_per_cycle,
                    cycles_of(one, twice, 1)});
}

void add_dram(std::vector<Check>& checks) {
  for (const char* name : {"hbm2_2000", "hbm3_6400", "hbm3e_8000", "lpddr5_6400"}) {
    const DramTiming grade = load_dram_timing(name);
    HbmConfig policy = load_chip("tiny").hbm;
    policy.refresh = "none";
    const model::ControllerSpec spec(grade, policy);
    const auto& t = spec.timing;
    const auto rising = [&t](model::Tick tick) { return tick | (t.edges - 1); };
    const auto run = [&](std::uint64_t bursts) {
      return model::run_pattern(spec, grade.burst_bytes, {model::Pattern::seq, model::Issue::sat, 1, bursts});
    };
    checks.push_back({fmt::format("{}: a burst of a closed row: activate, column, data", name), "ticks",
                      static_cast<double>(rising(1 + t.activate_to_read) + t.read_latency),
                      run(1).read_latency});
    constexpr std::uint64_t kBursts = 20000;
    checks.push_back({fmt::format("{}: a stream is as fast as the bus, but for opening rows", name),
                      "ticks/burst", static_cast<double>(t.burst),
                      static_cast<double>(run(kBursts).end) / kBursts, 0, 0.06});
  }
}

void add_sync(std::vector<Check>& checks) {
  const ChipConfig chip = chip_of({});
  const double launch = chip.control_core.launch_cycles;
  const auto& cost = chip.command_processor;
  const double word = cost.issue_cycles, scalar = cost.scalar_cycles;
  checks.push_back({"barrier of the grid: launch, word, release, end", "cycles",
                    launch + word + chip.sync.barrier_cycles + scalar,
                    cycles_of(chip, ".core 0\nbarrier scope=all\nend\n", kWholeJob)});
  checks.push_back(
      {"barrier of a PE's cores: opens when the later one comes", "cycles", launch + scalar + word + scalar,
       cycles_of(chip, ".core 0\nbarrier scope=pe\nend\n.core 1\nset rd=r1 value=1\nbarrier scope=pe\nend\n",
                 kWholeJob)});
  constexpr std::int64_t kBytes = 1000000, kChips = 7;
  const std::string exchange = fmt::format("barrier scope=pe bytes={} chips={}\n", kBytes, kChips);
  checks.push_back({"exchange of 1 MB among seven chips: three near, three far", "cycles",
                    launch + word + double(exchange_cycles(chip, kBytes, kChips)) + scalar,
                    cycles_of(chip, ".core 0\n" + exchange + "end\n", kWholeJob)});
  checks.push_back({"semaphore: post, message, wait", "cycles",
                    launch + scalar + word + chip.sync.message_cycles + scalar,
                    cycles_of(chip,
                              ".core 0\nwhere rd=r1 which=index\npost pe=r1 semaphore=2 count=1\n"
                              "wait semaphore=2 count=1\nend\n",
                              kWholeJob)});
  constexpr int kCommands = 10;
  std::string issue = ".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\nbarrier scope=pe\n" + shape(10, {0, 0});
  for (int i = 0; i < kCommands; ++i)
    issue += "vector op=relu dst=b0 dst_type=fp32 a=b0 a_type=fp32 a_mode=full shape=r10 @0\n";
  checks.push_back({"issue: 12 words and 7 scalar instructions", "cycles",
                    launch + (kCommands + 2) * word + (isa::kShapeRegisters + 1) * scalar,
                    cycles_of(chip_of({"pe.rows=1", "pe.columns=1"}), issue + "end\n", kWholeJob)});
}

}  // namespace

study::Suite validate_oracles() {
  study::Suite suite{
      "oracles", "small programs on the model beside closed forms of the chip file's keys", {}};
  add_matmul(suite.checks);
  add_vector(suite.checks);
  add_sram(suite.checks);
  add_memory(suite.checks);
  add_dram(suite.checks);
  add_sync(suite.checks);
  return suite;
}

}  // namespace leto::verbs
