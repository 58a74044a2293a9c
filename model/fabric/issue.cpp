// Transfers on their way out of the ports: rendezvous of multicasts, the window, fragments and their
// requests.
#include <algorithm>

#include "base/errors.h"
#include "isa/instruction.h"
#include "model/fabric/fabric.h"

namespace leto::model {

void Fabric::pump_later(int id, Cycle at) {
  Port& port = this->port(id);
  if (port.pump_at <= at) return;
  port.pump_at = at;
  this->at(at, kPump, id);
}

void Fabric::pump(int id, Cycle now) {
  Port& port = this->port(id);
  while (!port.queue.empty()) {
    const int front = port.queue.front();
    Stream& stream = streams_[front];
    if (stream.ready > now) return pump_later(id, stream.ready);
    if (stream.group >= 0 && stream.port != groups_[static_cast<std::size_t>(stream.group)].port)
      return join(front, now);
    if (!issue(id, stream, front, now)) return;
    port.queue.pop_front();
    if (stream.group >= 0) issued(front, now);
  }
}

// A member's port has come to its multicast: the port waits until the group has issued everything.
void Fabric::join(int id, Cycle now) {
  Stream& stream = streams_[id];
  if (stream.joined) return;
  stream.joined = true;
  Group& group = groups_[static_cast<std::size_t>(stream.group)];
  group.waiting.push_back(id);
  if (group.waiting.size() == group.pes.size()) gather(group, now);
}

void Fabric::check_same(const Group& group) const {
  const Stream& first = streams_[group.waiting.front()];
  for (int id : group.waiting) {
    const Stream& other = streams_[id];
    if (first.rest == other.rest && same(first.runs, other.runs)) continue;
    throw Error(ExitCode::illegal_program,
                fmt::format("multicast load: PE {} and PE {} ask for different memory (from {:#x} and {:#x})",
                            first.members[0].pe, other.members[0].pe, first.rest.address, other.rest.address),
                "every PE of the row, column or grid must issue the same multicast loads in the same order");
  }
}

// All members are there: one stream on the group's own port serves them all. Its data come through every
// member's port: it goes on from the fullest of their buckets, and leaves them all as full as its own.
void Fabric::gather(Group& group, Cycle now) {
  std::ranges::sort(group.waiting, {}, [this](int id) { return streams_[id].members[0].pe; });
  check_same(group);
  const int id = streams_.take();
  Stream& stream = streams_[id];
  const Stream& leader = streams_[group.waiting.front()];
  std::vector<Member> members = std::move(stream.members);
  members.clear();
  stream = {.port = group.port,
            .group = leader.group,
            .store = false,
            .modify = false,
            .joined = false,
            .next_fragment = 0,
            .undelivered = leader.undelivered,
            .granted = leader.granted,
            .rate = {},
            .rest = leader.rest,
            .runs = leader.runs,
            .ready = now,
            .gathered = now,
            .members = std::move(members)};
  Port& port = this->port(group.port);
  for (int member : group.waiting) {
    const Stream& waiting = streams_[member];
    port.next_issue = std::max(port.next_issue, this->port(waiting.port).next_issue);
    stream.granted = std::min(stream.granted, waiting.granted);
    stream.members.push_back(waiting.members[0]);
  }
  stream.rate = Divider(static_cast<std::uint64_t>(stream.granted));
  group.waiting.clear();
  port.queue.push_back(id);
  pump(group.port, now);
}

// The group has issued everything: its members' ports go on with their next transfers.
void Fabric::issued(int id, Cycle now) {
  const Group& group = groups_[static_cast<std::size_t>(streams_[id].group)];
  const std::vector<int>& pes = group.pes;
  const Cycle next_issue = port(group.port).next_issue;
  for (int pe : pes) {
    Port& port = this->port(pe * 2);
    port.next_issue = next_issue;
    streams_.give(port.queue.front());
    port.queue.pop_front();
  }
  for (int pe : pes) pump(pe * 2, now);
}

// Issues what the window has room for. True when the whole stream has been issued.
bool Fabric::issue(int id, Stream& stream, int stream_id, Cycle now) {
  Port& port = this->port(id);
  while (stream.rest.bytes != 0) {
    if (stream.next_fragment == 0) stream.next_fragment = next_fragment(stream);
    const std::int64_t bytes = stream.next_fragment;
    port.full = !port.window.fits(bytes, config_.outstanding_bytes, now);
    if (port.full) {
      if (port.window.next_end() != kNever) pump_later(id, port.window.next_end());
      return false;
    }
    stream.next_fragment = 0;
    cut(port, stream, stream_id, bytes, now);
  }
  return true;
}

// A part of a row, or whole rows as long as they fit.
std::int64_t Fabric::next_fragment(const Stream& stream) const {
  const std::int64_t most = config_.fragment_bytes;
  if (stream.rest.bytes >= most) return most;
  std::int64_t bytes = stream.rest.bytes;
  isa::Runs ahead = stream.runs;
  for (isa::Run run = ahead.next(); run.bytes != 0 && bytes + run.bytes <= most; run = ahead.next())
    bytes += run.bytes;
  return bytes;
}

// One fragment: a request to each router where it touches memory (load), which
// goes when the bucket has room for the row that needs it first, or its pieces out of the port one by one
// (store).
void Fabric::cut(Port& port, Stream& stream, int stream_id, std::int64_t bytes, Cycle now) {
  const int id = fragments_.take();
  port.window.open(static_cast<std::int32_t>(bytes));
  const Cycle bucket = stream.store ? 0 : stream.rate.quotient(static_cast<Cycle>(config_.bucket_bytes));
  int count = 0;
  for (std::int64_t left = bytes; left > 0;) {
    isa::Run& run = stream.rest;
    const std::int64_t in_run = std::min(run.bytes, left);
    const Cycle port_free = port.next_issue;
    Cycle at = std::max(now, port_free - std::min(bucket, port_free));
    if (!stream.store)
      port.next_issue = std::max(port.next_issue, at) + stream.rate.ceiling(static_cast<Cycle>(in_run));
    Memory::Cutter cutter(memory_, run.address);
    for (std::int64_t in_piece, rest = in_run; rest > 0; rest -= in_piece, ++count) {
      const int piece_id = pieces_.take();
      Piece& piece = pieces_[piece_id];
      cutter.next(piece, rest, id, stream.modify);
      in_piece = piece.bytes;
      if (issue_watch_)
        for (const Member& member : stream.members)
          issue_watch_->cut(member.pe, {stream.store, rest == in_run, stream.granted, in_run, piece.address,
                                        piece.bytes, now, at, port_free});
      if (stream.store) {
        this->at(at, kLeaves, piece_id);
        at += stream.rate.ceiling(static_cast<Cycle>(in_beats(in_piece)));
        port.next_issue = at;
      } else {
        ask(port, piece_id, at);
      }
    }
    left -= in_run;
    run.address += static_cast<std::uint64_t>(in_run);
    run.bytes -= in_run;
    if (run.bytes == 0) run = stream.runs.next();
  }
  end_requests();
  fragments_[id] = {stream_id, count, static_cast<std::int32_t>(bytes), 0};
}

// A piece joins the fragment's request to its router, or goes with a new one at `at`.
void Fabric::ask(const Port& port, int id, Cycle at) {
  const int router = pieces_[id].router;
  int& last = last_asked_[static_cast<std::size_t>(router)];
  if (last < 0) {
    this->at(at + noc_.hop_latency(port.router, router), kRequest, id);
    asked_.push_back(router);
  } else {
    pieces_[last].fill.next = id;
  }
  last = id;
}

void Fabric::end_requests() {
  for (const int router : asked_) last_asked_[static_cast<std::size_t>(router)] = -1;
  asked_.clear();
}

}  // namespace leto::model
