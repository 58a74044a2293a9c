// Pieces on their way through the network.
#include <algorithm>

#include "model/fabric/fabric.h"

namespace leto::model {

// A store's piece leaves its port.
void Fabric::leaves(int id, Cycle now) {
  const Piece& piece = pieces_[id];
  memory_.prefetch(piece);
  const Stream& stream = streams_[fragments_[piece.fragment].stream];
  const std::int64_t bytes = in_beats(piece.bytes);
  const Cycle length = stream.rate.ceiling(static_cast<Cycle>(bytes));
  const Noc::Arrival arrival = noc_.send(port(stream.port).router, piece.router, bytes, now);
  port_bytes_ += static_cast<std::uint64_t>(bytes);
  at(std::max(arrival.tail, arrival.head + length), kStore, id);
}

// Memory has accepted a store's piece: the acknowledgement goes back.
void Fabric::stored(int id, Cycle at) {
  const Piece& piece = pieces_[id];
  Fragment& fragment = fragments_[piece.fragment];
  Stream& stream = streams_[fragment.stream];
  const Cycle acknowledged =
      std::max(at, now_ + 1) + noc_.hop_latency(piece.router, port(stream.port).router);
  fragment.done = std::max(fragment.done, acknowledged);
  Cycle& done = stream.members.front().done;
  done = std::max(done, acknowledged);
  const int fragment_id = piece.fragment;
  const std::int64_t bytes = piece.bytes;
  pieces_.give(id);
  last_leg(fragment_id, 1, bytes);
}

// The pieces of a request are at memory's router.
void Fabric::request(int first, Cycle now) {
  requesting_ = true;
  for (int id = first; id >= 0;) {
    const int next = pieces_[id].fill.next;
    if (next >= 0) {
      memory_.prefetch(pieces_[next]);
      if (pieces_[next].fill.next >= 0) pieces_.prefetch(pieces_[next].fill.next);
    }
    memory_.load(id, now);
    id = next;
  }
  requesting_ = false;
  together_.clear();
}

// Pieces of a request that leave memory's router in one cycle go as one packet.
void Fabric::loaded(int id, Cycle at) {
  if (requesting_) {
    for (Together& pieces : together_) {
      if (pieces.at != at) continue;
      pieces_[pieces.last].fill.next = id;
      pieces.last = id;
      return;
    }
    together_.push_back({at, id});
  }
  this->at(at, kData, id);
}

// A packet's bytes are at memory's router: they go to whoever asked, or are added to.
void Fabric::data(int first, Cycle now) {
  Piece& piece = pieces_[first];
  if (piece.modify) {
    piece.modify = 0;
    return memory_.store(first, now);
  }
  const int fragment_id = piece.fragment, router = piece.router;
  int count = 0;
  Fragment& fragment = fragments_[fragment_id];
  Stream& stream = streams_[fragment.stream];
  std::int64_t bytes = 0;
  Noc::Packet packet;
  Cycle length = 0;  // at the port
  for (int id = first; id >= 0; id = pieces_[id].fill.next, ++count) {
    const Noc::Packet part = noc_.packet(in_beats(pieces_[id].bytes));
    packet.bytes += part.bytes;
    packet.length += part.length;
    length += stream.rate.ceiling(static_cast<Cycle>(part.bytes));
    bytes += pieces_[id].bytes;
    pieces_.give(id);
  }
  deliver(stream, router, packet, length, fragment, now);
  if (stream.undelivered == bytes)
    for (Member& member : stream.members) member.done = port_free_[static_cast<std::size_t>(member.pe)];
  last_leg(fragment_id, count, bytes);
}

const Noc::Tree& Fabric::tree(Group& group, int router) {
  const auto index = static_cast<std::size_t>(router);
  if (group.trees.size() <= index) group.trees.resize(index + 1);
  Noc::Tree& tree = group.trees[index];
  if (tree.ends.empty()) tree = noc_.tree(router, group.pes);
  return tree;
}

// Through the network to every member, and through its port into its local store.
void Fabric::deliver(Stream& stream, int router, const Noc::Packet& packet, Cycle length, Fragment& fragment,
                     Cycle now) {
  port_bytes_ += static_cast<std::uint64_t>(packet.bytes) * stream.members.size();
  Cycle done = fragment.done;
  const auto take_in = [&](int pe, Cycle head, Cycle tail) {
    const Cycle taken = this->take_in(pe, head, tail, length);
    done = std::max(done, taken);
    return taken;
  };
  if (stream.group < 0) {
    const Member& member = stream.members.front();
    const Noc::Arrival arrival = noc_.send(router, member.router, packet, now, member.local);
    noc_.taken(arrival, take_in(member.pe, arrival.head, arrival.tail));
  } else {
    noc_.multicast(tree(groups_[static_cast<std::size_t>(stream.group)], router), packet, now, take_in);
  }
  fragment.done = done;
}

// A PE's port is taken until it has the last byte: when that is.
inline Cycle Fabric::take_in(int pe, Cycle head, Cycle tail, Cycle length) {
  Cycle& free = port_free_[static_cast<std::size_t>(pe)];
  free = std::max(std::max(head, free) + length, tail);
  return free;
}

// From here on the piece's arrival is known: the last one of a fragment dates the room it frees, the last one
// of a stream dates its completion.
void Fabric::last_leg(int fragment_id, int pieces, std::int64_t bytes) {
  Fragment& fragment = fragments_[fragment_id];
  const int stream_id = fragment.stream;
  Stream& stream = streams_[stream_id];
  stream.undelivered -= bytes;
  fragment.pieces -= pieces;
  if (fragment.pieces == 0) {
    Port& port = this->port(stream.port);
    port.window.close(fragment.bytes, fragment.done);
    if (port.full) pump_later(stream.port, port.window.next_end());
    fragments_.give(fragment_id);
  }
  if (stream.undelivered != 0) return;
  for (const Member& member : stream.members)
    clients_[static_cast<std::size_t>(member.pe)]->transfer_done(stream.store, member.sequence, member.done,
                                                                 stream.gathered);
  streams_.give(stream_id);
}

}  // namespace leto::model
