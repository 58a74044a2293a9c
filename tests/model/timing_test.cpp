// Closed forms, to the cycle.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

Setup one_pe(std::vector<std::string> overrides = {}) {
  Setup setup;
  overrides.insert(overrides.end(), {"pe.rows=1", "pe.columns=1"});
  setup.chip = load_chip("tiny", overrides);
  return setup;
}

/// Loads tiles into b0 (held) and b1 (stream), then `count` matmuls as operations 1, 2, … in adjacent
/// accumulators.
std::string matmul_text(int m, int n, int k, const std::string& type, int count) {
  std::string text =
      ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=1\nbuffer id=b1 base=16384 bytes=16384 depth=1\n" +
      shape(10, {m, n, k, 256, 256}) + shape(20, {16384, 1, 16384, 1, 0, 16384}) +
      "load dst=b0 reserve=1 push=1 address=r0 shape=r20 @0\nload dst=b1 reserve=1 push=1 address=r0 "
      "shape=r20 @0\n"
      "barrier scope=pe\n";
  for (int i = 0; i < count; ++i)
    text += fmt::format(
        "matmul held=b0 held_wait={0} stream=b1 stream_wait={0} held_type={1} stream_type={1} bank={2} "
        "first=1 last=1 "
        "shape=r10 @{3}\n",
        i == 0 ? 1 : 0, type, i * 4, i + 1);
  return text + "end\n";
}

std::string vector_text(int rows, int columns, int pitch) {
  return ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=0\nbuffer id=b1 base=16384 bytes=16384 depth=0\n" +
         shape(10, {rows, columns, pitch, pitch}) +
         "vector op=relu dst=b1 dst_type=fp32 a=b0 a_type=fp32 a_mode=full reduce=none shape=r10 @1\nend\n";
}

/// One load of `bytes` from `address`, by the PE with index `who` only.
std::string load_text(std::uint64_t address, int bytes, int who) {
  return fmt::format(
      ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=0\nwhere rd=r1 which=index\nset rd=r2 value={}\nset "
      "rd=r3 value={}\n"
      "set rd=r5 value=1\n{}div rd=r4 ra=r1 rb=r2\nloop count=r4 length=1\nload dst=b0 address=r3 shape=r10 "
      "@1\nend\n",
      std::max(who, 1), address, shape(10, {bytes, 1, bytes, 1, 0, bytes}));
}

}  // namespace

TEST_CASE("matmul: k-blocks x max(n, 32) + first load + pipeline on an idle engine") {
  const Setup setup = one_pe();
  // tiny: 32 bytes a k-block (16 bf16), load 32, pipeline 16
  CHECK(run(program(matmul_text(64, 64, 64, "bf16", 1)), setup).span(1) == 4 * 64 + 32 + 16);
  CHECK(run(program(matmul_text(33, 8, 64, "bf16", 1)), setup).span(1) == 4 * 32 + 32 + 16);
  CHECK(run(program(matmul_text(64, 64, 17, "bf16", 1)), setup).span(1) == 2 * 64 + 32 + 16);
  CHECK(run(program(matmul_text(64, 64, 0, "bf16", 1)), setup).span(1) == 0);
}

TEST_CASE("matmul: 8-bit types take half the blocks where the chip says so") {
  CHECK(run(program(matmul_text(64, 64, 64, "fp8_e4m3", 1)), one_pe()).span(1) == 2 * 64 + 32 + 16);
  const Setup single = one_pe({"matrix_engine.double_rate_8bit=false"});
  CHECK(run(program(matmul_text(64, 64, 64, "fp8_e4m3", 1)), single).span(1) == 4 * 64 + 32 + 16);
}

TEST_CASE("matmul: back to back only the stream counts") {
  const Outcome o = run(program(matmul_text(64, 64, 64, "bf16", 3)), free_issue(one_pe()));
  CHECK(o.span(1) == 4 * 64 + 32 + 16);
  CHECK(o.span(2) == 4 * 64);
  CHECK(o["operation.3.last"] == o["operation.1.first"] + 3 * 4 * 64 + 32 + 16);
}

TEST_CASE("matmul: more rows than the tiles hold is an error") {
  const Outcome o = run(program(matmul_text(64, 64, 64, "bf16", 1)), one_pe({"matrix_engine.tiles=1"}));
  CHECK(o.code == 6);
  CHECK(o.error.find("holds 64 rows") != std::string::npos);
}

TEST_CASE("vector pass: beats or port, whichever is longer, plus latency") {
  // tiny: 32 lanes, 256 bytes a cycle, latency 24
  CHECK(run(program(vector_text(32, 32, 128)), one_pe()).span(1) == 32 + 24);
  CHECK(run(program(vector_text(16, 8, 32)), one_pe()).span(1) == 4 + 24);
  CHECK(run(program(vector_text(16, 8, 64)), one_pe()).span(1) == 16 + 24);  // rows apart: a beat each
  const Setup narrow = one_pe({"vector_engine.bytes_per_cycle=128"});
  CHECK(run(program(vector_text(32, 32, 128)), narrow).span(1) == 64 + 24);
}

