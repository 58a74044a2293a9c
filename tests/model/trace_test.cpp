// The trace against the run's own figures, read back by a decoder that shares nothing with the writer.
#include "model/trace/trace.h"

#include <doctest/doctest.h>

#include <set>

#include "base/files.h"
#include "tests/base/scratch_folder.h"
#include "tests/model/programs.h"
#include "tests/model/trace_reader.h"

namespace leto::model::test {
namespace {

const std::set<std::string> kOperations = {"op0", "op1", "op2", "op3"};

struct Traced {
  Outcome outcome;
  std::string bytes;
};

Traced trace(const std::string& text, int steps = 1, const std::vector<std::string>& overrides = {}) {
  const ScratchFolder folder;
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  setup.fill = fill_everything;
  setup.steps = steps;
  setup.options.trace = folder.path() / "trace.pftrace";
  Traced traced{run(program(text), setup), ""};
  traced.bytes = read_text(setup.options.trace);
  return traced;
}

/// The engine a lane shows: its name without the core's number.
std::string engine_of(const std::string& lane) {
  return lane.substr(0, lane.find(' '));
}

}  // namespace

TEST_CASE("trace: the slices of each lane follow one another from cycle 0 to the run's end") {
  for (int steps : {1, 2}) {
    const Traced traced = trace(everything_text(), steps);
    REQUIRE(traced.outcome.error == "");
    int lanes = 0;
    for (const auto& [id, track] : TraceReader(traced.bytes).tracks) {
      if (track.slices.empty()) continue;
      ++lanes;
      std::uint64_t at = 0;
      for (const TraceSlice& slice : track.slices) {
        CHECK_MESSAGE(slice.from == at, track.name);
        CHECK_MESSAGE(slice.to > slice.from, track.name);
        at = slice.to;
        const bool unbilled = slice.name == "idle" || slice.name == "launch";
        CHECK_MESSAGE((kOperations.contains(slice.name) || unbilled), slice.name);
        CHECK_MESSAGE(slice.phase == (unbilled ? "" : "forward"), slice.name);
      }
      CHECK_MESSAGE(at == traced.outcome["cycles"], track.name);
    }
    CHECK(lanes == 4 * (kEngines - 1 + isa::kCores));
  }
}

TEST_CASE("trace: its slices add up to the stall accounts, its counters to the bytes") {
  const Traced traced = trace(everything_text());
  std::map<std::string, std::uint64_t> accounts, bytes, billed;
  for (const auto& [id, track] : TraceReader(traced.bytes).tracks) {
    for (const TraceSlice& slice : track.slices) {
      accounts[engine_of(track.name) + "." + slice.state] += slice.to - slice.from;
      billed[slice.name] += slice.to - slice.from;
    }
    for (const auto& [at, value] : track.counts) bytes[track.name] += value;
  }
  CHECK(accounts.size() > 15);
  for (const auto& [key, cycles] : accounts) CHECK_MESSAGE(cycles == traced.outcome[key], key);
  std::uint64_t op1 = 0;
  for (const auto& [key, cycles] : traced.outcome.number) {
    const bool commands = key.ends_with(".first") || key.ends_with(".last") || key.ends_with(".commands");
    if (key.starts_with("operation.1.") && !commands && !key.ends_with(".bytes")) op1 += cycles;
  }
  CHECK(billed["op1"] == op1);
  CHECK(bytes["hbm read"] == traced.outcome["hbm.read"]);
  CHECK(bytes["hbm write"] == traced.outcome["hbm.write"]);
  CHECK(bytes["hbm read"] > 0);
}

TEST_CASE("trace: buffers fill and empty, never beyond their depth") {
  const Traced traced = trace(copy_text(0, 1 << 20, 12, 4096, 3), 1, {"sram.scratch_fraction=1"});
  std::uint64_t most = 0, buffers = 0;
  for (const auto& [id, track] : TraceReader(traced.bytes).tracks) {
    if (track.name != "b0") continue;
    ++buffers;
    CHECK(track.group.starts_with("PE "));
    CHECK(track.counts.size() == 1 + 2 * 12);  // defined, then pushed and popped
    CHECK(track.counts.back().second == 0);
    for (const auto& [at, tiles] : track.counts) most = std::max(most, tiles);
  }
  CHECK(buffers == 4);
  CHECK(most == 3);
}

TEST_CASE("trace: the same run leaves the same bytes, and takes the cycles of a run without") {
  const Traced once = trace(everything_text()), again = trace(everything_text());
  CHECK(once.bytes == again.bytes);
  Setup setup;
  setup.fill = fill_everything;
  CHECK(run(program(everything_text()), setup)["cycles"] == once.outcome["cycles"]);
}

TEST_CASE("trace: a deadlocked run leaves what happened until then") {
  const Traced traced = trace(
      ".core 0\nbuffer id=b0 base=0 bytes=64 depth=1\nwait semaphore=0 count=1 @2\nend\n"
      ".core 1\nbuffer id=b1 base=64 bytes=64 depth=1\nset rd=r1 value=900\nloop count=r1 length=1\nset "
      "rd=r2 "
      "value=0\n"
      "wait semaphore=1 count=1 @3\nend\n");
  CHECK(traced.outcome.code == 7);
  int waiting = 0;
  for (const auto& [id, track] : TraceReader(traced.bytes).tracks) {
    if (track.name != "issue_core 0") continue;
    const TraceSlice& last = track.slices.back();
    CHECK(last.state == "semaphore");
    CHECK(last.name == "op2");
    CHECK(last.to - last.from > 900);  // until core 1 has come to rest too
    ++waiting;
  }
  CHECK(waiting == 4);
}

TEST_CASE("trace: recording stops at the cap, the file stays readable") {
  const ScratchFolder folder;
  const auto path = folder.path() / "trace.pftrace";
  const isa::Program p = program(".core 0\nend\n");
  constexpr std::uint64_t kCap = 20'000;
  Trace trace(path, p, load_chip("tiny"), kCap);
  for (Cycle at = 0; at < 10'000; ++at)
    trace.on_interval(Engine::matrix_engine, 1, at % 2 == 0 ? State::busy : State::data, 2, at, at + 1);
  CHECK_FALSE(std::filesystem::exists(path));
  trace.publish();
  REQUIRE(trace.cut());
  CHECK(*trace.cut() > 100);
  const std::string bytes = read_text(path);
  CHECK(bytes.size() < kCap + 1000);
  std::uint64_t end = 0;
  for (const auto& [id, track] : TraceReader(bytes).tracks)
    if (!track.slices.empty()) end = track.slices.back().to;
  CHECK(end == *trace.cut());
}

}  // namespace leto::model::test
