// A router's RTL in lock-step with what model/noc decides at it: in which order packets are granted, which
// ways they take, when they start on each link, when their end is there, and how long the link behind stays
// taken.
//
// The model dates a packet's whole way when it is launched; the RTL is offered the headers of all packets
// that are launched in a cycle, at their ways in, and grants one a clock, the oldest first. So a cycle of the
// model takes as many clocks as it has packets and parts of packets that start here; those beyond the first
// are counted. Cycles without a packet are clocked while something is taken or lies in a buffer, and left out
// where nothing can change any more. Compared: h_ready every cycle; of every packet g_ways, g_beats,
// g_cycles, u_wait, g_head of each link that it takes, g_tail where it ends.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "model/twin/blocks.h"
#include "model/twin/comparison.h"

namespace leto::model {

/// A packet as one router sees it.
struct RouterPacket {
  static constexpr std::uint8_t kLinks = 4,
                                kStart = 4;  // ways in: by a link, by how it moves; or it starts here
  struct Way {
    std::uint8_t out = 0;    // a link; from kLinks on a PE's number in its cluster; behind them memory
    Cycle at = 0;            // a link: its head is at the router behind; a PE has taken it
    Cycle held = 0;          // a link: the router behind has room for its end; 0: it asks for none
    std::uint32_t left = 0;  // beats free in the buffer's slot that is being filled, before it
  };
  std::uint8_t in = 0;
  std::uint8_t row_first = 0, row_last = 0, column_first = 0, column_last = 0;  // routers that it is for
  std::uint64_t pes = 0;                // of their clusters; none: memory
  std::uint32_t beats = 0, cycles = 0;  // cycles: on a link
  std::vector<std::uint32_t> parts;     // beats, where it starts here
  Cycle head = 0, tail = 0;             // here; tail 0: it does not end here
  Cycle room = 0;                       // there is room for its end; 0: it asks for none
  std::vector<Way> ways;
};

/// All packets that are launched in one cycle and come by the router, in the model's order.
struct RouterRun {
  Cycle at = 0;
  std::vector<RouterPacket> packets;

  std::size_t bytes() const;
  /// The last of what it leaves behind is over.
  Cycle until() const;
};

class RouterChecker {
 public:
  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  RouterChecker(const ChipConfig& chip, int router, const TwinSpec& spec, const std::string& instance,
                std::uint64_t seed, std::unique_ptr<rtl::Block> block = nullptr);

  /// In their order. Throws Error(mismatch) with the first difference.
  void add(RouterRun run);
  /// Packets come by that are not shown; the next one that is finds the router idle.
  void skip() { known_ = false; }
  /// Waits that the RTL's counters hold.
  Cycle longest() const { return longest_; }

  /// All since the last reset. Beyond kLogMost bytes there is none.
  struct Log {
    int router = 0;
    std::vector<RouterRun> runs;
    std::size_t bytes = 0;
    Comparison::Place from;
    bool lost = false;

    std::size_t size() const { return runs.size(); }
  };
  const Log& log() const { return log_; }
  void replay(const Log& log);

  Comparison& comparison() { return comparison_; }
  const Comparison& comparison() const { return comparison_; }
  /// Clocks that one cycle of the model took beyond its first.
  std::uint64_t further_clocks() const { return further_; }

 private:
  static constexpr std::size_t kIns = RouterPacket::kLinks + 1;
  static constexpr std::size_t kNone = ~std::size_t{0};

  void reset();
  void keep(const RouterRun& run);
  void play(const RouterRun& run);
  void reach(Cycle cycle);
  void begin();
  void load_levels(const RouterPacket& packet);
  void count_parts(std::size_t packet);
  void offer(std::size_t packet, std::size_t in);
  void check_grant(std::size_t packet);
  void leave(const RouterPacket& packet);
  void clock(bool tick);
  void compare(int pin, std::uint64_t model, int index = -1);
  void set(int pin, std::uint32_t value, std::size_t index = 0);
  std::uint32_t ahead(Cycle date) const { return date > now_ ? static_cast<std::uint32_t>(date - now_) : 0; }
  std::size_t lanes(int pin) const;
  void see_pins();
  Story story() const;

  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  int columns_, pes_;
  Cycle longest_ = 0;
  bool known_ = false;                    // the RTL's waits are the router's
  std::vector<bool> loaded_;              // by way in and out: the RTL knows how full the buffer's slot is
  Cycle now_ = 0;                         // of the RTL
  bool open_ = false;                     // it has been given something in this cycle, and not clocked yet
  Cycle busy_until_ = 0;                  // from then on nothing is taken and nothing lies in a buffer
  const RouterRun* run_ = nullptr;        // that is being played …
  std::size_t packet_ = 0;                // … its next packet
  std::array<std::size_t, kIns> next_{};  // by way in: the next packet there
  std::size_t counted_ = kNone;           // packet that starts here whose parts the RTL has
  std::uint64_t further_ = 0;
  Log log_;
};

}  // namespace leto::model
