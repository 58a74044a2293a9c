// Parts that need no simulation: the timing wheel, the local store's grants, the network's ledgers.
#include <doctest/doctest.h>

#include <fmt/format.h>
#include <algorithm>

#include <random>

#include "model/hbm/hbm.h"
#include "model/kernel/clock_domain.h"
#include "model/kernel/timing_wheel.h"
#include "model/local_store/local_store.h"
#include "model/noc/noc.h"
#include "model/sram/sram.h"

namespace leto::model::test {

TEST_CASE("timing wheel: dates ascend, equal dates come out in the order they went in, near and far") {
  std::mt19937_64 random(7);
  TimingWheel wheel;
  std::vector<std::pair<Cycle, TimingWheel::Event>> expected, taken;
  std::vector<TimingWheel::Event> due;
  TimingWheel::Event id = 0;
  Cycle now = 0;
  const auto take = [&] {
    for (wheel.take(now, due); !due.empty(); wheel.take(now, due))
      for (const TimingWheel::Event event : due) taken.emplace_back(now, event);
  };
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 5; ++i) {
      const Cycle at = now + random() % (round % 3 == 0 ? 20000 : 50);
      expected.emplace_back(at, id);
      wheel.push(at, id++);
    }
    now = wheel.next();
    take();
  }
  while ((now = wheel.next()) != kNever) take();
  std::stable_sort(expected.begin(), expected.end(), [](auto& a, auto& b) { return a.first < b.first; });
  CHECK(taken == expected);
}

TEST_CASE("clocks: another clock's cycles and bytes in PE cycles, rounded up") {
  const ClockDomain same(1900, 1900), slower(1900, 1400), faster(1000, 1333.333);
  CHECK(same.cycles(7) == 7);
  CHECK(slower.cycles(14) == 19);
  CHECK(slower.cycles(1) == 2);
  CHECK(faster.cycles(4) == 4);  // 3.000001: the clock is a kilohertz short of four thirds
  CHECK(ClockedWidth(same, 64).time(65) == fine(2));
  CHECK(cycle_from(ClockedWidth(slower, 64).time(64 * 14)) == 19);
  CHECK(cycle_from(ClockedWidth(slower, 64).time(64 * 14 + 1)) == 21);  // a whole cycle of its own more
  CHECK(ClockedWidth(faster, 64).time(64 * 4) == fine(3));
}

TEST_CASE("clocks: links and banks a little slower than the PEs lose that little and not a cycle a packet") {
  const ChipConfig chip =
      load_chip("tiny", {"pe.clock_mhz=1040", "noc.clock_mhz=1000", "sram.clock_mhz=1000"});
  Noc noc(chip);
  Sram sram(chip.sram, chip.pe.clock_mhz);
  constexpr int kPackets = 1000;
  Cycle link = 0, bank = 0;
  for (int i = 0; i < kPackets; ++i) {
    link = noc.send(0, 1, chip.noc.link_bytes_per_cycle, 0).tail;
    bank = sram.write(BankPort::store, 0, chip.sram.bank_bytes_per_cycle, 0);
  }
  CHECK(link - noc.hop_latency(0, 1) == doctest::Approx(1.04 * kPackets).epsilon(0.003));
  CHECK(bank == doctest::Approx(1.04 * kPackets).epsilon(0.003));
}

TEST_CASE("timing wheel: when nothing is left in it earlier dates may come again") {
  TimingWheel wheel;
  std::vector<TimingWheel::Event> due;
  wheel.push(1000, 1);
  wheel.take(1000, due);
  REQUIRE(due.size() == 1);
  wheel.rewind(998);
  wheel.push(998, 2);
  CHECK(wheel.next() == 998);
  wheel.take(998, due);
  CHECK(due == std::vector<TimingWheel::Event>{2});
}

TEST_CASE("local store: grants never add up to more than there is, too little is nothing") {
  LocalStore store(LocalStoreConfig{1 << 17, 256});
  CHECK(store.acquire(200) == 200);
  CHECK(store.acquire(100) == 56);
  CHECK(store.acquire(1) == 0);
  store.release(56);
  CHECK(store.acquire(10) == 10);
  CHECK(store.acquire(1000) == 46);
  store.release(200);
  CHECK(store.acquire(1000) == 200);
}

