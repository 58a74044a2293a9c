#include "model/fabric/fabric.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/errors.h"
#include "isa/instruction.h"

namespace leto::model {
namespace {

std::vector<int> line(int first, int step, int count) {
  std::vector<int> pes;
  for (int i = 0; i < count; ++i) pes.push_back(first + i * step);
  return pes;
}

}  // namespace

Fabric::Fabric(const sc_core::sc_module_name& name, Kernel& kernel, const ChipConfig& chip,
               const WhatIf& what_if)
    : Process(name, kernel),
      config_(chip.fabric_interface),
      rows_(chip.pe.rows),
      columns_(chip.pe.columns),
      noc_(chip, what_if.noc),
      sram_(chip.sram),
      hbm_(chip, what_if.hbm),
      clients_(static_cast<std::size_t>(chip.pes()), nullptr) {
  for (int pe = 0; pe < chip.pes(); ++pe)
    for (int direction = 0; direction < 2; ++direction) ports_.emplace_back().router = noc_.router_of_pe(pe);
  for (int bank = 0; bank < sram_.banks(); ++bank)
    sram_router_.push_back(noc_.router_of_memory(bank, sram_.banks()));
  for (int channel = 0; channel < hbm_.channels(); ++channel)
    hbm_router_.push_back(noc_.router_of_memory(channel, hbm_.channels()));
  const auto add = [this](std::vector<int> pes) {
    std::vector<int> routers;
    for (int pe : pes) routers.push_back(noc_.router_of_pe(pe));
    groups_.push_back({std::move(pes), std::move(routers), {}, static_cast<int>(ports_.size())});
    ports_.emplace_back().router = ports_[static_cast<std::size_t>(groups_.back().pes.front() * 2)].router;
  };
  for (int r = 0; r < rows_; ++r) add(line(r * columns_, 1, columns_));
  for (int c = 0; c < columns_; ++c) add(line(c, columns_, rows_));
  add(line(0, 1, chip.pes()));
}

void Fabric::submit(Transfer&& transfer) {
  const Cycle now = now_cycle();
  inbox_[now % 2].push_back(std::move(transfer));
  wake_at(now + 1);
}

void Fabric::step(Cycle now) {
  take_up(now);
  serve(now);
  const Cycle next = inbox_[now % 2].empty() ? wheel_.next() : now + 1;
  if (next != kNever) wake_at(next);
}

void Fabric::take_up(Cycle now) {
  std::vector<Transfer>& inbox = inbox_[(now + 1) % 2];
  std::sort(inbox.begin(), inbox.end(), [](const Transfer& a, const Transfer& b) {
    return std::tuple(a.pe, a.store, a.sequence) < std::tuple(b.pe, b.store, b.sequence);
  });
  for (Transfer& transfer : inbox) start(std::move(transfer), now);
  inbox.clear();
}

// Pieces and fragments under way exceed the host's first caches: what the next event needs is fetched while
// this one is handled.
void Fabric::serve(Cycle now) {
  for (std::uint64_t event; wheel_.pop(now, event);) {
    fetch(wheel_.upcoming(now));
    handle(Event(event), now);
  }
}

void Fabric::fetch(const std::uint64_t* event) const {
  if (!event) return;
  const Event next(*event);
  if (next.kind() == kPump) return;
  __builtin_prefetch(pieces_.items.data() + next.id());
  __builtin_prefetch(fragments_.items.data() + next.fragment());
}

void Fabric::handle(Event event, Cycle now) {
  const int id = event.id(), fragment = event.fragment();
  switch (event.kind()) {
    case kPump: {
      Port& port = ports_[static_cast<std::size_t>(id)];
      if (port.pump_at == now) port.pump_at = kNever;
      pump(id, now);
      break;
    }
    case kRead:
      at(read(pieces_[id], now), kReadDeparts, id, fragment);
      break;
    case kWrite:
      at_memory(id, fragment, now);
      break;
    case kReadDeparts:
      read_departs(id, fragment, now);
      break;
    case kStoreDeparts:
      store_departs(id, fragment, now);
      break;
    case kFragment:
      fragment_done(fragment, now);
      break;
  }
}

// The set-up began with the submission, a cycle ago.
void Fabric::start(Transfer&& transfer, Cycle now) {
  const int id = streams_.take();
  Stream& stream = streams_[id];
  stream = Stream{};
  stream.port = transfer.pe * 2 + (transfer.store ? 1 : 0);
  Port& port = ports_[static_cast<std::size_t>(stream.port)];
  port.set_up = std::max(now - 1, port.set_up) + static_cast<Cycle>(config_.command_cycles);
  stream.ready = std::max(now, port.set_up);
  for (const isa::Run& run : transfer.runs) stream.undelivered += run.bytes;
  switch (transfer.multicast) {
    case isa::Multicast::none:
      stream.own = {stream.port, transfer.sequence, transfer.pe};
      break;
    case isa::Multicast::row:
      stream.group = transfer.pe / columns_;
      break;
    case isa::Multicast::column:
      stream.group = rows_ + transfer.pe % columns_;
      break;
    case isa::Multicast::all:
      stream.group = rows_ + columns_;
      break;
  }
  stream.rate = Divider(static_cast<std::uint64_t>(transfer.rate));
  stream.transfer = std::move(transfer);
  port.queue.push_back(id);
  if (port.queue.size() == 1) pump(stream.port, now);
}

void Fabric::pump_later(int id, Cycle at) {
  Port& port = ports_[static_cast<std::size_t>(id)];
  if (port.pump_at <= at) return;
  port.pump_at = at;
  this->at(at, kPump, id, 0);
}

void Fabric::pump(int id, Cycle now) {
  Port& port = ports_[static_cast<std::size_t>(id)];
  while (!port.queue.empty()) {
    const int front = port.queue.front();
    Stream& stream = streams_[front];
    if (stream.ready > now) return pump_later(id, stream.ready);
    if (stream.group >= 0 && stream.members.empty()) return join(front, now);
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
  const auto& first = streams_[group.waiting.front()].transfer;
  for (int id : group.waiting) {
    const auto& other = streams_[id].transfer;
    const bool same = std::equal(
        first.runs.begin(), first.runs.end(), other.runs.begin(), other.runs.end(),
        [](const isa::Run& a, const isa::Run& b) { return a.address == b.address && a.bytes == b.bytes; });
    if (!same)
      throw Error(
          ExitCode::illegal_program,
          fmt::format("multicast load: PE {} and PE {} ask for different memory (from {:#x} and {:#x})",
                      first.pe, other.pe, first.runs.front().address, other.runs.front().address),
          "every PE of the row, column or grid must issue the same multicast loads in the same order");
  }
}

// All members are there: one stream on the group's own port serves them all.
void Fabric::gather(Group& group, Cycle now) {
  std::sort(group.waiting.begin(), group.waiting.end(),
            [this](int a, int b) { return streams_[a].transfer.pe < streams_[b].transfer.pe; });
  check_same(group);
  const int id = streams_.take();
  Stream& stream = streams_[id];
  const Stream& leader = streams_[group.waiting.front()];
  stream = Stream{};
  stream.transfer = leader.transfer;
  stream.undelivered = leader.undelivered;
  stream.group = leader.group;
  stream.port = group.port;
  stream.ready = stream.gathered = now;
  for (int member : group.waiting) {
    const Stream& waiting = streams_[member];
    stream.transfer.rate = std::min(stream.transfer.rate, waiting.transfer.rate);
    stream.members.push_back({waiting.port, waiting.transfer.sequence, waiting.transfer.pe, 0, member});
  }
  stream.rate = Divider(static_cast<std::uint64_t>(stream.transfer.rate));
  group.waiting.clear();
  ports_[static_cast<std::size_t>(group.port)].queue.push_back(id);
  pump(group.port, now);
}

// The group has issued everything: its members' ports go on with their next transfers.
void Fabric::issued(int id, Cycle now) {
  const std::vector<Member> members = streams_[id].members;
  for (const Member& member : members) {
    ports_[static_cast<std::size_t>(member.port)].queue.pop_front();
    streams_.give(member.stream);
  }
  for (const Member& member : members) pump(member.port, now);
}

void Fabric::watch(Observer* observer) {
  hbm_.watch(observer);
  sram_.watch(observer);
}

void Fabric::report(Statistics& statistics) const {
  statistics.bytes["hbm"] = {hbm_.bytes_read(), hbm_.bytes_written()};
  statistics.bytes["sram"] = {sram_.bytes_read(), sram_.bytes_written()};
  statistics.bytes["noc"] = {noc_.link_bytes() + port_bytes_, 0};
  statistics.bursts = static_cast<std::int64_t>(hbm_.bursts());
}

}  // namespace leto::model
