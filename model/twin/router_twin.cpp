#include "model/twin/router_twin.h"

#include <algorithm>
#include <utility>

#include "model/noc/noc.h"
#include "model/twin/log.h"

namespace leto::model {
namespace {

constexpr int kLinks = RouterPacket::kLinks;

std::uint32_t beats_of(std::int64_t bytes) {
  return static_cast<std::uint32_t>(bytes / kBeatBytes);
}

}  // namespace

void RouterTwin::add(RouterPacket packet, Cycle at) {
  if (at != run_.at) check();
  run_.at = at;
  run_.packets.push_back(std::move(packet));
}

void RouterTwin::check() {
  if (run_.packets.empty()) return;
  const bool idle = run_.at > until_;
  const Cycle begin = idle ? run_.at : until_;  // without a gap it is where the one before ends
  until_ = std::max(until_, run_.until());
  if (idle) too_long_ = false;
  too_long_ |= until_ - run_.at > checker_.longest();
  const std::size_t packets = run_.packets.size();
  const bool wanted = checker_.comparison().wants(begin, until_, static_cast<std::int64_t>(packets));
  if (wanted && !too_long_) return checker_.add(std::exchange(run_, {}));
  if (wanted) checker_.comparison().leave_out(packets);
  checker_.skip();
  run_.packets.clear();
}

void RouterTwin::flush() {
  check();
  checker_.comparison().raise();
}

void RouterTwin::log(TwinLog& log) const {
  log.commands = checker_.log();
}

RouterTwins::RouterTwins(const ChipConfig& chip)
    : columns_((chip.pe.columns + chip.noc.cluster_columns - 1) / chip.noc.cluster_columns),
      pes_(chip.noc.cluster_rows * chip.noc.cluster_columns),
      slot_beats_(std::max(1, chip.noc.buffer_bytes / 8 / static_cast<int>(kBeatBytes))) {}

void RouterTwins::part(std::int64_t bytes) {
  next_parts_.push_back(beats_of(bytes));
}

void RouterTwins::starts(const Start& start) {
  close();
  start_ = start;
  open_ = true;
  crossings_.clear();
  ends_.clear();
  whole_ = {};
  parts_ = std::exchange(next_parts_, {});
  whole_.beats = beats_of(start.bytes);
  whole_.cycles = static_cast<std::uint32_t>(cycle_from(start.length));
}

void RouterTwins::close() {
  if (!std::exchange(open_, false)) return;
  see_whole();
  see_held();
  std::fill(seen_.begin(), seen_.end(), false);
  for (const Crossing& crossing : crossings_) see_at_once(crossing.router);
  for (const int router : end_routers_) see_at_once(router);
  if (end_routers_.empty()) see_at_once(crossings_.empty() ? start_.router : crossings_.back().to);
}

void RouterTwins::connect(int router, RouterTwin& twin) {
  const auto place = static_cast<std::size_t>(router);
  if (place >= twins_.size()) twins_.resize(place + 1);
  twins_[place] = &twin;
  seen_.resize(twins_.size());
}

void RouterTwins::see_at_once(int router) {
  const auto place = static_cast<std::size_t>(router);
  if (place >= twins_.size() || !twins_[place] || seen_[place]) return;
  seen_[place] = true;
  see_at(router, *twins_[place]);
}

int RouterTwins::router_behind(int link_in) const {
  for (const Crossing& crossing : crossings_)
    if (crossing.link == link_in) return crossing.to;
  return start_.router;
}

// The routers that it is for, and their PEs.
void RouterTwins::see_whole() {
  auto see = [&, first = true](int router) mutable {
    const auto row = static_cast<std::uint8_t>(router / columns_),
               column = static_cast<std::uint8_t>(router % columns_);
    whole_.row_first = first ? row : std::min(whole_.row_first, row);
    whole_.row_last = std::max(whole_.row_last, row);
    whole_.column_first = first ? column : std::min(whole_.column_first, column);
    whole_.column_last = std::max(whole_.column_last, column);
    first = false;
  };
  end_routers_.clear();
  for (const End& end : ends_) {
    end_routers_.push_back(router_behind(end.lying.link_in));
    see(end_routers_.back());
    whole_.pes |= std::uint64_t{1} << end.local;
  }
  if (ends_.empty()) see(crossings_.empty() ? start_.router : crossings_.back().to);
}

void RouterTwins::see_held() {
  std::fill(held_.begin(), held_.end(), Cycle{0});
  const auto hold = [&](const Lying& lying) {
    if (lying.link_in < 0) return;
    const auto link = static_cast<std::size_t>(lying.link_in);
    if (link >= held_.size()) held_.resize(link + 1);
    held_[link] = std::max(held_[link], cycle_from(lying.room));
  };
  for (const Crossing& crossing : crossings_) hold(crossing.lying);
  for (const End& end : ends_) hold(end.lying);
}

void RouterTwins::see_at(int router, RouterTwin& twin) {
  RouterPacket packet = whole_;
  const bool on = goes_on(router, packet), in = goes_in(router, packet);
  if (!on && !in) return;
  if (packet.in == RouterPacket::kStart) packet.parts = parts_;
  twin.add(std::move(packet), start_.at);
}

void RouterTwins::see_in(const Lying& lying, Cycle head, RouterPacket& packet) const {
  packet.in = lying.link_in < 0 ? RouterPacket::kStart : static_cast<std::uint8_t>(lying.link_in % kLinks);
  packet.head = head;
  packet.room = std::max(packet.room, cycle_from(lying.room));
}

// What was free before the packet came follows from what is free with it there.
RouterPacket::Way RouterTwins::way_out(int out, Cycle at, const Lying& lying) const {
  const int lies = std::min(static_cast<int>(whole_.beats), 7 * slot_beats_);
  const int left = (static_cast<int>(beats_of(lying.left)) + lies) % slot_beats_;
  return {static_cast<std::uint8_t>(out), at, 0, static_cast<std::uint32_t>(left)};
}

// By links.
bool RouterTwins::goes_on(int router, RouterPacket& packet) {
  bool any = false;
  for (const Crossing& crossing : crossings_) {
    if (crossing.router != router) continue;
    any = true;
    see_in(crossing.lying, cycle_from(crossing.head), packet);
    RouterPacket::Way way = way_out(crossing.link % kLinks, cycle_from(crossing.there), crossing.lying);
    if (const auto link = static_cast<std::size_t>(crossing.link); link < held_.size())
      way.held = held_[link];
    packet.ways.push_back(way);
  }
  return any;
}

// Into PEs or memory.
bool RouterTwins::goes_in(int router, RouterPacket& packet) {
  bool any = false;
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    if (end_routers_[i] != router) continue;
    const End& end = ends_[i];
    any = true;
    see_in(end.lying, end.head, packet);
    packet.tail = end.tail;
    packet.ways.push_back(way_out(kLinks + end.local, end.taken, end.lying));
  }
  if (any || !ends_.empty()) return any;
  const int link_in = crossings_.empty() ? -1 : crossings_.back().link;
  if (router_behind(link_in) != router) return false;
  see_in({link_in, 0, 0}, arrival_.first, packet);
  packet.tail = arrival_.second;
  packet.ways.push_back({static_cast<std::uint8_t>(kLinks + pes_), packet.tail, 0, 0});
  return true;
}

}  // namespace leto::model
