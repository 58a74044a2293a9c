#include "isa/race.h"

#include <optional>

#include "isa/interp.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

// PE 0 stores a tile, then every PE loads it; `between` stands between the two.
std::string handover(std::string_view between) {
  return fmt::format(R"(
buffer id=b0 base=0 bytes=64 depth=1
buffer id=b1 base=64 bytes=64 depth=1
set rd=r10 value=64
set rd=r11 value=1
set rd=r13 value=1
set rd=r20 value=4096
where rd=r1 which=index
set rd=r2 value=1
sub rd=r2 ra=r2 rb=r1
load dst=b0 reserve=1 push=1 address=r0 shape=r10
loop count=r2 length=1
store src=b0 wait=1 pop=1 address=r20 shape=r10
{}
load dst=b1 reserve=1 push=1 address=r20 shape=r10
end
)",
                     between);
}

void run(std::string_view text, Grid grid, std::uint64_t order) {
  Memory memory;
  interpret(assemble(text, "t"), grid, 4096, 1, memory, order);
}

// Byte-by-byte happens-before, said in the most obvious way: every access keeps the vector clock it was made
// with.
class Oracle {
 public:
  explicit Oracle(int pes)
      : clock_(static_cast<std::size_t>(pes), std::vector<int>(static_cast<std::size_t>(pes), 0)),
        epoch_(clock_.size(), 0),
        semaphore_(clock_) {
    for (std::size_t p = 0; p < clock_.size(); ++p) clock_[p][p] = 1;
  }
  bool access(std::size_t pe, int address, int bytes, bool writes) {
    bool race = false;
    for (const Past& past : past_) {
      const bool overlap = past.address < address + bytes && address < past.address + past.bytes;
      if (!overlap || (!past.writes && !writes)) continue;
      const bool ordered =
          past.pe == pe ? writes || past.epoch < epoch_[pe] : clock_[pe][past.pe] >= past.time;
      race |= !ordered;
    }
    past_.push_back({pe, clock_[pe][pe], epoch_[pe], address, bytes, writes});
    return race;
  }
  void barrier() {
    for (const auto& other : std::vector(clock_))
      for (auto& mine : clock_) join(mine, other);
    for (std::size_t p = 0; p < clock_.size(); ++p) ++clock_[p][p], ++epoch_[p];
  }
  void local_barrier(std::size_t pe) { ++epoch_[pe]; }
  void post(std::size_t pe, std::size_t target) {
    join(semaphore_[target], clock_[pe]);
    ++clock_[pe][pe];
  }
  void wait(std::size_t pe) { join(clock_[pe], semaphore_[pe]); }

 private:
  struct Past {
    std::size_t pe;
    int time, epoch, address, bytes;
    bool writes;
  };
  static void join(std::vector<int>& into, const std::vector<int>& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], from[i]);
  }
  std::vector<std::vector<int>> clock_;
  std::vector<int> epoch_;
  std::vector<std::vector<int>> semaphore_;
  std::vector<Past> past_;
};

const Command kLoad = command("load @5"), kStore = command("store @6");

}  // namespace

TEST_CASE("a hand-over is a race without a barrier, whatever the order, and none with one") {
  const std::string messages = R"(set rd=r4 value=1
loop count=r2 length=1
post pe=r4 semaphore=2 count=1
loop count=r1 length=1
wait semaphore=2 count=1
barrier scope=pe)";
  for (std::uint64_t order = 0; order < 8; ++order) {
    run(handover("barrier scope=all"), {2, 2}, order);
    run(handover(messages), {1, 2}, order);
    const Caught error = caught([&] { run(handover("barrier scope=pe"), {1, 2}, order); });
    CHECK(error.code == ExitCode::illegal_program);
    CHECK(error.says("race at address 4096"));
    CHECK(error.says("pe 0 core 0 pc 11 (store @0)"));
    CHECK(error.says("(load @0)"));
  }
}

TEST_CASE("within a PE a load after a store needs a barrier of any scope") {
  for (std::uint64_t order = 0; order < 4; ++order) {
    run(handover("barrier scope=pe"), {1, 1}, order);
    run(handover("barrier scope=all"), {1, 1}, order);
  }
  RaceDetector races(1);
  races.write(0, kStore, 100, 4);
  races.write(0, kStore, 100, 4);
  races.read(0, kLoad, 104, 4);
  CHECK(caught([&] { races.read(0, kLoad, 103, 1); }).says("race at address 103"));
  races.local_barrier(0);
  races.read(0, kLoad, 100, 8);
  races.write(0, kStore, 100, 8);
}

TEST_CASE("neighbours may share a cell, byte by byte") {
  RaceDetector races(3);
  races.write(0, kStore, 0, 10);
  races.write(1, kStore, 10, 54);
  races.write(2, kStore, 64, 3);
  races.read(0, kLoad, 67, 1);
  CHECK(caught([&] { races.write(2, kStore, 9, 1); }).says("race at address 9"));
  CHECK(caught([&] { races.read(2, kLoad, 63, 1); }).says("race at address 63"));
}

TEST_CASE("all readers are remembered") {
  RaceDetector races(40);
  for (int pe = 0; pe < 40; ++pe) races.read(pe, kLoad, 1000, 1000);
  for (int pe = 1; pe < 40; ++pe)
    if (pe != 17) races.post(pe, 0, 0);
  races.wait(0, 0);
  CHECK(caught([&] { races.write(0, kStore, 1500, 1); }).says("pe 17"));
  races.post(17, 0, 0);
  races.wait(0, 0);
  races.write(0, kStore, 1500, 1);
}

TEST_CASE("the detector agrees with a byte-by-byte oracle on random histories") {
  constexpr int kPes = 3;
  int races_seen = 0, accesses = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Random random{seed};
    RaceDetector detector(kPes);
    Oracle oracle(kPes);
    for (int step = 0; step < 60; ++step) {
      const int pe = static_cast<int>(random.below(kPes)), target = static_cast<int>(random.below(kPes));
      const auto p = static_cast<std::size_t>(pe);
      const std::int64_t action = random.below(20);
      if (action == 0)
        detector.barrier(), oracle.barrier();
      else if (action < 3)
        detector.local_barrier(pe), oracle.local_barrier(p);
      else if (action < 6)
        detector.post(pe, target, 1), oracle.post(p, static_cast<std::size_t>(target));
      else if (action < 9)
        detector.wait(pe, 1), oracle.wait(p);
      else {
        const auto address = static_cast<int>(random.below(150)),
                   bytes = static_cast<int>(1 + random.below(40));
        const bool writes = random.below(3) == 0;
        const bool expected = oracle.access(p, address, bytes, writes);
        bool found = false;
        try {
          (writes ? static_cast<void>(detector.write(pe, kStore, static_cast<std::uint64_t>(address), bytes))
                  : static_cast<void>(detector.read(pe, kLoad, static_cast<std::uint64_t>(address), bytes)));
        } catch (const Error&) {
          found = true;
        }
        ++accesses;
        REQUIRE(found == expected);
        races_seen += found;
        if (found) break;
      }
    }
  }
  CHECK(races_seen > 1000);
  CHECK(accesses > 10000);
}