TEST_CASE("network: cut-through, links as ledgers, a multicast charges every link once") {
  const ChipConfig chip =
      load_chip("tiny", {"pe.rows=3", "pe.columns=3"});  // 3x3 routers, 128 bytes wide, hop 4
  Noc noc(chip);
  const auto first = noc.send(0, 8, 512, 100);
  CHECK(first.head == 100 + 4 * 4);
  CHECK(first.tail == 100 + 4 * 4 + 4);
  CHECK(noc.send(0, 1, 512, 100).head == 104 + 4);  // waits 4 cycles for the link the first holds
  CHECK(noc.link_bytes() == 5 * 512);
  const Noc::Tree tree = noc.tree(0, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  std::vector<Cycle> heads(9), tails(9);
  noc.multicast(tree, noc.packet(512), 1000, [&](int pe, Cycle head, Cycle tail) {
    heads[static_cast<std::size_t>(pe)] = head;
    return tails[static_cast<std::size_t>(pe)] = tail;
  });
  CHECK(noc.link_bytes() == (5 + 8) * 512);  // a spanning tree of nine routers
  CHECK(tails[0] == 1000);
  CHECK(heads[8] == 1000 + 16);
}

TEST_CASE("network: a packet that waits fills the buffer between, then holds the link behind it") {
  const auto wait_behind = [](int buffer_bytes) {
    const ChipConfig chip = load_chip("tiny", {"pe.rows=1", "pe.columns=4", "noc.cluster_columns=1",
                                               fmt::format("noc.buffer_bytes={}", buffer_bytes)});
    Noc noc(chip);                 // four routers in a row, links of 128 bytes, hop 4
    noc.send(1, 2, 128 * 100, 0);  // holds the link from 1 to 2 until 100
    CHECK(noc.send(0, 2, 128 * 10, 0).head == 100 + 4);
    noc.send(0, 2, 128 * 10, 0);
    return noc.send(0, 1, 128, 0).head - 4;  // when the link from 0 to 1 is free
  };
  CHECK(wait_behind(128 * 100) == 20);  // both fit: the link is held for their own bytes
  CHECK(wait_behind(128 * 16) == 110);  // the second needs the room of the first, which leaves at 110
}

TEST_CASE("SRAM: a bank serves in turn, power-of-two strides spread over banks") {
  const ChipConfig chip = load_chip("pilot");
  Sram sram(chip.sram, chip.pe.clock_mhz);
  CHECK(sram.read(BankPort::load, 3, 512, 1000) == 1000 + 8 + 100);
  CHECK(sram.read(BankPort::load, 3, 512, 1000) == 1000 + 16 + 100);
  CHECK(sram.write(BankPort::store, 4, 512, 1000) == 1008);
  std::vector<int> used(static_cast<std::size_t>(sram.banks()), 0);
  for (std::uint64_t i = 0; i < 960; ++i) ++used[static_cast<std::size_t>(sram.bank_of(i * 512 * 96))];
  CHECK(*std::max_element(used.begin(), used.end()) <= 20);
}

TEST_CASE("HBM: strides of any power of two use most channels, every address has its own place") {
  const ChipConfig chip = load_chip("pilot");
  const Hbm hbm(chip);
  for (int bits = 9; bits < 26; ++bits) {
    std::vector<int> used(static_cast<std::size_t>(hbm.channels()), 0);
    for (std::uint64_t i = 0; i < 1920; ++i)
      ++used[static_cast<std::size_t>(hbm.place_of(i << bits).channel)];
    CAPTURE(bits);
    CHECK(std::count_if(used.begin(), used.end(), [](int n) { return n > 0; }) >= hbm.channels() / 2);
    CHECK(*std::max_element(used.begin(), used.end()) <= 40);
  }
  std::vector<std::pair<int, std::uint64_t>> places;
  for (std::uint64_t a = 0; a < 512 * 4000; a += 512)
    places.emplace_back(hbm.place_of(a).channel, hbm.place_of(a).offset);
  std::sort(places.begin(), places.end());
  CHECK(std::unique(places.begin(), places.end()) == places.end());
}

}  // namespace leto::model::test
