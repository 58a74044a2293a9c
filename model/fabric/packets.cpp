// Fragments and pieces on their way: issue, memory, network, delivery.
#include <algorithm>

#include "isa/instruction.h"
#include "model/fabric/fabric.h"

namespace leto::model {
// Issues what the window has room for. True when the whole stream has been issued.
bool Fabric::issue(int id, Stream& stream, int stream_id, Cycle now) {
  const Port& port = ports_[static_cast<std::size_t>(id)];
  const auto& runs = stream.transfer.runs;
  while (stream.run < runs.size()) {
    const std::int64_t rest = runs[stream.run].bytes - stream.offset;
    const std::int64_t bytes = std::min<std::int64_t>(rest, config_.fragment_bytes);
    if (port.in_flight > 0 && port.in_flight + bytes > config_.outstanding_bytes) return false;
    cut(id, stream, stream_id, bytes, now);
    stream.offset += bytes;
    if (bytes == rest) {
      ++stream.run;
      stream.offset = 0;
    }
  }
  return true;
}

Fabric::Piece Fabric::locate(std::uint64_t address, std::int64_t most) const {
  Piece piece{};
  piece.sram = address >= isa::kSramBase;
  const Divider& interleave = piece.sram ? sram_.interleave() : hbm_.interleave();
  const std::uint64_t place = piece.sram ? address - isa::kSramBase : address;
  piece.bytes = static_cast<std::int32_t>(
      std::min(static_cast<std::uint64_t>(most), interleave.divisor() - interleave.remainder(place)));
  if (piece.sram) {
    piece.unit = sram_.bank_of(place);
    piece.router = sram_router_[static_cast<std::size_t>(piece.unit)];
  } else {
    const Hbm::Place at = hbm_.place_of(place);
    piece.unit = at.channel;
    piece.offset = at.offset;
    piece.router = hbm_router_[static_cast<std::size_t>(piece.unit)];
  }
  return piece;
}

// One fragment: a request to each memory unit it touches (load), or its pieces out of the port one by one
// (store).
void Fabric::cut(int port_id, Stream& stream, int stream_id, std::int64_t bytes, Cycle now) {
  Port& port = ports_[static_cast<std::size_t>(port_id)];
  const int id = fragments_.take();
  port.in_flight += bytes;
  Cycle at = std::max(now, port.next_issue);
  std::uint64_t address =
      stream.transfer.runs[stream.run].address + static_cast<std::uint64_t>(stream.offset);
  int count = 0;
  for (std::int64_t left = bytes; left > 0; ++count) {
    const int piece_id = pieces_.take();
    Piece& piece = pieces_[piece_id];
    piece = locate(address, left);
    if (stream.transfer.store) {
      piece.length =
          static_cast<std::uint32_t>(stream.rate.ceiling(static_cast<Cycle>(in_beats(piece.bytes))));
      this->at(at, kStoreDeparts, piece_id, id);
      at += piece.length;
    } else {
      this->at(at + noc_.hop_latency(port.router, piece.router), kRead, piece_id, id);
    }
    left -= piece.bytes;
    address += static_cast<std::uint64_t>(piece.bytes);
  }
  fragments_[id] = {stream_id, port_id, count, static_cast<std::int32_t>(bytes), 0};
  port.next_issue = stream.transfer.store ? at : at + 1;
}

Cycle Fabric::read(const Piece& piece, Cycle at) {
  return piece.sram ? sram_.read(piece.unit, piece.bytes, at)
                    : hbm_.read({piece.unit, piece.offset}, piece.bytes, at);
}

Cycle Fabric::write(const Piece& piece, Cycle at) {
  return piece.sram ? sram_.write(piece.unit, piece.bytes, at)
                    : hbm_.write({piece.unit, piece.offset}, piece.bytes, at);
}

// A store's piece has come to memory.
void Fabric::at_memory(int id, int fragment_id, Cycle now) {
  const Piece& piece = pieces_[id];
  Fragment& fragment = fragments_[fragment_id];
  Stream& stream = streams_[fragment.stream];
  const Cycle accepted = std::max(now + 1, write(piece, stream.transfer.modify ? read(piece, now) : now));
  const Cycle acknowledged =
      accepted + noc_.hop_latency(piece.router, ports_[static_cast<std::size_t>(fragment.port)].router);
  fragment.done = std::max(fragment.done, acknowledged);
  stream.own.done = std::max(stream.own.done, acknowledged);
  last_leg(id, fragment_id);
}

void Fabric::store_departs(int id, int fragment_id, Cycle now) {
  const Piece& piece = pieces_[id];
  const int from = ports_[static_cast<std::size_t>(fragments_[fragment_id].port)].router;
  const std::int64_t bytes = in_beats(piece.bytes);
  const Noc::Arrival arrival = noc_.send(from, piece.router, bytes, now);
  port_bytes_ += static_cast<std::uint64_t>(bytes);
  const Cycle tail = std::max(arrival.tail, arrival.head + piece.length);
  this->at(tail, kWrite, id, fragment_id);
}

const Noc::Tree& Fabric::tree(Group& group, int router) {
  const auto index = static_cast<std::size_t>(router);
  if (group.trees.size() <= index) group.trees.resize(index + 1);
  Noc::Tree& tree = group.trees[index];
  if (tree.leaves.empty()) tree = noc_.tree(router, group.routers);
  return tree;
}

// Through the network to every member, and through its port into its local store.
void Fabric::deliver(Stream& stream, const Piece& piece, Fragment& fragment, Cycle now) {
  const std::int64_t bytes = in_beats(piece.bytes);
  if (stream.group >= 0) {
    noc_.multicast(tree(groups_[static_cast<std::size_t>(stream.group)], piece.router), bytes, now,
                   arrivals_);
  } else {
    const int to = ports_[static_cast<std::size_t>(stream.port)].router;
    arrivals_.assign(1, noc_.send(piece.router, to, bytes, now));
  }
  const Cycle length = stream.rate.ceiling(static_cast<Cycle>(bytes));
  const Noc::Arrival* arrival = arrivals_.data();
  for (Member& member : stream.receivers()) {
    Port& port = ports_[static_cast<std::size_t>(member.port)];
    port.data_free = std::max(arrival->head, port.data_free) + length;
    member.done = std::max({member.done, port.data_free, arrival->tail});
    fragment.done = std::max(fragment.done, member.done);
    ++arrival;
  }
  port_bytes_ += static_cast<std::uint64_t>(bytes) * stream.receivers().size();
}

void Fabric::read_departs(int id, int fragment_id, Cycle now) {
  Fragment& fragment = fragments_[fragment_id];
  deliver(streams_[fragment.stream], pieces_[id], fragment, now);
  last_leg(id, fragment_id);
}

// From here on the piece's arrival is known: the last one of a fragment dates the room it frees, the last one
// of a stream dates its completion.
void Fabric::last_leg(int id, int fragment_id) {
  Fragment& fragment = fragments_[fragment_id];
  Stream& stream = streams_[fragment.stream];
  stream.undelivered -= pieces_[id].bytes;
  pieces_.give(id);
  if (--fragment.pieces == 0) this->at(fragment.done, kFragment, 0, fragment_id);
  if (stream.undelivered != 0) return;
  for (const Member& member : stream.receivers())
    clients_[static_cast<std::size_t>(member.pe)]->transfer_done(stream.transfer.store, member.sequence,
                                                                 member.done, stream.gathered);
  streams_.give(fragment.stream);
}

void Fabric::fragment_done(int id, Cycle now) {
  const Fragment fragment = fragments_[id];
  fragments_.give(id);
  ports_[static_cast<std::size_t>(fragment.port)].in_flight -= fragment.bytes;
  pump(fragment.port, now);
}

}  // namespace leto::model
