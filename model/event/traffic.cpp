#include "model/event/traffic.h"

#include <algorithm>
#include <cmath>

namespace leto::model {
namespace {

constexpr int kFraction = 16;  // bits of a cost behind the tick
constexpr std::uint64_t kOne = 1 << kFraction;

Ticks ticks(Cycle at) {
  return at << kTickBits;
}
Cycle cycle_of(Ticks at) {
  return (at + (1 << kTickBits) - 1) >> kTickBits;
}

std::vector<int> line(int first, int step, int count) {
  std::vector<int> pes;
  for (int i = 0; i < count; ++i) pes.push_back(first + i * step);
  return pes;
}

}  // namespace

Traffic::Traffic(const ChipConfig& chip, const WhatIf& what_if)
    : config_(chip.fabric_interface),
      rows_(chip.pe.rows),
      columns_(chip.pe.columns),
      noc_(chip, what_if.noc),
      memory_(chip, what_if) {
  const double link = chip.noc.link_bytes_per_cycle * chip.noc.clock_mhz / chip.pe.clock_mhz;
  link_bytes_ = chip.noc.link_bytes_per_cycle;
  link_cost_ = what_if.noc
                   ? 0
                   : static_cast<std::uint64_t>(std::llround(static_cast<double>(kOne << kTickBits) / link));

  const int routers = noc_.router_of_pe(chip.pes() - 1) + 1;
  link_free_.assign(static_cast<std::size_t>(routers) * 4, 0);
  std::vector<int> on(static_cast<std::size_t>(routers), -1);
  for (int pe = 0; pe < chip.pes(); ++pe) on[static_cast<std::size_t>(noc_.router_of_pe(pe))] = pe;
  std::vector<std::uint64_t> at_router(on.size(), 0);  // share of memory
  const int memories = memory_.sram() ? chip.sram.banks : chip.hbm.channels;
  for (int unit = 0; unit < memories; ++unit)
    at_router[static_cast<std::size_t>(noc_.router_of_memory(unit, memories))] += kOne;
  for (std::uint64_t& share : at_router) share /= static_cast<std::uint64_t>(memories);

  const auto build = [&](const std::vector<int>& pes, bool stores) {
    Route route;
    std::uint64_t latency = 0;
    for (std::size_t router = 0; router < on.size(); ++router) {
      if (at_router[router] == 0) continue;
      const auto here = static_cast<int>(router);
      const int there = noc_.router_of_pe(pes.front());
      add_links(route, stores ? noc_.tree(there, {on[router]}) : noc_.tree(here, pes), at_router[router]);
      Cycle hops = 0;
      for (int pe : pes) hops = std::max(hops, noc_.hop_latency(here, noc_.router_of_pe(pe)));
      latency += at_router[router] * 2 * hops;
    }
    route.latency = latency >> kFraction;
    return route;
  };
  for (std::size_t router = 0; router < on.size(); ++router) {
    loads_.push_back(build({on[router]}, false));
    stores_.push_back(build({on[router]}, true));
  }
  const auto add = [&](std::vector<int> pes) {
    Route route = build(pes, false);
    groups_.push_back({std::move(pes), std::move(route)});
  };
  for (int r = 0; r < rows_; ++r) add(line(r * columns_, 1, columns_));
  for (int c = 0; c < columns_; ++c) add(line(c, columns_, rows_));
  add(line(0, 1, chip.pes()));
  first_group_ = chip.pes() * 2;
  ports_.resize(static_cast<std::size_t>(first_group_) + groups_.size());
  for (int pe = 0; pe < chip.pes(); ++pe) {
    const auto router = static_cast<std::size_t>(noc_.router_of_pe(pe));
    ports_[static_cast<std::size_t>(port_of(pe, false))].route = &loads_[router];
    ports_[static_cast<std::size_t>(port_of(pe, true))].route = &stores_[router];
  }
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    Port& port = ports_[static_cast<std::size_t>(first_group_) + group];
    port.route = &groups_[group].route;
    port.copies = groups_[group].pes.size();
  }
}

void Traffic::add_links(Route& route, const Noc::Tree& tree, std::uint64_t share) {
  for (const Noc::Tree::Branch& branch : tree.branches) {
    const std::uint64_t cost = link_cost_ * share >> kFraction;
    const auto known = std::ranges::find(route.links, branch.link, &Share::link);
    known == route.links.end() ? route.links.push_back({branch.link, cost}) : void(known->cost += cost);
    route.hops_by_unit += share;
  }
}

int Traffic::group_of(int pe, isa::Multicast multicast) const {
  switch (multicast) {
    case isa::Multicast::row:
      return pe / columns_;
    case isa::Multicast::column:
      return rows_ + pe % columns_;
    default:
      return rows_ + columns_;
  }
}

