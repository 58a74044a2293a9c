// Bandwidth, backpressure, multicast, and what a broken program is told.
#include <doctest/doctest.h>

#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

bool says(const Outcome& o, const std::string& words) {
  return o.error.find(words) != std::string::npos;
}

/// All PEs read a common stream, tile by tile in turn, into scratch.
std::string code_of(int tiles, int bytes, int pes) {
  return fmt::format(
      ".core 0\nbuffer id=b0 base=0 bytes={1} depth=0\nwhere rd=r1 which=index\nmuli rd=r3 ra=r1 value={1}\n"
      "set rd=r5 value={0}\n{2}loop count=r5 length=2\nload dst=b0 address=r3 shape=r10 @0\naddi rd=r3 ra=r3 "
      "value={3}\nend\n",
      tiles, bytes, shape(10, {bytes, 1, bytes, 1, 0, bytes}), bytes * pes);
}

double read_share(const std::vector<std::string>& overrides) {
  Setup setup;
  setup.options.values = false;
  setup.chip = load_chip("pilot", overrides);
  const int tiles = 100, bytes = 16384, pes = setup.chip.pes();
  const Outcome o = run(program(code_of(tiles, bytes, pes)), setup);
  const double cycles = double(o["cycles"]) - setup.chip.control_core.launch_cycles;
  return double(pes) * tiles * bytes / cycles / (6.144e12 / setup.chip.hertz());
}

}  // namespace

TEST_CASE("a large streaming read comes near the peak, and halves with the channels") {
  const double full = read_share({}), half = read_share({"hbm.channels=96"});
  CHECK(full > 0.84);  // all-bank refresh alone takes 9 %, re-opened rows 1 to 2 %
  CHECK(full < 1.0);
  CHECK(half / full == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("a multicast reads memory once and delivers to all") {
  const isa::Program once = program(gemm_text(256, 4, true)), each = program(gemm_text(256, 4, false));
  const std::uint64_t a = 64 * 256 * 2;
  Setup setup;
  setup.chip = load_chip("tiny", {"sram.scratch_fraction=1"});  // no cache
  CHECK(run(each, setup)["hbm.read"] == 4 * a + 4 * a);
  CHECK(run(once, setup)["hbm.read"] == a + 4 * a);
  CHECK(run(each)["hbm.read"] == a + 4 * a);  // with one, the others hit
}

TEST_CASE("multicast members that ask for different memory are an error") {
  const isa::Program p = program(
      ".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\nwhere rd=r1 which=column\nmuli rd=r2 ra=r1 value=64\n" +
      shape(10, {64, 1, 64, 1, 0, 64}) + "load dst=b0 address=r2 shape=r10 multicast=row @0\nend\n");
  const Outcome o = run(p);
  CHECK(o.code == 6);
  CHECK(says(o, "multicast load: PE 0 and PE 1"));
}

TEST_CASE("a full buffer holds the load back, a deeper one hides the latency") {
  Setup setup;
  setup.chip = load_chip("tiny", {"pe.rows=1", "pe.columns=1"});
  const Outcome shallow = run(program(copy_text(0, 1 << 20, 16, 4096, 1)), setup);
  const Outcome deep = run(program(copy_text(0, 1 << 20, 16, 4096, 8)), setup);
  CHECK(shallow["fabric_interface_load.space"] > deep["fabric_interface_load.space"]);
  CHECK(shallow["cycles"] > deep["cycles"] * 3 / 2);
}

TEST_CASE("a short queue stops the issue core, and costs no more than waiting") {
  Setup setup;
  setup.chip = load_chip("tiny", {"command_processor.queue_depth=1"});
  const Outcome o = run(program(copy_text(0, 1 << 20, 16, 4096, 1)), free_issue(setup));
  CHECK(o.error == "");
  CHECK(o["issue_core.queue_full"] > 1000);
  CHECK(o["issue_core.busy"] < 200);
}

TEST_CASE("a missing barrier between PEs is reported as a race, whatever the timing") {
  std::string text = everything_text();
  const std::string barrier = "barrier scope=all\n";
  text.erase(text.find(barrier), barrier.size());
  Setup setup;
  setup.fill = fill_everything;
  for (int issue : {0, 16, 200}) {
    setup.chip.command_processor.issue_cycles = issue;
    const Outcome o = run(program(text), setup);
    CHECK(o.code == 6);
    CHECK(says(o, "pe "));
  }
}

TEST_CASE("what does not fit: memory beyond the chip's, a pass off the grid, a buffer defined under way") {
  isa::Program big = program(".core 0\nend\n");
  big.tensors.push_back({"huge", isa::Role::input, DType::fp32, {1 << 20, 1 << 10}, 0, 0, {}});
  CHECK(run(big).code == 5);
  const Outcome beyond =
      run(program(".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\nset rd=r1 value=1073741800\n" +
                  shape(10, {64, 1, 64, 1, 0, 64}) + "load dst=b0 address=r1 shape=r10 @0\nend\n"));
  CHECK(beyond.code == 6);
  CHECK(says(beyond, "device memory"));
  const Outcome redefined =
      run(program(".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\n" + shape(10, {64, 1, 64, 1, 0, 64}) +
                  "load dst=b0 address=r0 shape=r10 @0\nbuffer id=b0 base=0 bytes=64 depth=0\nend\n"));
  CHECK(redefined.code == 6);
}

TEST_CASE("grids from 1x1 to 32x32 just work, also those that no cluster divides") {
  for (auto [rows, columns] : {std::pair{1, 1}, {1, 32}, {5, 7}, {32, 32}}) {
    Setup setup;
    setup.options.values = false;
    setup.chip =
        load_chip("tiny", {fmt::format("pe.rows={}", rows), fmt::format("pe.columns={}", columns),
                           "noc.cluster_rows=3", "noc.cluster_columns=2", "sram.scratch_fraction=1"});
    const std::uint64_t pes = static_cast<std::uint64_t>(rows * columns);
    const Outcome o = run(program(copy_text(0, 1 << 28, 2, 4096, 2)), setup);
    CHECK(o.error == "");
    CHECK(o["hbm.read"] == pes * 2 * 4096);
    CHECK(o["hbm.write"] == pes * 2 * 4096);
  }
}

TEST_CASE("a queue's empty time is billed to what its core did, the end of the step is idle") {
  const Outcome o = run(program(copy_text(0, 1 << 20, 4, 4096, 4)));
  CHECK(o["fabric_interface_load.launch"] == 4 * 1000);
  CHECK(o["fabric_interface_load.issue"] > 0);
  CHECK(o["matrix_engine.idle"] == 4 * o["cycles"]);
  CHECK(o["fabric_interface_load.idle"] > 0);
  CHECK(o["fabric_interface_store.data"] > 0);
}

}  // namespace leto::model::test
