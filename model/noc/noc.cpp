#include "model/noc/noc.h"

#include <algorithm>
#include <cstdlib>

namespace leto::model {

Noc::Noc(const ChipConfig& chip)
    : pe_columns_(chip.pe.columns),
      cluster_rows_(chip.noc.cluster_rows),
      cluster_columns_(chip.noc.cluster_columns),
      rows_((chip.pe.rows + cluster_rows_ - 1) / cluster_rows_),
      columns_((chip.pe.columns + cluster_columns_ - 1) / cluster_columns_),
      width_(chip.noc.link_bytes_per_cycle),
      hop_(static_cast<Cycle>(chip.noc.hop_cycles)),
      free_(static_cast<std::size_t>(rows_ * columns_ * 4), 0),
      head_(static_cast<std::size_t>(rows_ * columns_), 0) {}

int Noc::router_of_pe(int pe) const {
  return pe / pe_columns_ / cluster_rows_ * columns_ + pe % pe_columns_ / cluster_columns_;
}

int Noc::router_of_memory(int unit, int units) const {
  const int half = (units + 1) / 2;
  const bool is_west = unit < half;
  const int place = is_west ? unit : unit - half;
  return place * rows_ / half * columns_ + (is_west ? 0 : columns_ - 1);
}

Cycle Noc::hop_latency(int from, int to) const {
  const int hops = std::abs(row(from) - row(to)) + std::abs(column(from) - column(to));
  return hop_ * static_cast<Cycle>(hops);
}

Cycle Noc::cross(int router, Way way, std::int64_t bytes, Cycle at) {
  Cycle& free = free_[static_cast<std::size_t>(router * 4 + way)];
  const Cycle start = std::max(at, free);
  free = start + ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(width_));
  link_bytes_ += static_cast<std::uint64_t>(bytes);
  return start + hop_;
}

Noc::Arrival Noc::send(int from, int to, std::int64_t bytes, Cycle at) {
  int here = from;
  while (column(here) != column(to)) {
    const Way way = column(here) < column(to) ? east : west;
    at = cross(here, way, bytes, at);
    here += way == east ? 1 : -1;
  }
  while (here != to) {
    const Way way = here < to ? south : north;
    at = cross(here, way, bytes, at);
    here += way == south ? columns_ : -columns_;
  }
  return {at, from == to ? at : at + ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(width_))};
}

void Noc::walk(int router, int steps, Way way, std::int64_t bytes, Cycle at) {
  const int step = way == east ? 1 : way == west ? -1 : way == south ? columns_ : -columns_;
  for (int i = 0; i < steps; ++i) {
    at = cross(router, way, bytes, at);
    router += step;
    head_[static_cast<std::size_t>(router)] = at;
  }
}

void Noc::multicast(int from, const std::vector<int>& to, std::int64_t bytes, Cycle at,
                    std::vector<Arrival>& arrivals) {
  head_[static_cast<std::size_t>(from)] = at;
  const auto [first, last] =
      std::minmax_element(to.begin(), to.end(), [&](int a, int b) { return column(a) < column(b); });
  walk(from, column(from) - column(*first), west, bytes, at);
  walk(from, column(*last) - column(from), east, bytes, at);
  for (int c = column(*first); c <= column(*last); ++c) {
    const int turn = row(from) * columns_ + c;
    int up = 0, down = 0;
    for (int router : to)
      if (column(router) == c) {
        up = std::max(up, row(from) - row(router));
        down = std::max(down, row(router) - row(from));
      }
    const Cycle turned = head_[static_cast<std::size_t>(turn)];
    walk(turn, up, north, bytes, turned);
    walk(turn, down, south, bytes, turned);
  }
  const Cycle tail = ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(width_));
  arrivals.clear();
  for (int router : to) {
    const Cycle head = head_[static_cast<std::size_t>(router)];
    arrivals.push_back({head, router == from ? head : head + tail});
  }
}

}  // namespace leto::model
