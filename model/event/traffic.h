// Everything behind the fabric interfaces as bandwidths, for the event model: links, SRAM, device memory.
//
// Models: a transfer goes in chunks of kChunk bytes, each at its date, so that all are in order of time. A
// chunk is shared out evenly over all banks and channels, as the address map would do in the mean; every link
// between them and the PE, the SRAM as a whole and device memory as a whole carry their part of it, one chunk
// after the other (a ledger each), and the slowest of them dates it. The LLC is a cache of long lines (kLine)
// of the same size, ways and policy. Ports have their set-up, rate and bytes in flight
// (model/fabric_interface). Device memory's bandwidth is its peak less refresh and turns of the bus. Leaves
// out: single packets, banks, channels, rows, and with them whatever is not spread evenly.
#pragma once

#include <optional>
#include <vector>

#include "arch/chip_config.h"
#include "isa/command.h"
#include "model/fabric_interface/port.h"
#include "model/hbm/ledger.h"
#include "model/noc/noc.h"
#include "model/simulation.h"
#include "model/sram/cache.h"

namespace leto::model {

class Traffic {
 public:
  static constexpr std::int64_t kChunk = 8192;  // two fragments: a window has several
  static constexpr int kLine = 4096;

  Traffic(const ChipConfig& chip, const WhatIf& what_if);

  /// What a port is to move; `rate`: bytes a cycle.
  struct Request {
    isa::Runs runs;
    std::int64_t rate = 0;
    Cycle at = 0;                         // start
    bool stores = false, modify = false;  // modify: memory reads what is stored, and adds
  };
  /// Ports are numbered: two a PE (loads, stores), then one a multicast group.
  static int port_of(int pe, bool stores) { return pe * 2 + (stores ? 1 : 0); }
  int port_of_group(int group) const { return first_group_ + group; }

  /// Sets a port, which has nothing to move, to a request: when it moves the first chunk.
  Cycle submit(int port, const Request& request);
  /// The same for the port of a group, by the requests that its members' ports were set to.
  Cycle gather(int group);
  /// Moves a chunk at the date told last: when the next one goes; nothing when there is none.
  std::optional<Cycle> move(int port, Cycle now);
  /// When the last byte of what a port moved is there, or stored.
  Cycle end(int port) const { return ports_[static_cast<std::size_t>(port)].end; }
  /// A group has moved all of it: its members' ports go on from there.
  void release(int group);

  /// Rows, columns, all.
  int group_of(int pe, isa::Multicast multicast) const;
  const std::vector<int>& members(int group) const { return groups_[static_cast<std::size_t>(group)].pes; }
  const Request& request(int port) const { return ports_[static_cast<std::size_t>(port)].request; }

  /// Dirty lines go to memory: when the last one is there.
  Cycle clean(Cycle now);
  void report(Statistics& statistics) const;

 private:
  /// What one byte on a route costs each link, in 2^-16 ticks.
  struct Share {
    int link;
    std::uint64_t cost;
  };
  struct Route {
    std::vector<Share> links;
    std::uint64_t hops_by_unit = 0;  // links crossed, by one byte in the mean, in 2^-16
    Cycle latency = 0;               // of hops, there and back
  };
  struct Port {
    const Route* route = nullptr;
    std::uint64_t copies = 1;  // of each byte: members of the group
    Cycle set_up = 0, next = 0, in = 0;
    Window window;
    Request request;  // what it moves
    isa::Run rest;    // of the run under way
    std::int64_t left = 0;
    Cycle end = 0;
  };
  struct Group {
    std::vector<int> pes;
    Route route;
  };
  /// Bytes that a chunk moves where.
  struct Bytes {
    std::int64_t all = 0, sram = 0, read = 0, written = 0;
  };

  void add_links(Route& route, const Noc::Tree& tree, std::uint64_t share);
  Route route(const std::vector<int>& pes, bool stores) const;
  Bytes take(Port& port, std::int64_t most);
  void touch(const isa::Run& run, bool stores, Bytes& bytes);
  void write_back(const Cache::Access& access, bool whole, Bytes& bytes);
  Ticks book(Ticks& free, Ticks at, std::int64_t bytes, std::uint64_t cost) {
    free = std::max(free, at) + (static_cast<Ticks>(bytes) * cost >> 16);
    return free;
  }
  Cycle serve(const Route& route, const Bytes& bytes, Cycle at, bool stores);
  void begin(Port& port, const Request& request);
  Cycle next(Port& port) const;

  FabricInterfaceConfig config_;
  int rows_, columns_;
  WhatIf what_if_;
  Noc noc_;
  Cache cache_;
  LedgerTiming timing_;
  std::uint64_t link_cost_, sram_cost_, read_cost_, write_cost_;
  Cycle sram_latency_, hbm_latency_;
  Ticks write_queue_;                  // how far writes may lie behind
  std::vector<Route> loads_, stores_;  // by router
  std::vector<Group> groups_;
  int first_group_;
  std::vector<Port> ports_;
  std::vector<Ticks> link_free_;
  Ticks sram_free_ = 0, hbm_free_ = 0;
  std::uint64_t sram_read_ = 0, sram_written_ = 0, hbm_read_ = 0, hbm_written_ = 0, moved_ = 0;
};

}  // namespace leto::model
