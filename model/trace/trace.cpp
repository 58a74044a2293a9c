#include "model/trace/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace leto::model {
namespace {

constexpr std::array<std::string_view, 2 * kSharedMemories> kTraffic = {"hbm read", "hbm write", "sram read",
                                                                        "sram write"};

// Track numbers: a block of 256 a group (the memory group first, then the PEs), its own number first, then
// lanes, then buffers.
constexpr std::uint64_t kBlock = 256, kFirstLane = 1, kFirstBuffer = 64;

std::uint64_t group_of_pe(int pe) {
  return kBlock * static_cast<std::uint64_t>(pe + 2);
}
constexpr std::uint64_t kMemoryGroup = kBlock;

int pe_of(Engine engine, int instance) {
  return engine == Engine::issue_core ? instance / isa::kCores : instance;
}

/// Number of a lane within its PE: the cores, then the engines.
std::uint64_t lane_of(Engine engine, int instance) {
  return engine == Engine::issue_core ? static_cast<std::uint64_t>(instance % isa::kCores)
                                      : static_cast<std::uint64_t>(engine) - 1 + isa::kCores;
}
constexpr std::size_t kLanes = kEngines - 1 + isa::kCores;

}  // namespace

Trace::Trace(const std::filesystem::path& path, const isa::Program& program, const ChipConfig& chip,
             std::uint64_t cap)
    : program_(program),
      pes_(chip.pes()),
      cap_(cap),
      packets_(path),
      open_(static_cast<std::size_t>(pes_) * kLanes),
      counted_buffers_(static_cast<std::size_t>(pes_)) {
  write_dictionary();
  declare(chip);
}

// Names: the operations, then the states, for what belongs to no operation. Categories: states, then phases.
void Trace::write_dictionary() {
  std::vector<std::string> names, categories;
  for (int state = 0; state < kStates; ++state) categories.emplace_back(name_of(static_cast<State>(state)));
  for (const isa::Source& source : program_.sources) {
    names.push_back(source.operation);
    const auto phase = std::find(categories.begin() + kStates, categories.end(), source.phase);
    phase_of_.push_back(static_cast<std::size_t>(phase - categories.begin()) + 1);
    if (phase == categories.end()) categories.push_back(source.phase);
  }
  names.insert(names.end(), categories.begin(), categories.begin() + kStates);
  packets_.dictionary(names, categories);
}

void Trace::declare(const ChipConfig& chip) {
  packets_.process(
      kMemoryGroup, 1,
      fmt::format("memory of {}; 1 ns on this axis is 1 PE cycle ({} MHz)", chip.name, chip.pe.clock_mhz));
  for (std::size_t i = 0; i < kTraffic.size(); ++i)
    packets_.counter(kMemoryGroup + kFirstLane + i, kMemoryGroup, kTraffic[i],
                     fmt::format("bytes / {} cycles", kWindow));
  for (int pe = 0; pe < pes_; ++pe) {
    const std::uint64_t group = group_of_pe(pe);
    packets_.process(
        group, pe + 2,
        fmt::format("PE {} (row {}, column {})", pe, pe / chip.pe.columns, pe % chip.pe.columns));
    for (int core = 0; core < isa::kCores; ++core)
      packets_.lane(group + kFirstLane + static_cast<std::uint64_t>(core), group,
                    fmt::format("{} {}", name_of(Engine::issue_core), core));
    for (int e = 1; e < kEngines; ++e)
      packets_.lane(group + kFirstLane + lane_of(static_cast<Engine>(e), pe), group,
                    name_of(static_cast<Engine>(e)));
  }
}

bool Trace::full(Cycle at) {
  if (!cut_ && packets_.bytes() >= cap_) cut_ = at;
  return cut_.has_value();
}

void Trace::on_interval(Engine engine, int instance, State state, std::uint32_t operation, Cycle from,
                        Cycle to) {
  if (full(from)) return;
  const int pe = pe_of(engine, instance);
  const std::uint64_t lane = lane_of(engine, instance);
  Slice& slice = open_[static_cast<std::size_t>(pe) * kLanes + lane];
  if (slice.state == state && slice.operation == operation) {
    slice.to = to;
    return;
  }
  write(group_of_pe(pe) + kFirstLane + lane, slice);
  slice = {state, operation, from, to};
}

void Trace::write(std::uint64_t track, const Slice& slice) {
  if (slice.from == slice.to) return;
  const bool billed = slice.operation < program_.sources.size();
  const auto state = static_cast<std::size_t>(slice.state);
  const std::size_t name = billed ? slice.operation : program_.sources.size() + state;
  packets_.begin(track, slice.from, name + 1, state + 1, billed ? phase_of_[slice.operation] : 0);
  packets_.end(track, slice.to);
}

// Counted in the window in which it was asked for, at the earliest in the one that is open.
void Trace::on_memory(const MemoryAccess& access) {
  if (full(access.asked)) return;
  const std::size_t counter = 2 * static_cast<std::size_t>(access.memory) + (access.write ? 1 : 0);
  Traffic& traffic = traffic_[counter];
  const Cycle window = access.asked / kWindow;
  if (window > traffic.window) {
    write(counter, traffic);
    if (window > traffic.window + 1)
      packets_.count(kMemoryGroup + kFirstLane + counter, (traffic.window + 1) * kWindow, 0);
    traffic = {window, 0};
  }
  traffic.bytes += access.bytes;
}

void Trace::write(std::size_t counter, Traffic& traffic) {
  packets_.count(kMemoryGroup + kFirstLane + counter, traffic.window * kWindow, traffic.bytes);
}

void Trace::on_buffer(int pe, int buffer, std::int64_t tiles, Cycle at) {
  if (full(at)) return;
  const std::uint64_t group = group_of_pe(pe);
  const std::uint64_t track = group + kFirstBuffer + static_cast<std::uint64_t>(buffer);
  std::uint32_t& counted = counted_buffers_[static_cast<std::size_t>(pe)];
  if ((counted >> buffer & 1) == 0) {
    counted |= 1u << buffer;
    packets_.counter(track, group, fmt::format("b{}", buffer), "tiles");
  }
  packets_.count(track, at, static_cast<std::uint64_t>(tiles));
}

void Trace::publish() {
  for (std::size_t i = 0; i < open_.size(); ++i)
    write(group_of_pe(static_cast<int>(i / kLanes)) + kFirstLane + i % kLanes, open_[i]);
  for (std::size_t i = 0; i < traffic_.size(); ++i) {
    write(i, traffic_[i]);
    packets_.count(kMemoryGroup + kFirstLane + i, (traffic_[i].window + 1) * kWindow, 0);
  }
  packets_.publish();
}

}  // namespace leto::model
