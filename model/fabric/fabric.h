// Everything between the fabric interfaces and memory, in one SystemC process with a timing wheel of its own.
//
// Life of a load: the port asks for a fragment (request hops) -> each piece of it, one SRAM bank's or HBM
// channel's bytes, is read -> it crosses the NoC and the port -> the last piece frees the fragment's room in
// flight. A store goes the other way: port and NoC, memory accepts, an acknowledgement returns. A multicast
// is a stream of its own that starts when every member's port has come to it; memory is read once, and all
// members get every piece. Requests submitted in one cycle are taken up in the next, ordered by PE, direction
// and sequence: no result depends on the order of processes. Every resource is granted in time order of the
// events that reach it.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "model/fabric_interface/port.h"
#include "model/fabric_interface/transfer.h"
#include "model/hbm/hbm.h"
#include "model/kernel/process.h"
#include "model/kernel/timing_wheel.h"
#include "model/noc/noc.h"
#include "model/simulation.h"
#include "model/sram/sram.h"

namespace leto::model {

class Fabric : public Process {
 public:
  Fabric(const sc_core::sc_module_name& name, Kernel& kernel, const ChipConfig& chip, const WhatIf& what_if);

  /// Where completions of PE `pe` go.
  void connect(int pe, TransferClient& client) { clients_[static_cast<std::size_t>(pe)] = &client; }
  /// Called by a PE within its step; taken up in the next cycle.
  void submit(Transfer&& transfer);

  /// Tells `observer` of every memory access from now on; may be null.
  void watch(Observer* observer);

  void report(Statistics& statistics) const;

 private:
  enum Kind : std::uint64_t { kPump, kRead, kWrite, kReadDeparts, kStoreDeparts, kFragment };
  /// As the wheel holds it: the kind, what it happens to (a port, or a piece), and the fragment that is part
  /// of.
  struct Event {
    static constexpr int kKindBits = 4, kIdBits = 30;
    std::uint64_t word;
    Event(Kind kind, int id, int fragment)
        : word(kind | static_cast<std::uint64_t>(id) << kKindBits |
               static_cast<std::uint64_t>(fragment) << (kKindBits + kIdBits)) {}
    explicit Event(std::uint64_t w) : word(w) {}
    Kind kind() const { return static_cast<Kind>(word & ((1u << kKindBits) - 1)); }
    int id() const { return static_cast<int>(word >> kKindBits & ((1u << kIdBits) - 1)); }
    int fragment() const { return static_cast<int>(word >> (kKindBits + kIdBits)); }
  };
  void at(Cycle cycle, Kind kind, int id, int fragment) {
    wheel_.push(cycle, Event(kind, id, fragment).word);
  }
  struct Member {
    int port;
    std::uint64_t sequence;
    int pe;
    Cycle done = 0;
    int stream = -1;  // multicast: the member's own, at the front of its port's queue
  };
  struct Stream {
    int port = 0;
    int group = -1;                // multicast: of which group
    std::int64_t undelivered = 0;  // bytes not yet on their last leg
    Divider rate;                  // bytes a cycle at the port
    Member own{};                  // who gets the data, if it is no multicast
    std::size_t run = 0;
    std::int64_t offset = 0;
    Cycle ready = 0;      // set-up done
    bool joined = false;  // a member, waiting for the others
    Cycle gathered = 0;
    std::vector<Member> members;  // who gets the data of a gathered multicast
    Transfer transfer;
    std::span<Member> receivers() { return group < 0 ? std::span(&own, 1) : std::span(members); }
  };
  // Tens of thousands of the next two are under way at a time: they are kept small.
  struct Fragment {
    int stream, port;
    int pieces;  // not yet on their last leg
    std::int32_t bytes;
    Cycle done;
  };
  struct Piece {
    std::uint64_t offset;  // in the channel
    std::int32_t bytes;
    int unit;  // SRAM bank or HBM channel
    int router;
    std::uint32_t length;  // stores: cycles it takes to leave the port
    bool sram;
  };
  struct Group {
    std::vector<int> pes;
    std::vector<int> routers;        // of the PEs
    std::vector<int> waiting;        // streams of members that have come to the rendezvous
    int port;                        // the group's own: window and request slots
    std::vector<Noc::Tree> trees{};  // to the group, by memory's router; grown when first used
  };

  void step(Cycle now) override;
  void take_up(Cycle now);
  void start(Transfer&& transfer, Cycle now);
  void serve(Cycle now);
  void fetch(const std::uint64_t* event) const;
  void handle(Event event, Cycle now);

  void pump(int port, Cycle now);
  void pump_later(int port, Cycle at);
  void join(int stream, Cycle now);
  void gather(Group& group, Cycle now);
  void issued(int stream, Cycle now);
  bool issue(int port, Stream& stream, int id, Cycle now);
  void cut(int port, Stream& stream, int id, std::int64_t bytes, Cycle now);
  Piece locate(std::uint64_t address, std::int64_t most) const;

  Cycle read(const Piece& piece, Cycle at);
  Cycle write(const Piece& piece, Cycle at);
  void at_memory(int piece, int fragment, Cycle now);
  void read_departs(int piece, int fragment, Cycle now);
  void store_departs(int piece, int fragment, Cycle now);
  const Noc::Tree& tree(Group& group, int router);
  void deliver(Stream& stream, const Piece& piece, Fragment& fragment, Cycle now);
  void last_leg(int piece, int fragment);
  void fragment_done(int fragment, Cycle now);
  void check_same(const Group& group) const;

  template <class T>
  struct Pool {
    std::vector<T> items;
    std::vector<int> unused;
    int take() {
      if (unused.empty()) {
        items.emplace_back();
        return static_cast<int>(items.size()) - 1;
      }
      const int id = unused.back();
      unused.pop_back();
      return id;
    }
    void give(int id) { unused.push_back(id); }
    T& operator[](int id) { return items[static_cast<std::size_t>(id)]; }
    const T& operator[](int id) const { return items[static_cast<std::size_t>(id)]; }
  };

  FabricInterfaceConfig config_;
  int rows_, columns_;
  Noc noc_;
  Sram sram_;
  Hbm hbm_;
  std::vector<TransferClient*> clients_;
  std::vector<Port> ports_;                    // 2 a PE (load, store), then one a group
  std::vector<Group> groups_;                  // rows, columns, all
  std::vector<int> sram_router_, hbm_router_;  // by bank, by channel
  Pool<Stream> streams_;
  Pool<Fragment> fragments_;
  Pool<Piece> pieces_;
  TimingWheel wheel_;
  std::array<std::vector<Transfer>, 2> inbox_;  // by parity of the cycle of submission
  std::vector<Noc::Arrival> arrivals_;
  std::uint64_t port_bytes_ = 0;  // over the PE ports
};

}  // namespace leto::model
