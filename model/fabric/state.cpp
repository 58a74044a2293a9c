// What the fabric remembers, for a snapshot. The groups' trees follow from the chip and grow again.
#include "model/fabric/fabric.h"

namespace leto::model {
namespace {

/// Runs refer to what their client keeps, so only how far they have come is saved.
void show(Snapshot& s, isa::Runs& runs, const TransferClient& client, bool store, std::uint64_t sequence) {
  std::int64_t left = runs.bytes();
  s(left);
  if (!s.loads()) return;
  runs = left == 0 ? isa::Runs() : client.runs(store, sequence);
  for (std::int64_t more = runs.bytes() - left; more > 0;) more -= runs.next().bytes;
}

}  // namespace

void Fabric::state(Snapshot& s, Stream& stream) {
  s(stream.port, stream.group, stream.store, stream.modify, stream.joined, stream.next_fragment,
    stream.undelivered, stream.granted, stream.rate, stream.rest, stream.ready, stream.gathered,
    stream.members);
  const Member& one = stream.members.front();  // all touch the same
  show(s, stream.runs, *clients_[static_cast<std::size_t>(one.pe)], stream.store, one.sequence);
}

void Fabric::state(Snapshot& s, Transfer& transfer) {
  s(transfer.pe, transfer.store, transfer.modify, transfer.multicast, transfer.rate, transfer.sequence);
  show(s, transfer.runs, *clients_[static_cast<std::size_t>(transfer.pe)], transfer.store, transfer.sequence);
}

void Fabric::state(Snapshot& s) {
  s(noc_, pieces_, memory_, ports_, port_free_, fragments_, wheel_, port_bytes_, now_);
  for (Group& group : groups_) s(group.waiting);
  streams_.state(s, [&](Stream& stream) { state(s, stream); });
  for (std::vector<Transfer>& inbox : inbox_) {
    const std::uint64_t count = s.size(inbox.size());
    if (s.loads()) inbox.resize(count);
    for (Transfer& transfer : inbox) state(s, transfer);
  }
}

}  // namespace leto::model
