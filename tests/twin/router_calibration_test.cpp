// The time of routers in the RTL (timing_table.h): packets from a router's corner of a mesh to another one,
// through a chain of routers whose dates go from pin to pin, and through the model's network.
#include "model/noc/noc.h"
#include "model/twin/packed_pins.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"
#include "tests/twin/timing_table.h"

using namespace leto;
using namespace leto::model;
using namespace leto::model::timing;

namespace {

constexpr int kEast = 1, kSouth = 2, kStart = 4, kWaysIn = 5, kLinks = 4;

/// Packets of so many bytes, one behind the other, from router (0, 0) to (row, column), at once.
struct Way {
  int row, column;
  std::int64_t bytes;
  int packets;
  int hops() const { return row + column; }
};

/// The routers on the way, by hop; headers and their dates go through all of them within a cycle.
class Routers {
 public:
  Routers(const ChipConfig& chip, const Way& way) : way_(way) {
    for (int hop = 0; hop <= way.hops(); ++hop) {
      auto& block = blocks_.emplace_back(rtl::make_block("router", chip));
      block->reset();
      set(hop, "tick", 0), set(hop, "present", 1);
      set(hop, "row", static_cast<std::uint64_t>(std::max(0, hop - way.column)));
      set(hop, "column", static_cast<std::uint64_t>(std::min(hop, way.column)));
    }
  }

  /// When the packet's end is at the last router.
  std::int64_t send(std::int64_t bytes, int number) {
    for (std::int64_t left = (bytes + kBeatBytes - 1) / kBeatBytes; left > 0; left -= kPartBeats) {
      clear();
      set(0, "p_valid", 1), set(0, "p_beats", static_cast<std::uint64_t>(std::min(left, kPartBeats)));
      clock();
    }
    clear();
    for (int hop = 0; hop <= way_.hops(); ++hop) {
      const auto in = static_cast<std::size_t>(hop == 0 ? kStart : way_out(hop - 1));
      put(hop, "h_valid", kWaysIn, in, 1);
      put(hop, "h_stamp", kWaysIn, in, static_cast<std::uint64_t>(number));
      for (const char* end : {"first", "last"}) {
        put(hop, fmt::format("h_row_{}", end), kWaysIn, in, static_cast<std::uint64_t>(way_.row));
        put(hop, fmt::format("h_column_{}", end), kWaysIn, in, static_cast<std::uint64_t>(way_.column));
      }
      put(hop, "h_pes", kWaysIn, in, 1);
      if (hop > 0) {
        put(hop, "h_head", kLinks, in, lane(hop - 1, "g_head", kLinks, in));
        put(hop, "h_beats", kLinks, in, value(hop - 1, "g_beats"));
        put(hop, "h_cycles", kLinks, in, value(hop - 1, "g_cycles"));
      }
      blocks_[static_cast<std::size_t>(hop)]->evaluate();
    }
    const std::uint64_t tail = value(way_.hops(), "g_tail");
    set(way_.hops(), "e_taken", tail);  // the PE takes it as it comes
    for (int hop = way_.hops(); hop > 0; --hop) {
      blocks_[static_cast<std::size_t>(hop)]->evaluate();
      put(hop - 1, "c_wait", kLinks, static_cast<std::size_t>(way_out(hop - 1)), value(hop, "u_wait"));
    }
    clock();
    return static_cast<std::int64_t>(tail);
  }

 private:
  static constexpr std::int64_t kPartBeats = 16;

  int way_out(int hop) const { return hop < way_.column ? kEast : kSouth; }
  rtl::Block& block(int hop) { return *blocks_[static_cast<std::size_t>(hop)]; }
  void set(int hop, std::string_view name, std::uint64_t v) { block(hop).set(pin(block(hop), name), v); }
  std::uint64_t value(int hop, std::string_view name) { return block(hop).value(pin(block(hop), name)); }
  int bits(int hop, std::string_view name, int lanes) {
    return block(hop).ports()[static_cast<std::size_t>(pin(block(hop), name))].bits / lanes;
  }
  void put(int hop, std::string_view name, int lanes, std::size_t at, std::uint64_t v) {
    const int width = std::max(1, bits(hop, name, lanes));
    model::put(block(hop).pin(pin(block(hop), name)), at, width, static_cast<std::uint32_t>(v));
  }
  std::uint64_t lane(int hop, std::string_view name, int lanes, std::size_t at) {
    return get(block(hop).pin(pin(block(hop), name)), at, bits(hop, name, lanes));
  }
  void clear() {
    for (int hop = 0; hop <= way_.hops(); ++hop)
      for (const char* name : {"p_valid", "h_valid", "i_valid"}) set(hop, name, 0);
  }
  void clock() {
    for (auto& block : blocks_) block->evaluate(), block->clock();
  }

  Way way_;
  std::vector<std::unique_ptr<rtl::Block>> blocks_;
};

/// A mesh of 6 x 6 routers like the chip's.
ChipConfig mesh_of(const std::string& name) {
  const ChipConfig chip = load_chip(name);
  return load_chip(name, {fmt::format("pe.rows={}", 6 * chip.noc.cluster_rows),
                          fmt::format("pe.columns={}", 6 * chip.noc.cluster_columns)});
}

std::vector<Point> router_sweep(const std::string& name) {
  const ChipConfig chip = mesh_of(name);
  const std::int64_t link = chip.noc.link_bytes_per_cycle;
  std::vector<Point> points;
  const auto add = [&](const std::string& kind, std::int64_t work, const Way& way) {
    Routers routers(chip, way);
    Noc noc(chip);
    const int to = way.row * 6 + way.column;
    std::int64_t rtl = 0, charged = 0;
    for (int i = 0; i < way.packets; ++i) {
      Noc::Packet packet;  // part by part, as its pieces come from memory
      for (std::int64_t left = (way.bytes + kBeatBytes - 1) / kBeatBytes; left > 0; left -= 16) {
        const Noc::Packet part = noc.packet(std::min<std::int64_t>(left, 16) * kBeatBytes);
        packet.bytes += part.bytes, packet.length += part.length;
      }
      const Noc::Arrival arrival = noc.send(0, to, packet, 0);
      noc.taken(arrival, arrival.tail);
      charged = static_cast<std::int64_t>(arrival.tail);
      rtl = routers.send(way.bytes, i);
    }
    points.push_back({kind, work, rtl, charged, way.bytes});
  };
  const std::pair<int, int> ends[] = {{0, 1}, {1, 0}, {0, 5}, {5, 0}, {2, 3}, {5, 5}};
  for (const auto& [row, column] : ends) add("hops of a beat", row + column, {row, column, 32, 1});
  for (const std::int64_t bytes : {32, 512, 544, 2048, 4096}) {
    std::int64_t cycles = 0;  // each part takes whole cycles
    for (std::int64_t left = bytes; left > 0; left -= 512)
      cycles += (std::min<std::int64_t>(left, 512) + link - 1) / link;
    add("link cycles, 1 hop", cycles, {0, 1, bytes, 1});
    add("link cycles, 5 hops", cycles, {2, 3, bytes, 1});
    for (const int packets : {2, 5, 30})
      add("packets in a row, 5 hops", cycles * packets, {2, 3, bytes, packets});
  }
  return points;
}

}  // namespace

TEST_CASE("twin: the routers' time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"}) sweeps[chip] = router_sweep(chip);
  check_table("router", "hop or cycle of a link", sweeps);
}
