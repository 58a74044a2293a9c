// Everything behind the fabric interfaces for the event model: ports, links, and memory (event_memory.h).
//
// Models: a transfer goes in chunks of kChunk bytes, each at its date, so that all are in order of time. The
// runs of a chunk are asked of memory all at once. Every link between memory and the PE carries the part of a
// chunk that the address map brings over it in the mean, one chunk after the other (a ledger each); the
// slowest of them, or memory, dates the chunk. Ports have their set-up, rate and bytes in flight
// (model/fabric_interface). Leaves out: single packets, router buffers, and what one of them waits for
// another.
#pragma once

#include <optional>
#include <vector>

#include "arch/chip_config.h"
#include "isa/command.h"
#include "model/event/event_memory.h"
#include "model/fabric_interface/port.h"
#include "model/noc/noc.h"
#include "model/simulation.h"

namespace leto::model {

class Traffic {
 public:
  static constexpr std::int64_t kChunk = 8192;  // two fragments: a window has several

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
  void add_links(Route& route, const Noc::Tree& tree, std::uint64_t share);
  Cycle take(Port& port, std::int64_t bytes, Cycle at);
  Ticks cross(const Route& route, std::int64_t bytes, Ticks at);
  void begin(Port& port, const Request& request);
  Cycle next(Port& port) const;

  FabricInterfaceConfig config_;
  int rows_, columns_;
  Noc noc_;
  EventMemory memory_;
  std::int64_t link_bytes_;  // a cycle of the NoC: a packet takes whole ones
  std::uint64_t link_cost_;
  std::vector<Route> loads_, stores_;  // by router
  std::vector<Group> groups_;
  int first_group_;
  std::vector<Port> ports_;
  std::vector<Ticks> link_free_;
  std::uint64_t moved_ = 0;
};

}  // namespace leto::model
