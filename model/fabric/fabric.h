// Everything between the fabric interfaces and memory, in one SystemC process with a timing wheel of its own.
//
// Life of a load: the port asks for a fragment (request hops), every memory router for its part -> each piece
// of it, one memory unit's bytes, is read (model/memory) -> it crosses the NoC and the port, in one packet
// with those of its request that leave memory in the same cycle -> the last piece frees the fragment's room
// in flight. A store goes the other way: port and NoC, memory accepts, an acknowledgement returns. A
// multicast is a stream of its own that starts when every member's port has come to it; memory is read once,
// and all members get every piece. Requests submitted in one cycle are taken up in the next, ordered by PE,
// direction and sequence: no result depends on the order of processes. Every resource is granted in time
// order of the events that reach it.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "model/fabric_interface/issue_watch.h"
#include "model/fabric_interface/port.h"
#include "model/fabric_interface/transfer.h"
#include "model/kernel/pool.h"
#include "model/kernel/process.h"
#include "model/kernel/timing_wheel.h"
#include "model/memory/memory.h"
#include "model/noc/noc.h"
#include "model/simulation.h"

namespace leto::model {

class Fabric : public Process, private Memory::Client, private MemorySocket::Client {
 public:
  /// Of `options`: what_if, outside_memory; with an outside_engine there is a port pair more, after the PEs'.
  Fabric(const sc_core::sc_module_name& name, Kernel& kernel, const ChipConfig& chip,
         const RunOptions& options);

  /// Where completions of PE `pe` go.
  void connect(int pe, TransferClient& client) { clients_[static_cast<std::size_t>(pe)] = &client; }
  /// Called by a PE within its step; taken up in the next cycle.
  void submit(const Transfer& transfer) { submit(transfer, now()); }
  /// The same from outside of the chip's processes, at `now` in SystemC's time.
  void submit(const Transfer& transfer, Cycle now);

  /// A load or store of PE `pe` (a multicast: of its group) that is counted and not simulated: it moves the
  /// LLC's content, and takes no time. `sampled`: of those sets alone that stand for all.
  void pass(int pe, bool store, isa::Multicast multicast, isa::Runs runs, bool sampled);
  /// What the LLC holds.
  std::int64_t llc_bytes() const { return memory_.cache().bytes(); }

  /// Of device memory, so far.
  std::uint64_t bursts() const { return memory_.hbm().bursts(); }

  /// The job has ended: what it stored goes to device memory (run the kernel until nothing is left to do).
  void clean(Cycle now);
  Cycle cleaned() const { return memory_.cleaned(); }

  /// Nothing is left to do: the next submission comes at `at` or later (Kernel::go_on_from).
  void go_on_from(Cycle at) {
    wheel_.rewind(at);
    looked_from_ = 0;
  }

  /// Tells `observer` of every memory access from now on; may be null.
  void watch(Observer* observer);
  /// Tells `watch` of every piece that a port cuts; may be null.
  void watch_issue(IssueWatch* watch) { issue_watch_ = watch; }
  /// Tells `watch` of every request to an SRAM bank; may be null.
  void watch_banks(BankWatch* watch) { memory_.watch_banks(watch); }
  /// Tells `watch` of every packet in the network; may be null.
  void watch_noc(NocWatch* watch) { noc_.watch(watch); }

  void report(Statistics& statistics) const;

  /// All that changes; the clients' has been loaded.
  void state(Snapshot& s);

 private:
  /// As the wheel holds it: the kind, and what it happens to (a port, a piece, a channel).
  enum Kind : std::uint32_t { kPump, kRequest, kData, kFetched, kLeaves, kStore, kServe };
  struct Event {
    static constexpr int kKindBits = 3;
    TimingWheel::Event word;
    Event(Kind kind, int id) : word(kind | static_cast<std::uint32_t>(id) << kKindBits) {}
    explicit Event(TimingWheel::Event w) : word(w) {}
    Kind kind() const { return static_cast<Kind>(word & ((1u << kKindBits) - 1)); }
    int id() const { return static_cast<int>(word >> kKindBits); }
  };
  void at(Cycle cycle, Kind kind, int id) { wheel_.push(cycle, Event(kind, id).word); }

