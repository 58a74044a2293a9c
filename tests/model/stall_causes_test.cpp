// One program a cause of stalling, in which that cause takes at least 80 % of one engine's cycles; and what a
// resource without limit (what-if) takes away from it. The engine is one lane of the trace.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/files.h"
#include "tests/base/scratch_folder.h"
#include "tests/model/idle_watch.h"
#include "tests/model/programs.h"
#include "tests/model/trace_reader.h"

namespace leto::model::test {
namespace {

struct Benchmark {
  std::string cause;
  int pe;
  std::string lane;
  std::string text;
  std::vector<std::string> overrides;
  int launch_cycles = 0;
};

const std::string kOnePe = "pe.rows=1", kOneColumn = "pe.columns=1", kTwoColumns = "pe.columns=2";
const std::string kSlowVector = "vector_engine.elements_per_cycle=1";

std::string times(int count, const std::string& body) {
  const auto length = std::count(body.begin(), body.end(), '\n');
  return fmt::format("set rd=r60 value={}\nloop count=r60 length={}\n{}", count, length, body);
}

/// `count` x r`of` cycles of the core's own time.
std::string think(int count, int of) {
  return fmt::format("muli rd=r61 ra=r{} value={}\nloop count=r61 length=1\nadd rd=r62 ra=r62 rb=r62\n", of,
                     count);
}

/// A pass over rows x columns fp32 elements of scratch buffer 0 to scratch buffer 1.
const std::string kPass =
    "vector op=relu dst=b1 dst_type=fp32 a=b0 a_type=fp32 a_mode=full reduce=none shape=r20 @1\n";
const std::string kScratch =
    "buffer id=b0 base=0 bytes=16384 depth=0\nbuffer id=b1 base=16384 bytes=16384 depth=0\n";

std::string tile(int rows, int columns) {
  return shape(20, {rows, columns, columns * 4, columns * 4});
}

/// Loads a tile, passes over it; a buffer of `depth` tiles between the two.
std::string load_and_pass(int rows, int columns, int depth) {
  const int bytes = rows * columns * 4;
  return fmt::format(
      ".core 0\nbuffer id=b0 base=0 bytes={0} depth={1}\nbuffer id=b1 base=65536 bytes={0} depth=0\nbarrier "
      "scope=pe\n{2}{3}end\n.core 1\nbarrier scope=pe\n{4}{5}end\n",
      bytes, depth, shape(10, {bytes, 1, bytes, 1, 0, bytes}),
      times(40, "load dst=b0 reserve=1 push=1 address=r0 shape=r10 @0\n"), tile(rows, columns),
      times(40,
            "vector op=relu dst=b1 dst_type=fp32 a=b0 a_wait=1 a_pop=1 a_type=fp32 a_mode=full reduce=none "
            "shape=r20 "
            "@1\n"));
}

/// Matmuls of k bf16 elements on scratch data, into bank 0.
std::string matmul(int shape_register) {
  return fmt::format(
      "matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 bank=0 first=1 last=1 shape=r{} @0\n",
      shape_register);
}
const std::string kDrain = "drain bank=0 dst=b1 dst_type=fp32 shape=r36 @1\n";
const std::string kMatmulShapes =
    shape(24, {32, 32, 512, 1024, 1024}) + shape(30, {32, 32, 16, 1024, 1024}) + shape(36, {32, 32, 128});
const std::string kMatmulBuffers =
    ".core 0\nbuffer id=b0 base=0 bytes=32768 depth=0\nbuffer id=b1 base=32768 bytes=4096 depth=0\n";
const std::string kWhere =
    "where rd=r1 which=index\nset rd=r2 value=1\nsub rd=r3 ra=r2 rb=r1\n";  // r3: 1 on PE 0

std::vector<Benchmark> benchmarks() {
  const std::string head = ".core 0\n" + kScratch;
  const std::string line = shape(10, {64, 1, 64, 1, 0, 64});
  return {
      {"data", 0, "vector_engine", load_and_pass(1, 64, 1), {kOnePe, kOneColumn, "sram.latency_cycles=200"}},
      {"space", 0, "fabric_interface_load", load_and_pass(32, 128, 1), {kOnePe, kOneColumn, kSlowVector}},
      {"banks",
       0,
       "reduction_engine",
       kMatmulBuffers + kMatmulShapes + times(10, matmul(24) + kDrain) + "end\n",
       {kOnePe, kOneColumn}},
      // PE 1 merges what PE 0 takes long to make.
      {"neighbour",
       1,
       "reduction_engine",
       kMatmulBuffers + kMatmulShapes + kWhere +
           times(10, "loop count=r3 length=2\n" + matmul(24) + "pass bank=0 to=east shape=r36 @2\n" +
                         "loop count=r1 length=3\n" + matmul(30) + "merge bank=0 from=west shape=r36 @2\n" +
                         kDrain) +
           "end\n",
       {kOnePe, kTwoColumns}},
      {"local_store",
       0,
       "vector_engine",
       head + tile(32, 128) + times(20, kPass) + "end\n",
       {kOnePe, kOneColumn, "local_store.bytes_per_cycle=32"}},
      {"memory",
       0,
       "fabric_interface_load",
       head + line + times(60, "load dst=b0 address=r0 shape=r10 @0\n") + "end\n",
       {kOnePe, kOneColumn}},
      // PE 1 comes late to each multicast.
      {"multicast",
       0,
       "fabric_interface_load",
       head + kWhere + line +
           times(10,
                 think(4000, 1) + "load dst=b0 address=r0 shape=r10 multicast=row @0\nbarrier scope=all\n") +
           "end\n",
       {kOnePe, kTwoColumns}},
      {"issue",
       0,
       "vector_engine",
       head + "set rd=r2 value=1\n" + tile(1, 32) + times(20, think(400, 2) + kPass) + "end\n",
       {kOnePe, kOneColumn}},
      {"queue_full",
       0,
       "issue_core 0",
       head + tile(32, 128) + times(30, kPass) + "end\n",
       {kOnePe, kOneColumn, kSlowVector, "command_processor.queue_depth=1"}},
      {"barrier",
       0,
       "issue_core 1",
       ".core 0\nset rd=r2 value=1\n" + times(10, think(4000, 2) + "barrier scope=pe @0\n") +
           "end\n.core 1\n" + times(10, "barrier scope=pe @0\n") + "end\n",
       {kOnePe, kOneColumn}},
      {"semaphore",
       1,
       "issue_core 0",
       ".core 0\n" + kWhere +
           times(10, think(4000, 3) + "loop count=r3 length=1\npost pe=r2 semaphore=1 count=1 @0\n" +
                         "loop count=r1 length=1\nwait semaphore=1 count=1 @0\n") +
           "end\n",
       {kOnePe, kTwoColumns}},
      {"post",
       0,
       "issue_core 0",
       head + tile(32, 128) + times(10, kPass + "post pe=r0 semaphore=0 count=1 @0\n") + "end\n",
       {kOnePe, kOneColumn, kSlowVector}},
      {"launch", 0, "issue_core 0", ".core 0\nend\n", {kOnePe, kOneColumn}, 1000},
  };
}

Setup setup_of(const Benchmark& benchmark) {
  Setup setup;
  setup.chip = load_chip("tiny", benchmark.overrides);
  setup.chip.control_core.launch_cycles = benchmark.launch_cycles;
  return setup;
}

/// Share of the lane's cycles that its slices spend in the cause.
double share(const Benchmark& benchmark) {
  const ScratchFolder folder;
  Setup setup = setup_of(benchmark);
  setup.options.trace = folder / "trace.pftrace";
  const Outcome o = run(program(benchmark.text), setup);
  REQUIRE_MESSAGE(o.code == 0, benchmark.cause, o.error);
  const std::string bytes = read_text(setup.options.trace);
  std::uint64_t all = 0, caused = 0;
  for (const auto& [id, track] : TraceReader(bytes).tracks) {
    if (track.name != benchmark.lane || !track.group.starts_with(fmt::format("PE {} ", benchmark.pe)))
      continue;
    for (const TraceSlice& slice : track.slices) {
      all += slice.to - slice.from;
      if (slice.state == benchmark.cause) caused += slice.to - slice.from;
    }
  }
  CHECK(all == o["cycles"]);
  return double(caused) / double(all);
}

std::uint64_t cycles(const isa::Program& p, Setup setup, const WhatIf& what_if) {
  setup.options.what_if = what_if;
  const Outcome o = run(p, setup);
  REQUIRE_MESSAGE(o.code == 0, o.error);
  return o["cycles"];
}

}  // namespace

TEST_CASE("stall causes: each takes most of an engine's cycles in a program made for it") {
  for (const Benchmark& benchmark : benchmarks()) {
    CAPTURE(benchmark.cause);
    CHECK(share(benchmark) >= 0.8);
  }
}

TEST_CASE("stall causes: every cause has its program") {
  std::vector<std::string> causes;
  for (const Benchmark& benchmark : benchmarks()) causes.push_back(benchmark.cause);
  for (int state = 0; state < kStates; ++state) {
    const std::string name(name_of(static_cast<State>(state)));
    if (name != "busy" && name != "idle") CHECK_MESSAGE(std::ranges::count(causes, name) == 1, name);
  }
}

TEST_CASE("stall causes: idle is billed only while no work is pending") {
  int watched_programs = 0;
  for (const Benchmark& benchmark : benchmarks()) {
    CAPTURE(benchmark.cause);
    IdleWatch watch;
    const Outcome o = run(program(benchmark.text), watched(setup_of(benchmark), watch));
    REQUIRE_MESSAGE(o.code == 0, o.error);
    if (o["idle.commands"] == 0) continue;  // cores alone
    ++watched_programs;
    CHECK(idle_is_idle(o));
  }
  CHECK(watched_programs == 10);
}

TEST_CASE("what if: unlimited device memory takes the wait for it away") {
  Setup setup;
  setup.chip = load_chip("tiny", {"hbm.channels=1"});
  const isa::Program p = program(copy_text(0, 1 << 20, 16, 4096, 2));
  const std::uint64_t real = cycles(p, setup, {}), bound = cycles(p, setup, {.hbm = true});
  const std::uint64_t port = 16 * 4096 / 64;  // what the port alone takes
  CHECK(bound < real / 2);
  CHECK(bound >= 1000 + port);
}

TEST_CASE("what if: an unlimited network takes its links' time away") {
  Setup setup;
  setup.chip = load_chip("tiny", {"noc.link_bytes_per_cycle=1", "noc.hop_cycles=50"});
  const isa::Program p = program(copy_text(isa::kSramBase, isa::kSramBase + (1 << 20), 8, 4096, 2));
  CHECK(cycles(p, setup, {.noc = true}) < cycles(p, setup, {}) / 4);
}

TEST_CASE(
    "what if: an unlimited local store leaves what the engines take, free issue what the commands take") {
  constexpr int kPasses = 20, kTile = 32 * 128;
  const std::string text = ".core 0\n" + kScratch + tile(32, 128) + times(kPasses, kPass) + "end\n";
  Setup setup;
  setup.chip = load_chip("tiny", {kOnePe, kOneColumn, "local_store.bytes_per_cycle=32"});
  setup.chip.control_core.launch_cycles = 0;
  const isa::Program p = program(text);
  const std::uint64_t passes = kPasses * (kTile / 32 + 24);  // elements / rate + latency
  CHECK(cycles(p, setup, {}) > 6 * passes);
  const std::uint64_t unlimited = cycles(p, setup, {.local_store = true});
  CHECK(unlimited >= passes);
  CHECK(unlimited < passes + 100);  // the core's time before the first
  CHECK(cycles(p, setup, {.local_store = true, .issue = true}) == passes);
}

TEST_CASE("what if: free issue takes the issue core's time away") {
  for (const Benchmark& benchmark : benchmarks()) {
    if (benchmark.cause != "issue") continue;
    const isa::Program p = program(benchmark.text);
    const std::uint64_t passes = 20 * (1 + 24);
    CHECK(cycles(p, setup_of(benchmark), {}) > 15 * passes);
    CHECK(cycles(p, setup_of(benchmark), {.issue = true}) == passes);
  }
}

TEST_CASE("what if: no unlimited resource costs cycles, and values stay") {
  Setup setup;
  setup.fill = fill_everything;
  setup.output = {0, 1 << 16};
  const isa::Program p = program(everything_text());
  const Outcome real = run(p, setup);
  const WhatIf all[] = {
      {.hbm = true}, {.noc = true}, {.local_store = true}, {.issue = true}, {true, true, true, true}};
  for (const WhatIf& what_if : all) {
    setup.options.what_if = what_if;
    const Outcome o = run(p, setup);
    CHECK_MESSAGE(o.error == "", o.error);
    CHECK(o["cycles"] <= real["cycles"]);
    CHECK(o.output == real.output);
    CHECK(o["hbm.read"] == real["hbm.read"]);
  }
}

}  // namespace leto::model::test
