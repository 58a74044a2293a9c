#include "model/noc/noc.h"

namespace leto::model {

Noc::Noc(const ChipConfig& chip, bool unlimited)
    : pe_columns_(chip.pe.columns),
      cluster_rows_(chip.noc.cluster_rows),
      cluster_columns_(chip.noc.cluster_columns),
      rows_((chip.pe.rows + cluster_rows_ - 1) / cluster_rows_),
      columns_((chip.pe.columns + cluster_columns_ - 1) / cluster_columns_),
      unlimited_(unlimited),
      width_(static_cast<std::uint64_t>(chip.noc.link_bytes_per_cycle)),
      hop_(unlimited ? 0 : static_cast<Cycle>(chip.noc.hop_cycles)),
      slot_bytes_(std::max(1, chip.noc.buffer_bytes / static_cast<int>(kSlots))),
      most_buffered_(std::int64_t{slot_bytes_} * (kSlots - 1)),
      ways_out_(kWays + cluster_rows_ * cluster_columns_),
      free_(static_cast<std::size_t>(rows_ * columns_ * kWays), 0),
      buffers_(static_cast<std::size_t>(rows_ * columns_ * kWays * ways_out_)),
      passages_(static_cast<std::size_t>(rows_ * columns_)) {
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

// The last packet lies in `router`'s buffer for a way out until `leaves`. Its end could not come in before what
// lay in its slots had gone: so long the link it came by is held.
void Noc::buffer(int router, int way_out, Cycle leaves) {
  const int link = passages_[static_cast<std::size_t>(router)].link;
  if (link < 0) return;
  Buffer& buffer = buffers_[static_cast<std::size_t>(link * ways_out_ + way_out)];
  if (buffer.left > 0) buffer.emptied[buffer.slot] = leaves;
  Cycle room = 0;
  for (buffer.left -= buffered_; buffer.left < 0; buffer.left += slot_bytes_) {
    buffer.slot = (buffer.slot + 1) % kSlots;
    Cycle& emptied = buffer.emptied[buffer.slot];
    room = std::max(room, emptied);
    emptied = leaves;
  }
  Cycle& free = free_[static_cast<std::size_t>(link)];
  free = std::max(free, room);
}

void Noc::cross(int link, int from, int to) {
  Cycle& free = free_[static_cast<std::size_t>(link)];
  const Cycle start = std::max(passages_[static_cast<std::size_t>(from)].head, free);
  free = start + length_;
  buffer(from, link % kWays, free);
  passages_[static_cast<std::size_t>(to)] = {start + hop_, link};
}

Noc::Arrival Noc::send(int from, int to, std::int64_t bytes, Cycle at) {
  enter(from, bytes, at);
  const int east_by = column(to) - column(from), south_by = row(to) - row(from);
  int here = from;
  const auto go = [&](int hops, Way way) {
    for (; hops > 0; --hops, here += step(way)) cross(link(here, way), here, here + step(way));
  };
  go(std::abs(east_by), east_by > 0 ? east : west);
  go(std::abs(south_by), south_by > 0 ? south : north);
  charge(static_cast<std::size_t>(std::abs(east_by) + std::abs(south_by)), bytes);
  return arrival(to);
}

void Noc::grow(Tree& tree, int router, int steps, Way way) const {
  for (int i = 0; i < steps; ++i, router += step(way))
    tree.branches.push_back({link(router, way), router, router + step(way)});
}

Noc::Tree Noc::tree(int from, const std::vector<int>& to) const {
  Tree tree{from, {}, to};
  const auto [first, last] =
      std::minmax_element(to.begin(), to.end(), [&](int a, int b) { return column(a) < column(b); });
  grow(tree, from, column(from) - column(*first), west);
  grow(tree, from, column(*last) - column(from), east);
  for (int c = column(*first); c <= column(*last); ++c) {
    int up = 0, down = 0;
    for (int router : to)
      if (column(router) == c) {
        up = std::max(up, row(from) - row(router));
        down = std::max(down, row(router) - row(from));
      }
    const int turn = row(from) * columns_ + c;
    grow(tree, turn, up, north);
    grow(tree, turn, down, south);
  }
  return tree;
}

void Noc::multicast(const Tree& tree, std::int64_t bytes, Cycle at) {
  enter(tree.root, bytes, at);
  for (const Tree::Branch& branch : tree.branches) cross(branch.link, branch.from, branch.to);
  charge(tree.branches.size(), bytes);
}

}  // namespace leto::model
