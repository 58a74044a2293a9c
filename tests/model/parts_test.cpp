// Parts that need no simulation: the timing wheel, the local store's grants, the network's ledgers, a DRAM
// channel.
#include <doctest/doctest.h>

#include <algorithm>
#include <fmt/format.h>

#include <random>

#include "model/hbm/hbm.h"
#include "model/kernel/timing_wheel.h"
#include "model/local_store/local_store.h"
#include "model/noc/noc.h"
#include "model/sram/sram.h"

namespace leto::model::test {

TEST_CASE("timing wheel: dates ascend, equal dates come out in the order they went in, near and far") {
  std::mt19937_64 random(7);
  TimingWheel wheel;
  std::vector<std::pair<Cycle, std::uint64_t>> expected, popped;
  std::uint64_t id = 0;
  Cycle now = 0;
  std::uint64_t event;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 5; ++i) {
      const Cycle at = now + random() % (round % 3 == 0 ? 20000 : 50);
      expected.emplace_back(at, id);
      wheel.push(at, id++);
    }
    now = wheel.next();
    while (wheel.pop(now, event)) popped.emplace_back(now, event);
  }
  while ((now = wheel.next()) != kNever)
    while (wheel.pop(now, event)) popped.emplace_back(now, event);
  std::stable_sort(expected.begin(), expected.end(), [](auto& a, auto& b) { return a.first < b.first; });
  CHECK(popped == expected);
}

TEST_CASE("local store: grants never add up to more than there is, too little is nothing") {
  LocalStore store(LocalStoreConfig{1 << 17, 256});
  CHECK(store.acquire(200) == 200);
  CHECK(store.acquire(100) == 56);
  CHECK(store.acquire(1) == 0);
  store.release(56);
  CHECK(store.acquire(10) == 10);
  CHECK(store.acquire(1000) == 46);
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
  noc.multicast(noc.tree(0, {0, 1, 2, 3, 4, 5, 6, 7, 8}), 512, 1000);
  CHECK(noc.link_bytes() == (5 + 8) * 512);  // a spanning tree of nine routers
  CHECK(noc.arrival(0).tail == 1000);
  CHECK(noc.arrival(8).head == 1000 + 16);
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
  Sram sram(load_chip("pilot").sram);
  CHECK(sram.read(3, 512, 1000) == 1000 + 8 + 100);
  CHECK(sram.read(3, 512, 1000) == 1000 + 16 + 100);
  CHECK(sram.write(4, 512, 1000) == 1008);
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

TEST_CASE(
    "channel: streams, turnarounds, scattered bursts and one bank, each at the rate its timing allows") {
  const ChipConfig chip = load_chip("pilot");
  const DramTiming& d = chip.dram;
  const ChannelTiming timing(d, 1000.0, 64);  // 1,000 MHz: a cycle is a nanosecond
  constexpr int kPieces = 4000;
  constexpr int kWindow = 16;  // pieces under way
  const auto ns_a_piece = [&](auto first, int bursts, bool alternate) {
    Channel channel(timing);
    std::vector<Ticks> ends(kWindow, 0);
    Ticks end = 0;
    for (std::uint64_t i = 0; i < kPieces; ++i) {
      const Ticks at = ends[i % kWindow];
      end = alternate && i % 2 ? channel.write(first(i), bursts, at) : channel.read(first(i), bursts, at);
      ends[i % kWindow] = std::max(ends[(i + kWindow - 1) % kWindow], end);
    }
    return double(ends[(kPieces - 1) % kWindow] >> kTickBits) / kPieces;
  };
  const auto next = [](std::uint64_t i) { return i * 16; };
  const double with_refresh = 1.0 / (1.0 - d.rfc_ns / d.refi_ns);
  const double stream = ns_a_piece(next, 16, false);
  CHECK(stream == doctest::Approx(16 * d.burst_ns * with_refresh).epsilon(0.02));
  // Four pieces written, four read between turnarounds.
  const double turn = (d.rtw_ns + d.cwl_ns - d.cl_ns - d.burst_ns + d.wtr_l_ns + d.cl_ns) / 8;
  CHECK(ns_a_piece(next, 16, true) == doctest::Approx((16 * d.burst_ns + turn) * with_refresh).epsilon(0.02));
  // Two bursts from two banks of a random row: as often as four activations fit into their window.
  const auto random = [](std::uint64_t i) { return (i * 0x9E3779B97F4A7C15u >> 40) * 2; };
  CHECK(ns_a_piece(random, 2, false) == doctest::Approx(2 * d.faw_ns / 4).epsilon(0.1));
  // Another row of the same bank every time: a row cycle each (activate, 16 bursts, precharge).
  const auto stride = timing.stripe_bursts * static_cast<std::uint64_t>(timing.banks * timing.banks);
  const auto same_bank = [&](std::uint64_t i) { return i * stride; };
  const double row_cycle = std::max(d.rc_ns, d.rcd_ns + 15 * d.burst_ns + d.rtp_ns + d.rp_ns);
  CHECK(ns_a_piece(same_bank, 16, false) == doctest::Approx(row_cycle * with_refresh).epsilon(0.02));
}

}  // namespace leto::model::test
