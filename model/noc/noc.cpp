#include "model/noc/noc.h"

namespace leto::model {

Noc::Noc(const ChipConfig& chip, bool unlimited)
    : pe_columns_(chip.pe.columns),
      cluster_rows_(chip.noc.cluster_rows),
      cluster_columns_(chip.noc.cluster_columns),
      rows_((chip.pe.rows + cluster_rows_ - 1) / cluster_rows_),
      columns_((chip.pe.columns + cluster_columns_ - 1) / cluster_columns_),
      unlimited_(unlimited),
      width_(ClockDomain(chip.pe.clock_mhz, chip.noc.clock_mhz), chip.noc.link_bytes_per_cycle),
      hop_(unlimited ? 0
                     : ClockDomain(chip.pe.clock_mhz, chip.noc.clock_mhz)
                           .fine_cycles(static_cast<Cycle>(chip.noc.hop_cycles))),
      slot_bytes_(std::max(1, chip.noc.buffer_bytes / static_cast<int>(kSlots))),
      most_buffered_(std::int64_t{slot_bytes_} * (kSlots - 1)),
      ways_out_(kWays + cluster_rows_ * cluster_columns_),
      free_(static_cast<std::size_t>(rows_ * columns_ * kWays), 0),
      emptied_(static_cast<std::size_t>(rows_ * columns_ * kWays * ways_out_)),
      filled_(emptied_.size()) {
  for (int router = 0; router < rows_ * columns_; ++router)
    place_.push_back({router / columns_, router % columns_});
}

int Noc::router_of_pe(int pe) const {
  return pe / pe_columns_ / cluster_rows_ * columns_ + pe % pe_columns_ / cluster_columns_;
}

int Noc::local_of(int pe) const {
  return pe / pe_columns_ % cluster_rows_ * cluster_columns_ + pe % pe_columns_ % cluster_columns_;
}

int Noc::router_of_memory(int unit, int units) const {
  const int half = (units + 1) / 2;
  const bool is_west = unit < half;
  const int place = is_west ? unit : unit - half;
  return place * rows_ / half * columns_ + (is_west ? 0 : columns_ - 1);
}

template <bool kWatched>
Noc::Arrival Noc::send(int from, int to, const Packet& packet, Cycle at, int local) {
  enter(packet);
  const int east_by = column(to) - column(from), south_by = row(to) - row(from);
  int here = from, before = -1;
  Fine head = fine(at);
  if constexpr (kWatched) watch_->starts({from, at, packet.bytes, packet.length});
  const auto go = [&](int hops, Way way) {
    for (; hops > 0; --hops, here += step(way)) {
      const int next = link(here, way);
      const Fine start = cross(next, head);
      const Fine room = fill(before, buffer_of(before, way), start + length_);
      if constexpr (kWatched) see_crossing(before, next, buffer_of(before, way), head, start + hop_, room);
      head = start + hop_;
      before = next;
    }
  };
  go(std::abs(east_by), east_by > 0 ? east : west);
  go(std::abs(south_by), south_by > 0 ? south : north);
  charge(static_cast<std::size_t>(std::abs(east_by) + std::abs(south_by)), packet.bytes);
  const Arrival arrival = {cycle_from(head), cycle_from(before < 0 ? head : head + length_), before,
                           buffer_of(before, kWays + local)};
  if constexpr (kWatched) watch_->arrives(arrival.head, arrival.tail);
  return arrival;
}
template Noc::Arrival Noc::send<false>(int, int, const Packet&, Cycle, int);
template Noc::Arrival Noc::send<true>(int, int, const Packet&, Cycle, int);

NocWatch::Lying Noc::lying(int link, int number, Fine room) const {
  return {link, room, link < 0 ? 0 : filled_[static_cast<std::size_t>(number)].left};
}

void Noc::see_crossing(int before, int link, int number, Fine head, Fine there, Fine room) const {
  const int router = link / kWays;
  watch_->crosses({router, link, router + step(static_cast<Way>(link % kWays)), head, there,
                   lying(before, number, room)});
}

void Noc::see_end(const Arrival& packet, Cycle at, Fine room) const {
  const int local = packet.buffer - buffer_of(packet.link, kWays);
  watch_->ends({local, packet.head, packet.tail, at, lying(packet.link, packet.buffer, room)});
}

void Noc::grow(Tree& tree, int router, int steps, Way way, std::vector<int>& reached) const {
  for (int i = 0; i < steps; ++i, router += step(way)) {
    const int after = reached[static_cast<std::size_t>(router)];
    const int before = after < 0 ? -1 : tree.branches[static_cast<std::size_t>(after)].link;
    reached[static_cast<std::size_t>(router + step(way))] = static_cast<int>(tree.branches.size());
    tree.branches.push_back({link(router, way), after, before, buffer_of(before, way)});
  }
}

Noc::Tree Noc::tree(int from, const std::vector<int>& pes) const {
  std::vector<int> to;
  for (int pe : pes) to.push_back(router_of_pe(pe));
  Tree tree;
  tree.root = from;
  std::vector<int> reached(place_.size(), -1);
  const auto [first, last] =
      std::minmax_element(to.begin(), to.end(), [&](int a, int b) { return column(a) < column(b); });
  grow(tree, from, column(from) - column(*first), west, reached);
  grow(tree, from, column(*last) - column(from), east, reached);
  for (int c = column(*first); c <= column(*last); ++c) {
    int up = 0, down = 0;
    for (int router : to)
      if (column(router) == c) {
        up = std::max(up, row(from) - row(router));
        down = std::max(down, row(router) - row(from));
      }
    const int turn = row(from) * columns_ + c;
    grow(tree, turn, up, north, reached);
    grow(tree, turn, down, south, reached);
  }
  std::vector<int> routers = to;
  std::ranges::sort(routers);
  routers.erase(std::ranges::unique(routers).begin(), routers.end());
  for (const int router : routers) {
    const int branch = reached[static_cast<std::size_t>(router)];
    const int link = branch < 0 ? -1 : tree.branches[static_cast<std::size_t>(branch)].link;
    for (std::size_t i = 0; i < pes.size(); ++i)
      if (to[i] == router) tree.ends.push_back({pes[i], buffer_of(link, kWays + local_of(pes[i]))});
    tree.stops.push_back({branch, link, tree.ends.size()});
  }
  return tree;
}

}  // namespace leto::model