TEST_CASE("the local store is never faster than its bandwidth") {
  const Setup slow = one_pe({"local_store.bytes_per_cycle=64"});
  const Outcome o = run(program(vector_text(32, 32, 128)), slow);
  CHECK(o.span(1) == 8192 / 64);
  CHECK(o["vector_engine.local_store"] == 8192 / 64 - (32 + 24));
}

TEST_CASE("unloaded SRAM load: set-up, bank, latency, port, hops both ways") {
  Setup setup;
  setup.chip = load_chip("tiny", {"pe.rows=1", "pe.columns=4", "sram.banks=1"});
  const Outcome o =
      run(program(load_text(isa::kSramBase, 512, 3)), setup);  // PE 3 of 4, three hops from the bank
  CHECK(o.span(1) == 16 + 3 * 4 + 512 / 64 + 60 + 3 * 4 + 512 / 64);
  CHECK(o["sram.read"] == 512);
}

TEST_CASE("port: two banks answer at once, and the port takes one packet after the other") {
  Setup setup;
  setup.chip = load_chip("tiny", {"pe.rows=1", "pe.columns=2", "noc.cluster_columns=2", "sram.banks=2"});
  const Outcome o = run(program(load_text(isa::kSramBase, 1024, 1)), setup);
  CHECK(o.span(1) == 16 + 512 / 64 + 60 + 2 * 512 / 64);
}

TEST_CASE("unloaded HBM load: set-up, activate, column, burst, controller, port") {
  Setup setup;
  setup.chip = load_chip("tiny", {"pe.rows=1", "pe.columns=2", "noc.cluster_columns=2"});
  const DramTiming& d = setup.chip.dram;
  // 1 GHz: a cycle is a ns. The request is accepted in its tick and can be activated for in the next.
  // An activate is a command of two clocks, and times count from its second.
  const double array = 1 + (d.activate_ns - d.tck_ns) + d.rcd_ns + d.cl_ns + d.burst_ns;
  const Outcome o = run(program(load_text(0, d.burst_bytes, 1)), setup);
  CHECK(o.span(1) == 16 + static_cast<std::uint64_t>(array) + 80 + 1);
  CHECK(o["bursts"] == 1);
}

TEST_CASE("partial bursts count whole: bursts x burst bytes = bytes read + written") {
  Setup setup;
  const Outcome o = run(program(copy_text(8, (1 << 20) + 8, 5, 3000, 2)), setup);
  CHECK(o["bursts"] * static_cast<std::uint64_t>(setup.chip.dram.burst_bytes) ==
        o["hbm.read"] + o["hbm.write"]);
  CHECK(o["hbm.read"] > 4 * 5 * 3000);
}

TEST_CASE("issue: every command, buffer and sync word costs, scalars cost theirs") {
  for (int issue : {0, 16}) {
    std::string text =
        ".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\nbarrier scope=pe\n" + shape(10, {0, 0});
    for (int i = 0; i < 10; ++i)
      text += "vector op=relu dst=b0 dst_type=fp32 a=b0 a_type=fp32 a_mode=full shape=r10 @1\n";
    const Outcome o = run(program(text + "end\n"), issue == 0 ? free_issue(one_pe()) : one_pe());
    CHECK(o["cycles"] == static_cast<std::uint64_t>(1000 + 12 * issue + 7));
    CHECK(o["issue_core.busy"] == static_cast<std::uint64_t>(12 * issue + 7));
    CHECK(o["commands"] == 10);
  }
}

TEST_CASE(
    "barriers: all PEs wait for the last, and pay the release, a semaphore arrives message_cycles later") {
  const Outcome grid = run(program(".core 0\nbarrier scope=all\nend\n"));
  CHECK(grid["cycles"] == 1000 + 16 + 40 + 1);
  CHECK(grid["issue_core.barrier"] == 4 * 40);
  const Outcome local =
      run(program(".core 0\nbarrier scope=pe\nend\n.core 1\nset rd=r1 value=1\nbarrier scope=pe\nend\n"));
  CHECK(local["cycles"] == 1000 + 16 + 1 + 1);
  CHECK(local["issue_core.barrier"] == 4 * 1);
  const Outcome posted = run(program(
      ".core 0\nwhere rd=r1 which=index\npost pe=r1 semaphore=2 count=1\nwait semaphore=2 count=1\nend\n"));
  CHECK(posted["cycles"] == 1000 + 1 + 16 + 20 + 1);
}

TEST_CASE("reduction network: pass and merge at the link's rate") {
  Setup setup;
  setup.fill = [](isa::Memory& m) { ramp(m, 0, DType::bf16, 4096, 2); };
  const Outcome o = run(program(partials_text()), setup);
  CHECK(o["operation.2.commands"] == 2);
  // pass 32x32 fp32 over 64 bytes a cycle, registered; then merge at 32 elements a cycle; latency 16 each
  CHECK(o["operation.2.reduction_engine.busy"] == (4096 / 64 + 16) + (1024 / 32 + 16));
}

}  // namespace leto::model::test
