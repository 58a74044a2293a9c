// The LLC: closed forms of hits and traffic, and what a miss, a hit and a write-back cost.
#include <doctest/doctest.h>

#include "model/sram/cache.h"
#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

constexpr std::int64_t kSram = 1 << 20,
                       kLines = kSram / 2 / 512;  // half of it is cache, in lines of 512 bytes

Setup small_cache(std::vector<std::string> overrides = {}) {
  overrides.insert(overrides.begin(), {"pe.rows=1", "pe.columns=1", fmt::format("sram.bytes={}", kSram)});
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  return setup;
}

/// Loads `lines` lines from address 0 on, `times` times over.
std::string sweep_text(std::int64_t lines, int times) {
  return ".core 0\nbuffer id=b0 base=0 bytes=512 depth=0\n" + shape(10, {512, 1, 512, 1, 0, 512}) +
         fmt::format(
             "set rd=r4 value={}\nset rd=r5 value={}\n"
             "loop count=r4 length=4\nset rd=r3 value=0\nloop count=r5 length=2\n"
             "load dst=b0 address=r3 shape=r10 @0\naddi rd=r3 ra=r3 value=512\nend\n",
             times, lines);
}

/// Two loads of the same 512 bytes, the second long after the first.
std::string twice_text() {
  return ".core 0\nbuffer id=b0 base=0 bytes=512 depth=0\nset rd=r3 value=0\n" +
         shape(10, {512, 1, 512, 1, 0, 512}) +
         "load dst=b0 address=r3 shape=r10 @0\nbarrier scope=pe\nload dst=b0 address=r3 shape=r10 @1\nend\n";
}

/// 64 KiB of cache in one slice, in lines of 512 bytes.
SramConfig one_slice(int ways) {
  SramConfig sram = load_chip("tiny").sram;
  sram.bytes = 65536;
  sram.banks = 1;
  sram.scratch_fraction = 0;
  sram.line_bytes = 512;
  sram.ways = ways;
  return sram;
}

}  // namespace

TEST_CASE("LLC: half its size and its size read twice hit the second time, twice its size never does") {
  for (const auto& [lines, hits] : {std::pair{kLines / 2, kLines / 2}, {kLines, kLines}, {2 * kLines, 0L}}) {
    const Outcome o = run(program(sweep_text(lines, 2)), small_cache());
    CHECK(o["llc_hits"] == static_cast<std::uint64_t>(hits));
    CHECK(o["llc_misses"] == static_cast<std::uint64_t>(2 * lines - hits));
    CHECK(o["hbm.read"] == static_cast<std::uint64_t>((2 * lines - hits) * 512));
    CHECK(o["hbm.write"] == 0);
  }
}

TEST_CASE("LLC: written lines go to memory once, when they must leave or when the job ends") {
  const std::int64_t tiles = kLines;  // copied: twice the cache's size passes through it
  const Outcome o = run(program(copy_text(0, 1 << 24, tiles, 512, 2)), small_cache());
  CHECK(o["hbm.read"] == static_cast<std::uint64_t>(tiles * 512));
  CHECK(o["llc_write_backs"] == static_cast<std::uint64_t>(tiles));
  CHECK(o["hbm.write"] == static_cast<std::uint64_t>(tiles * 512));
}

TEST_CASE("LLC: eager lines go to memory once, as soon as they are whole") {
  const std::int64_t tiles = kLines / 4;  // all of it fits
  const auto copy = [&](const char* eager, std::int64_t bytes) {
    return run(program(copy_text(0, 1 << 24, tiles, bytes, 2)),
               small_cache({fmt::format("sram.eager_write_back={}", eager)}));
  };
  for (const std::int64_t bytes : {512, 256}) {  // a line a store, or half a line
    const Outcome lazy = copy("false", bytes), eager = copy("true", bytes);
    CHECK(eager["llc_write_backs"] == static_cast<std::uint64_t>(tiles * bytes / 512));
    CHECK(eager["hbm.write"] == lazy["hbm.write"]);
    const auto left_for_the_end = [](const Outcome& o) { return o["cycles"] - o["operation.1.last"]; };
    CHECK(left_for_the_end(eager) == 0);
    CHECK(left_for_the_end(lazy) > 1000);
  }
}

TEST_CASE("LLC: a hit costs what scratch costs") {
  const Outcome o = run(program(twice_text()), small_cache({"sram.banks=1"}));
  // set-up, hops 0, bank and port at 64 bytes a cycle, latency
  CHECK(o.span(1) == 16 + 512 / 64 + 60 + 512 / 64);
  CHECK(o.span(0) > o.span(1));
}

TEST_CASE("LLC: all scratch means no cache, and the same bytes twice come from memory twice") {
  const Outcome o = run(program(sweep_text(8, 2)), small_cache({"sram.scratch_fraction=1"}));
  CHECK(o["llc_hits"] + o["llc_misses"] == 0);
  CHECK(o["hbm.read"] == 2 * 8 * 512);
}

TEST_CASE("LLC: whoever asks for a line on its way waits for it, memory is read once") {
  Setup setup = small_cache({"pe.columns=4"});
  const Outcome o = run(program(sweep_text(1, 1)), setup);
  CHECK(o["hbm.read"] == 512);
  CHECK(o["llc_misses"] == 1);
  CHECK(o["llc_hits"] == 3);
}

TEST_CASE("cache: sectors fill and write back one by one, the least recently used line leaves") {
  Cache cache(one_slice(2), 32);  // 64 sets
  CHECK(cache.capacity() == 128);
  CHECK(cache.touched(512 + 40, 60) == 0b1110);
  CHECK(cache.read(cache.set_of(0, 5), 5, 0b11).missing == 0b11);
  CHECK(cache.read(cache.set_of(0, 5), 5, 0b110).missing == 0b100);
  CHECK(cache.write(cache.set_of(0, 69), 69, 0b1000).write_back == 0);
  CHECK(cache.read(cache.set_of(0, 5), 5, 0b1).missing == 0);
  const Cache::Access access =
      cache.read(cache.set_of(0, 133), 133, 1);  // the third line of its set: 69 leaves
  CHECK(access.write_back == 0b1000);
  CHECK(access.victim == 69);
  CHECK(cache.read(cache.set_of(0, 5), 5, 0b111).missing == 0);
  CHECK(cache.hits() == 2);
  CHECK(cache.misses() == 3);
}

TEST_CASE("cache: a line that is being filled stays, when all are, nothing is allocated") {
  Cache cache(one_slice(1), 32);  // 128 sets
  const int set = cache.set_of(0, 0), way = cache.read(set, 0, 1).way;
  const int fill = cache.begin_fill(set, way);
  CHECK(cache.read(cache.set_of(0, 128), 128, 1).way == -1);
  CHECK(cache.read(cache.set_of(0, 128), 128, 1).missing == 1);
  CHECK(cache.begin_fill(set, way) == fill);
  cache.waiters(fill) = 7;
  CHECK(cache.end_fill(set, fill) == -1);
  CHECK(cache.fill_of(set, way) == fill);
  CHECK(cache.end_fill(set, fill) == 7);
  CHECK(cache.fill_of(set, way) == -1);
  CHECK(cache.read(cache.set_of(0, 128), 128, 1).way == way);
}

}  // namespace leto::model::test