  /// Who gets a stream's data.
  struct Member {
    int pe, router, local;  // local: number in its cluster
    Cycle done;
    std::uint64_t sequence;
  };
  struct Stream {
    int port;
    int group;  // multicast: of which group; else -1
    bool store, modify;
    bool joined;                  // a member, waiting for the others
    std::int64_t next_fragment;   // its bytes, once they are known; else 0
    std::int64_t undelivered;     // bytes not yet on their last leg
    std::int64_t granted;         // bytes a cycle at the port …
    Divider rate;                 // … as a divider
    isa::Run rest;                // of the run that is being issued
    isa::Runs runs;               // after it
    Cycle ready;                  // set-up done
    Cycle gathered;               // multicast: when the last member came
    std::vector<Member> members;  // one; a multicast's own stream: all; a member of one, waiting: itself
  };
  struct Fragment {
    int stream;
    int pieces;  // not yet on their last leg
    std::int32_t bytes;
    Cycle done;
  };
  /// Pieces that leave memory together.
  struct Together {
    Cycle at;
    int last;
  };
  struct Group {
    std::vector<int> pes;            // ascending
    std::vector<int> waiting;        // streams of members that have come to the rendezvous
    int port;                        // the group's own: window and request slots
    std::vector<Noc::Tree> trees{};  // to the group, by memory's router; grown when first used
  };

  void step(Cycle now) override;
  void take_up(Cycle now);
  void start(const Transfer& transfer, Cycle now);
  void serve(Cycle now);
  void look_ahead(Cycle now);
  void handle(Event event, Cycle now);

  void loaded(int piece, Cycle at) override;
  void fetching(int piece, Cycle at) override { this->at(at, kFetched, piece); }
  void stored(int piece, Cycle at) override;
  void serve_at(int channel, Cycle at) override { this->at(at, kServe, channel); }
  void answered(std::uint32_t tag, Cycle at) override;

  int group_of(int pe, isa::Multicast multicast) const;
  Port& port(int id) { return ports_[static_cast<std::size_t>(id)]; }
  void pump(int port, Cycle now);
  void pump_later(int port, Cycle at);
  void join(int stream, Cycle now);
  void gather(Group& group, Cycle now);
  void issued(int stream, Cycle now);
  bool issue(int port, Stream& stream, int id, Cycle now);
  void cut(Port& port, Stream& stream, int id, std::int64_t bytes, Cycle now);
  std::int64_t next_fragment(const Stream& stream) const;
  void ask(const Port& port, int piece, Cycle at);
  void end_requests();

  void leaves(int piece, Cycle now);
  void request(int first, Cycle now);
  void data(int first, Cycle now);
  void deliver(Stream& stream, int router, const Noc::Packet& packet, Cycle length, Fragment& fragment,
               Cycle now);
  Cycle take_in(int pe, Cycle head, Cycle tail, Cycle length);
  void last_leg(int fragment, int pieces, std::int64_t bytes);
  const Noc::Tree& tree(Group& group, int router);
  void state(Snapshot& s, Stream& stream);
  void state(Snapshot& s, Transfer& transfer);
  void check_same(const Group& group) const;

  FabricInterfaceConfig config_;
  int rows_, columns_;
  Noc noc_;
  Pool<Piece> pieces_;
  Memory memory_;
  std::unique_ptr<MemorySocket> socket_;  // with a memory from outside
  std::vector<TransferClient*> clients_;
  std::vector<Port> ports_;       // 2 an engine (load, store): PEs, the one outside; then one a group
  std::vector<Cycle> port_free_;  // by engine: the port in is busy until then
  std::vector<Group> groups_;     // rows, columns, all
  Pool<Stream> streams_;
  Pool<Fragment> fragments_;
  TimingWheel wheel_;
  std::vector<TimingWheel::Event> due_;
  std::array<std::vector<Transfer>, 2> inbox_;  // by parity of the cycle of submission
  Cycle looked_from_ = 0;                       // the cycle from which look_ahead() looked last
  IssueWatch* issue_watch_ = nullptr;
  std::uint64_t port_bytes_ = 0;  // over the PE ports
  Cycle now_ = 0;                 // of the event that is being handled
  // Within cut() and request(), and empty between them.
  std::vector<int> asked_;          // routers that the fragment under way has asked
  std::vector<int> last_asked_;     // by router: the last piece it was asked for; -1: none
  bool requesting_ = false;         // request() is under way …
  std::vector<Together> together_;  // … and has formed these
};

}  // namespace leto::model
