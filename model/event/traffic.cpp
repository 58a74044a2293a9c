#include "model/event/traffic.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace leto::model {
namespace {

constexpr int kFraction = 16;  // bits of a cost behind the tick
constexpr std::uint64_t kOne = 1 << kFraction;

// A cost in 2^-16 ticks a byte of what moves `bytes_per_cycle` PE cycle.
std::uint64_t cost_of(double bytes_per_cycle) {
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(kOne << kTickBits) / bytes_per_cycle));
}

Ticks ticks(Cycle at) {
  return at << kTickBits;
}
Cycle cycle_of(Ticks at) {
  return (at + (1 << kTickBits) - 1) >> kTickBits;
}

SramConfig in_long_lines(SramConfig sram) {
  sram.bytes -= scratch_bytes(sram);
  sram.scratch_fraction = 0;
  sram.line_bytes = Traffic::kLine;
  sram.banks = 1;
  return sram;
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
      what_if_(what_if),
      noc_(chip, what_if.noc),
      cache_(in_long_lines(chip.sram), std::max(chip.dram.burst_bytes, kLine / 64)),
      timing_(chip.dram, chip.pe.clock_mhz, 1, chip.hbm.refresh == "per_bank") {
  const double pe_hz = chip.pe.clock_mhz, units = static_cast<double>(chip.hbm.channels);
  link_cost_ = cost_of(chip.noc.link_bytes_per_cycle * chip.noc.clock_mhz / pe_hz);
  sram_cost_ = cost_of(static_cast<double>(chip.sram.banks) * chip.sram.bank_bytes_per_cycle *
                       chip.sram.clock_mhz / pe_hz);
  const auto burst = static_cast<double>(timing_.burst) / (1 << kTickBits);
  const double refreshed = timing_.per_bank_refresh ? 0
                                                    : static_cast<double>(timing_.refresh) /
                                                          static_cast<double>(timing_.refresh_interval);
  const double batch = std::max(1.0, chip.hbm.write_queue * (chip.hbm.write_high - chip.hbm.write_low));
  const double turns =
      static_cast<double>(timing_.to_write + timing_.to_read) / (batch * static_cast<double>(timing_.burst));
  const double rate = units * chip.dram.burst_bytes / burst * (1 - refreshed);
  read_cost_ = cost_of(rate);
  write_cost_ = cost_of(rate / (1 + turns));
  write_queue_ = static_cast<Ticks>(batch) * timing_.burst;
  const ClockDomain sram_clock(chip.pe.clock_mhz, chip.sram.clock_mhz);
  sram_latency_ = sram_clock.cycles(static_cast<Cycle>(chip.sram.latency_cycles));
  const Ticks line_time =
      static_cast<Ticks>(std::max<std::int64_t>(1, chip.hbm.interleave_bytes / chip.dram.burst_bytes)) *
      timing_.burst;
  hbm_latency_ = static_cast<Cycle>(chip.hbm.latency_cycles) + cycle_of(timing_.rcd + timing_.cl + line_time);

  const int routers = noc_.router_of_pe(chip.pes() - 1) + 1;
  link_free_.assign(static_cast<std::size_t>(routers) * 4, 0);
  std::vector<int> on(static_cast<std::size_t>(routers), -1);
  for (int pe = 0; pe < chip.pes(); ++pe) on[static_cast<std::size_t>(noc_.router_of_pe(pe))] = pe;
  std::vector<std::uint64_t> at_router(on.size(), 0);  // share of memory
  const int memories = cache_.present() || scratch_bytes(chip.sram) > 0 ? chip.sram.banks : chip.hbm.channels;
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

void Traffic::write_back(const Cache::Access& access, bool whole, Bytes& bytes) {
  const int sectors = std::popcount(access.write_back) + (whole ? std::popcount(cache_.all_sectors()) : 0);
  const std::int64_t written = std::int64_t{sectors} * cache_.sector_bytes();
  bytes.written += written;
  bytes.sram += written;
  sram_read_ += static_cast<std::uint64_t>(written);
}

// One run of bytes, line by line: what the LLC has of it, what device memory has to move.
void Traffic::touch(const isa::Run& run, bool stores, Bytes& bytes) {
  const bool scratch = run.address >= isa::kSramBase;
  if (!scratch && !cache_.present()) {
    (stores ? bytes.written : bytes.read) += run.bytes;
    return;
  }
  bytes.sram += run.bytes;
  (stores ? sram_written_ : sram_read_) += static_cast<std::uint64_t>(run.bytes);
  if (scratch) return;
  std::uint64_t address = run.address;
  for (std::int64_t left = run.bytes; left > 0;) {
    const std::uint64_t number = address / kLine;
    const std::int64_t here =
        std::min<std::int64_t>(left, static_cast<std::int64_t>((number + 1) * kLine - address));
    const int set = cache_.set_of(0, number);
    const Sectors wanted = cache_.touched(address, here);
    const Cache::Access access =
        stores ? cache_.write(set, number, wanted) : cache_.read(set, number, wanted);
    if (!stores) bytes.read += std::int64_t{std::popcount(access.missing)} * cache_.sector_bytes();
    if (access.write_back != 0 || access.whole) write_back(access, access.whole, bytes);
    address += static_cast<std::uint64_t>(here);
    left -= here;
  }
}

// The next `most` bytes of what a port moves.
Traffic::Bytes Traffic::take(Port& port, std::int64_t most) {
  Bytes bytes;
  isa::Run& rest = port.rest;
  while (bytes.all < most) {
    const isa::Run run{rest.address, std::min(rest.bytes, most - bytes.all)};
    if (port.request.modify) touch(run, false, bytes);
    touch(run, port.request.stores, bytes);
    bytes.all += run.bytes;
    rest.address += static_cast<std::uint64_t>(run.bytes);
    rest.bytes -= run.bytes;
    if (rest.bytes == 0) rest = port.request.runs.next();
  }
  hbm_read_ += static_cast<std::uint64_t>(bytes.read);
  hbm_written_ += static_cast<std::uint64_t>(bytes.written);
  moved_ += static_cast<std::uint64_t>(bytes.all) * port.copies +
            (static_cast<std::uint64_t>(bytes.all) * port.route->hops_by_unit >> kFraction);
  return bytes;
}

// A chunk asked for at `at`: when its last byte is at the PE's router, or acknowledged there.
Cycle Traffic::serve(const Route& route, const Bytes& bytes, Cycle at, bool stores) {
  const Ticks from = ticks(at);
  Ticks end = from;
  if (!what_if_.noc)
    for (const Share& share : route.links)
      end =
          std::max(end, book(link_free_[static_cast<std::size_t>(share.link)], from, bytes.all, share.cost));
  end = std::max(end, book(sram_free_, from, bytes.sram + bytes.read, sram_cost_));
  Cycle latency = route.latency + (stores ? 0 : sram_latency_);
  if (!what_if_.hbm && bytes.read + bytes.written > 0) {
    book(hbm_free_, from, bytes.read, read_cost_);
    const Ticks read = hbm_free_;
    const Ticks done = book(hbm_free_, from, bytes.written, write_cost_);
    if (bytes.read > 0) {
      end = std::max(end, read);
      latency += hbm_latency_ - std::min(hbm_latency_, sram_latency_);
    }
    if (bytes.written > 0 && stores) end = std::max(end, done - std::min(done, write_queue_));
  }
  return cycle_of(end) + latency;
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
  const Bytes bytes = take(port, std::min(port.left, kChunk));
  const Cycle length = ceil_div(static_cast<Cycle>(bytes.all), static_cast<Cycle>(port.request.rate));
  port.next = std::max(port.next, now) + length;
  const Cycle served = serve(*port.route, bytes, now, port.request.stores);
  Cycle end;
  if (port.request.stores) {
    end = std::max(port.next, served) + (port.request.modify ? hbm_latency_ : 0);
  } else {
    end = std::max(port.in, served) + length;
    port.in = end;
  }
  port.end = std::max(port.end, end);
  port.window.open(static_cast<std::int32_t>(bytes.all));
  port.window.close(static_cast<std::int32_t>(bytes.all), end);
  port.left -= bytes.all;
  if (port.left == 0) return {};
  return next(port);
}

Cycle Traffic::clean(Cycle now) {
  Bytes bytes;
  cache_.clean([&](int, std::uint64_t, Sectors dirty) {
    bytes.written += std::int64_t{std::popcount(dirty)} * cache_.sector_bytes();
  });
  hbm_written_ += static_cast<std::uint64_t>(bytes.written);
  sram_read_ += static_cast<std::uint64_t>(bytes.written);
  if (what_if_.hbm || bytes.written == 0) return now;
  const Ticks end = book(hbm_free_, ticks(now), bytes.written, write_cost_);
  return std::max(now, cycle_of(end - std::min(end, write_queue_)));
}

void Traffic::report(Statistics& statistics) const {
  const auto burst = static_cast<std::uint64_t>(cache_.sector_bytes());
  statistics.bytes["hbm"] = {hbm_read_, hbm_written_};
  statistics.bytes["sram"] = {sram_read_, sram_written_};
  statistics.bytes["noc"] = {moved_, 0};
  statistics.bursts = static_cast<std::int64_t>((hbm_read_ + hbm_written_) / burst);
  statistics.counters["llc_hits"] = cache_.hits();
  statistics.counters["llc_misses"] = cache_.misses();
  statistics.counters["llc_write_backs"] = cache_.write_backs();
}

}  // namespace leto::model
