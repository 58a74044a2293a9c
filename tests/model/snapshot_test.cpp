// Blocks that are saved in the middle of random work and loaded into new ones: from there on the two do the
// same. Whole chips are in tests/e2e/checkpoint_test.cpp.
#include <doctest/doctest.h>

#include <random>
#include <tuple>

#include "base/errors.h"
#include "isa/machine.h"
#include "isa/race.h"
#include "model/fabric_interface/port.h"
#include "model/hbm/controller.h"
#include "model/hbm/ledger.h"
#include "model/kernel/timing_wheel.h"
#include "model/noc/noc.h"
#include "model/sram/cache.h"
#include "model/sram/sram.h"
#include "tests/base/snapshot_bytes.h"

namespace leto::model::test {
namespace {

constexpr int kBefore = 3000, kAfter = 3000;  // operations

/// work(block, random, time) does something, moves time on, and returns what came of it.
template <class Block, class Work>
void check_goes_on(Block& block, Block& fresh, Work&& work) {
  std::mt19937_64 random(11);
  std::uint64_t time = 0;
  for (int i = 0; i < kBefore; ++i) work(block, random, time);
  const auto bytes = save(block);
  load(bytes, fresh);
  CHECK(save(fresh) == bytes);
  std::mt19937_64 random_of_fresh = random;
  std::uint64_t time_of_fresh = time;
  for (int i = 0; i < kAfter; ++i) {
    const auto one = work(block, random, time);
    REQUIRE(one == work(fresh, random_of_fresh, time_of_fresh));
  }
}

TEST_CASE("snapshot: a timing wheel keeps near and far events and their order") {
  TimingWheel wheel, fresh;
  check_goes_on(wheel, fresh, [](TimingWheel& w, std::mt19937_64& random, std::uint64_t& time) {
    for (int i = 0; i < 3; ++i)
      w.push(time + random() % (random() % 8 == 0 ? 40'000 : 500),
             static_cast<TimingWheel::Event>(random() % 1000));
    std::vector<TimingWheel::Event> due;
    const Cycle next = w.next();
    w.take(next, due);
    time = next;
    due.push_back(static_cast<TimingWheel::Event>(next));
    return due;
  });
}

TEST_CASE("snapshot: a cache keeps its lines and their age") {
  const SramConfig sram = load_chip("tiny").sram;
  Cache cache(sram, 64), fresh(sram, 64);
  check_goes_on(cache, fresh, [](Cache& c, std::mt19937_64& random, std::uint64_t&) {
    const std::uint64_t line = random() % (4 * c.capacity());
    const int set = c.set_of(0, line);
    const Cache::Access a = random() % 2 ? c.read(set, line, 3) : c.write(set, line, 1 + random() % 3);
    return std::tuple(a.way, a.missing, a.write_back, a.victim, a.whole, c.hits());
  });
}

TEST_CASE("snapshot: a memory controller keeps its queues and rows and refreshes") {
  for (const char* refresh : {"all_bank", "per_bank"}) {
    HbmConfig policy = load_chip("pilot").hbm;
    policy.refresh = refresh;
    const ControllerSpec spec(load_dram_timing("hbm3_6400"), policy);
    Controller controller(spec), fresh(spec);
    check_goes_on(controller, fresh, [](Controller& c, std::mt19937_64& random, std::uint64_t& time) {
      std::vector<Tick> done;
      for (int i = 0; i < 2; ++i)
        c.submit({random() % 100'000, static_cast<std::int32_t>(1 + random() % 16), random() % 3 == 0,
                  static_cast<std::uint32_t>(random() % 1000)},
                 time);
      time += random() % 200;
      c.advance(time, [&](std::uint32_t tag, Tick tick, bool write) {
        done.insert(done.end(), {tag, tick, write});
      });
      time += 1;
      return done;
    });
  }
}

TEST_CASE("snapshot: a ledger keeps its rows and the writes that wait") {
  const ChipConfig chip = load_chip("pilot");
  const LedgerTiming timing(chip.dram, chip.pe.clock_mhz, 16, true);
  Ledger ledger(timing), fresh(timing);
  check_goes_on(ledger, fresh, [](Ledger& l, std::mt19937_64& random, std::uint64_t& time) {
    time += random() % 100'000;
    const std::uint64_t first = random() % 100'000;
    return random() % 2 ? l.read(first, 8, time) : l.write(first, 8, time);
  });
}

TEST_CASE("snapshot: a network keeps what its links and buffers hold") {
  const ChipConfig chip = load_chip("pilot");
  Noc noc(chip), fresh(chip);
  const int routers = noc.router_of_pe(chip.pes() - 1) + 1;
  check_goes_on(noc, fresh, [&](Noc& n, std::mt19937_64& random, std::uint64_t& time) {
    time += random() % 4;
    const int from = static_cast<int>(random() % static_cast<unsigned>(routers));
    const auto a = n.send(from, static_cast<int>(random() % static_cast<unsigned>(routers)), 256, time);
    n.taken(a, a.tail + random() % 20);
    return std::tuple(a.head, a.tail, a.link, a.buffer, n.link_bytes());
  });
}

TEST_CASE("snapshot: SRAM banks stay taken") {
  const ChipConfig chip = load_chip("pilot");
  Sram sram(chip.sram, chip.pe.clock_mhz), fresh(chip.sram, chip.pe.clock_mhz);
  check_goes_on(sram, fresh, [](Sram& s, std::mt19937_64& random, std::uint64_t& time) {
    time += random() % 2;
    const int bank = static_cast<int>(random() % static_cast<unsigned>(s.banks()));
    return random() % 2 ? s.read(BankPort::load, bank, 512, time)
                        : s.write(BankPort::store, bank, 512, time) + s.bytes_written();
  });
}

TEST_CASE("snapshot: a port's window keeps the ends that it knows") {
  Window window, fresh;
  check_goes_on(window, fresh, [](Window& w, std::mt19937_64& random, std::uint64_t& time) {
    time += random() % 8;
    const bool fits = w.fits(64, 1024, time);
    if (fits) {
      w.open(64);
      w.close(64, time + random() % 200);
    }
    return std::pair(fits, w.next_end());
  });
}

TEST_CASE("snapshot: memory keeps every byte and forgets what it held before") {
  isa::Memory memory, fresh;
  const std::array<std::byte, 3> some = {std::byte{1}, std::byte{2}, std::byte{3}};
  for (const std::uint64_t address :
       {std::uint64_t{0}, std::uint64_t{65535}, isa::kSramBase + 5, std::uint64_t{1} << 40})
    memory.write(address, some.data(), some.size());
  fresh.write(1 << 20, some.data(), some.size());
  load(save(memory), fresh);
  std::array<std::byte, 3> read{};
  for (const std::uint64_t address :
       {std::uint64_t{0}, std::uint64_t{65535}, isa::kSramBase + 5, std::uint64_t{1} << 40}) {
    fresh.read(address, read.data(), read.size());
    CHECK(read == some);
  }
  fresh.read(1 << 20, read.data(), read.size());
  CHECK(read == std::array<std::byte, 3>{});
}

TEST_CASE("snapshot: a race begun before is found behind") {
  isa::Command store, load_command;
  store.opcode = isa::Opcode::store;
  load_command.opcode = isa::Opcode::load;
  isa::RaceDetector races(2), fresh(2), ordered(2);
  races.write(0, store, 96, 8);
  load(save(races), fresh);
  CHECK_THROWS_AS(fresh.read(1, load_command, 100, 1), Error);
  fresh.read(1, load_command, 104, 8);
  races.barrier();
  load(save(races), ordered);
  ordered.read(1, load_command, 100, 1);
}

}  // namespace
}  // namespace leto::model::test