// The next bytes of what a port moves, asked for at `at`: when the last of them is at the PE's router, or
// acknowledged there.
Cycle Traffic::take(Port& port, std::int64_t bytes, Cycle at) {
  const Request& request = port.request;
  const Route& route = *port.route;
  const Ticks half = ticks(route.latency) / 2;
  const Ticks asked = ticks(at) + half;
  Ticks end = asked;
  std::int64_t on_links = 0;  // packets of whole cycles
  isa::Run& rest = port.rest;
  for (std::int64_t left = bytes; left > 0;) {
    const isa::Run run{rest.address, std::min(rest.bytes, left)};
    if (request.modify) end = std::max(end, memory_.access(run, false, asked));
    end = std::max(end, memory_.access(run, request.stores, asked));
    on_links += (run.bytes + link_bytes_ - 1) / link_bytes_ * link_bytes_;
    left -= run.bytes;
    rest.address += static_cast<std::uint64_t>(run.bytes);
    rest.bytes -= run.bytes;
    if (rest.bytes == 0) rest = port.request.runs.next();
  }
  moved_ += static_cast<std::uint64_t>(bytes) * port.copies +
            (static_cast<std::uint64_t>(bytes) * route.hops_by_unit >> kFraction);
  return cycle_of(std::max(end, cross(route, on_links, ticks(at))) + half);
}

Ticks Traffic::cross(const Route& route, std::int64_t bytes, Ticks at) {
  Ticks end = at;
  for (const Share& share : route.links) {
    Ticks& free = link_free_[static_cast<std::size_t>(share.link)];
    free = std::max(free, at) + (static_cast<Ticks>(bytes) * share.cost >> kFraction);
    end = std::max(end, free);
  }
  return end;
}

void Traffic::begin(Port& port, const Request& request) {
  port.request = request;
  port.left = request.runs.bytes();
  port.rest = port.request.runs.next();
  port.end = request.at;
}

// When the port's next chunk goes: its rate and what may be in flight allow it.
Cycle Traffic::next(Port& port) const {
  const auto rate = static_cast<Cycle>(port.request.rate);
  const Cycle ahead = port.request.stores ? 0 : static_cast<Cycle>(config_.bucket_bytes) / rate;
  Cycle at = std::max(port.request.at, port.next - std::min(ahead, port.next));
  while (!port.window.fits(std::min(port.left, kChunk), config_.outstanding_bytes, at))
    at = port.window.next_end();
  return at;
}

Cycle Traffic::submit(int id, const Request& request) {
  Port& port = ports_[static_cast<std::size_t>(id)];
  port.set_up = std::max(request.at, port.set_up) + static_cast<Cycle>(config_.command_cycles);
  begin(port, request);
  port.request.at = std::max(request.at + 1, port.set_up);
  return next(port);
}

// The group's own port goes on from the latest of its members'.
Cycle Traffic::gather(int group) {
  Port& port = ports_[static_cast<std::size_t>(port_of_group(group))];
  Request request = this->request(port_of(members(group).front(), false));
  for (int pe : members(group)) {
    const Port& member = ports_[static_cast<std::size_t>(port_of(pe, false))];
    request.at = std::max(request.at, member.request.at);
    request.rate = std::min(request.rate, member.request.rate);
    port.next = std::max(port.next, member.next);
    port.in = std::max(port.in, member.in);
  }
  begin(port, request);
  return next(port);
}

void Traffic::release(int group) {
  const Port& port = ports_[static_cast<std::size_t>(port_of_group(group))];
  for (int pe : members(group)) {
    Port& member = ports_[static_cast<std::size_t>(port_of(pe, false))];
    member.next = port.next;
    member.in = port.in;
    member.end = port.end;
  }
}

std::optional<Cycle> Traffic::move(int id, Cycle now) {
  Port& port = ports_[static_cast<std::size_t>(id)];
  const std::int64_t bytes = std::min(port.left, kChunk);
  const Cycle length = ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(port.request.rate));
  const Cycle begun = std::max(port.next, now);
  const Cycle served = take(port, bytes, now);
  port.next = begun + length;
  const Cycle end = port.request.stores ? std::max(port.next, served) : std::max(port.in, served) + length;
  if (!port.request.stores) port.in = end;
  port.end = std::max(port.end, end);
  port.window.open(static_cast<std::int32_t>(bytes));
  port.window.close(static_cast<std::int32_t>(bytes), end);
  port.left -= bytes;
  if (port.left == 0) return {};
  return next(port);
}

Cycle Traffic::clean(Cycle now) {
  return cycle_of(memory_.clean(ticks(now)));
}

void Traffic::report(Statistics& statistics) const {
  memory_.report(statistics);
  statistics.bytes["noc"] = {moved_, 0};
}

}  // namespace leto::model
