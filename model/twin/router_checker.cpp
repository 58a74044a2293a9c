#include "model/twin/router_checker.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"
#include "model/noc/noc.h"
#include "model/twin/packed_pins.h"

namespace leto::model {
namespace {

#define PORTS "rtl/router/ports.inc"
#include "model/twin/pins.inc"

constexpr std::size_t kWindow = 512;  // packets, of which stamps tell the order
constexpr std::array<std::string_view, 5> kWayIn = {"moving north", "moving east", "moving south",
                                                    "moving west", "starting here"};

// So that nothing else of the model's cycle is a fraction of the RTL's.
void check_clocks(const ChipConfig& chip, const std::string& instance) {
  if (chip.noc.clock_mhz != chip.pe.clock_mhz)
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL counts cycles of the PEs, the network has a clock of its own",
                            instance),
                "set noc.clock_mhz to pe.clock_mhz");
  if (chip.noc.buffer_bytes % (8 * kBeatBytes) != 0)
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL's buffers have eight slots of whole beats", instance),
                fmt::format("take a noc.buffer_bytes that is a multiple of {}", 8 * kBeatBytes));
}

int present(const ChipConfig& chip, int router, int columns) {
  int all = 0;
  for (int local = 0; local < chip.noc.cluster_rows * chip.noc.cluster_columns; ++local) {
    const int row = router / columns * chip.noc.cluster_rows + local / chip.noc.cluster_columns;
    const int column = router % columns * chip.noc.cluster_columns + local % chip.noc.cluster_columns;
    if (row < chip.pe.rows && column < chip.pe.columns) all |= 1 << local;
  }
  return all;
}

}  // namespace

std::size_t RouterRun::bytes() const {
  std::size_t all = sizeof *this;
  for (const RouterPacket& packet : packets)
    all += sizeof packet + packet.parts.size() * sizeof packet.parts[0] +
           packet.ways.size() * sizeof packet.ways[0];
  return all;
}

Cycle RouterRun::until() const {
  Cycle last = at;
  for (const RouterPacket& packet : packets)
    for (const RouterPacket::Way& way : packet.ways)
      last = std::max({last, way.held, way.out < RouterPacket::kLinks ? way.at + packet.cycles : way.at});
  return last;
}

RouterChecker::RouterChecker(const ChipConfig& chip, int router, const TwinSpec& spec,
                             const std::string& instance, std::uint64_t seed,
                             std::unique_ptr<rtl::Block> block)
    : comparison_(spec, instance, seed),
      rtl_(built_block(TwinBlock::router, chip, instance, std::move(block))),
      columns_((chip.pe.columns + chip.noc.cluster_columns - 1) / chip.noc.cluster_columns),
      pes_(chip.noc.cluster_rows * chip.noc.cluster_columns),
      loaded_(static_cast<std::size_t>(RouterPacket::kLinks * (RouterPacket::kLinks + pes_))) {
  if (!comparison_.checks())
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of a router", instance),
                "its dates are the model's events: take check");
  check_clocks(chip, instance);
  log_.router = router;
  // Sums with a hop stay below the counters' end.
  longest_ = (Cycle{1} << rtl_->ports()[pins::u_wait].bits) - static_cast<Cycle>(chip.noc.hop_cycles) - 1;
  set(pins::row, static_cast<std::uint32_t>(router / columns_));
  set(pins::column, static_cast<std::uint32_t>(router % columns_));
  set(pins::present, static_cast<std::uint32_t>(present(chip, router, columns_)));
}

std::size_t RouterChecker::lanes(int pin) const {
  switch (pin) {
    case pins::h_stamp:
    case pins::h_row_first:
    case pins::h_row_last:
    case pins::h_column_first:
    case pins::h_column_last:
    case pins::h_pes:
      return kIns;
    case pins::h_head:
    case pins::h_beats:
    case pins::h_cycles:
    case pins::g_head:
    case pins::c_wait:
      return RouterPacket::kLinks;
    case pins::e_taken:
      return static_cast<std::size_t>(pes_);
    default:
      return 1;
  }
}

void RouterChecker::set(int pin, std::uint32_t value, std::size_t index) {
  const int bits = rtl_->ports()[static_cast<std::size_t>(pin)].bits / static_cast<int>(lanes(pin));
  put(rtl_->pin(pin), index, bits, value);
}

void RouterChecker::reset() {
  log_ = {.router = log_.router, .runs = {}, .from = {}};
  rtl_->reset();
  known_ = open_ = false;
  std::fill(loaded_.begin(), loaded_.end(), false);
  begin();
}

// Nothing is offered.
void RouterChecker::begin() {
  for (const int pin : {pins::i_valid, pins::p_valid, pins::h_valid}) set(pin, 0);
  for (const int pin : {pins::c_wait, pins::e_taken})
    for (std::size_t i = 0; i < lanes(pin); ++i) set(pin, 0, i);
}

void RouterChecker::add(RouterRun run) {
  const bool idle = run.at >= busy_until_;
  if (!known_ || (idle && (log_.lost || log_.bytes > kLogBytes))) reset();
  if (log_.runs.empty()) log_.from = comparison_.place();
  keep(run);
  play(run);
}

void RouterChecker::keep(const RouterRun& run) {
  log_.bytes += run.bytes();
  log_.lost |= log_.bytes > kLogMost;
  if (log_.lost)
    log_.runs.clear();
  else
    log_.runs.push_back(run);
}

void RouterChecker::replay(const Log& log) {
  comparison_.go_on(log.from);
  for (const RouterRun& run : log.runs) add(run);
  comparison_.raise();
}

void RouterChecker::play(const RouterRun& run) {
  if (!known_) now_ = busy_until_ = run.at;
  reach(run.at);
  run_ = &run;
  known_ = true;
  next_.fill(0);
  counted_ = kNone;
  for (const RouterPacket& packet : run.packets) load_levels(packet);
  for (packet_ = 0; packet_ < run.packets.size(); ++packet_) {
    for (std::size_t in = 0; in < kIns; ++in)
      while (next_[in] < run.packets.size() && (next_[in] < packet_ || run.packets[next_[in]].in != in))
        ++next_[in];
    if (const std::size_t starts = next_[RouterPacket::kStart];
        starts < run.packets.size() && starts != counted_)
      count_parts(starts);
    if (open_) clock(false);
    for (std::size_t in = 0; in < kIns; ++in)
      if (next_[in] < std::min(run.packets.size(), packet_ + kWindow)) offer(next_[in], in);
    check_grant(packet_);
    leave(run.packets[packet_]);
  }
  busy_until_ = std::max(busy_until_, run.until());
  run_ = nullptr;
}

// Up to the beginning of `cycle`.
void RouterChecker::reach(Cycle cycle) {
  if (open_) clock(now_ < cycle);
  while (now_ < std::min(cycle, busy_until_)) {
    rtl_->evaluate();
    compare(pins::h_ready, 0);
    clock(true);
  }
  now_ = cycle;
}

// After a reset the RTL's buffers are empty; the model's are too, but their slots may be half full.
void RouterChecker::load_levels(const RouterPacket& packet) {
  for (const RouterPacket::Way& way : packet.ways) {
    const int number = packet.in * (RouterPacket::kLinks + pes_) + way.out;
    if (packet.in == RouterPacket::kStart || way.out == RouterPacket::kLinks + pes_ ||
        loaded_[static_cast<std::size_t>(number)])
      continue;
    loaded_[static_cast<std::size_t>(number)] = true;
    if (way.left == 0) continue;
    if (open_) clock(false);
    set(pins::i_valid, 1);
    set(pins::i_in, packet.in);
    set(pins::i_way, way.out);
    set(pins::i_left, way.left);
    open_ = true;
    rtl_->evaluate();
    compare(pins::h_ready, 0);
  }
}

void RouterChecker::count_parts(std::size_t packet) {
  for (const std::uint32_t beats : run_->packets[packet].parts) {
    if (open_) clock(false);
    set(pins::p_valid, 1);
    set(pins::p_beats, beats);
    open_ = true;
    rtl_->evaluate();
    compare(pins::h_ready, 0);
  }
  counted_ = packet;
}

void RouterChecker::offer(std::size_t number, std::size_t in) {
  const RouterPacket& packet = run_->packets[number];
  put(rtl_->pin(pins::h_valid), in, 1, 1);
  set(pins::h_stamp, static_cast<std::uint32_t>(run_->at + number), in);
  set(pins::h_row_first, packet.row_first, in);
  set(pins::h_row_last, packet.row_last, in);
  set(pins::h_column_first, packet.column_first, in);
  set(pins::h_column_last, packet.column_last, in);
  set(pins::h_pes, static_cast<std::uint32_t>(packet.pes), in);
  if (in == RouterPacket::kStart) return;
  set(pins::h_head, ahead(packet.head), in);
  set(pins::h_beats, packet.beats, in);
  set(pins::h_cycles, packet.cycles, in);
}

void RouterChecker::check_grant(std::size_t number) {
  const RouterPacket& packet = run_->packets[number];
  std::uint64_t ways = 0;
  for (const RouterPacket::Way& way : packet.ways) ways |= std::uint64_t{1} << way.out;
  open_ = true;
  rtl_->evaluate();
  compare(pins::h_ready, std::uint64_t{1} << packet.in);
  compare(pins::g_ways, ways);
  compare(pins::g_beats, packet.beats);
  compare(pins::g_cycles, packet.cycles);
  for (const RouterPacket::Way& way : packet.ways)
    if (way.out < RouterPacket::kLinks) compare(pins::g_head, ahead(way.at), way.out);
  if (packet.tail != 0) compare(pins::g_tail, ahead(packet.tail));
  comparison_.count().values_compared += 3 + packet.ways.size();
}

// What the routers behind and the PEs say of it.
void RouterChecker::leave(const RouterPacket& packet) {
  for (const RouterPacket::Way& way : packet.ways) {
    if (way.out < RouterPacket::kLinks)
      set(pins::c_wait, ahead(way.held), way.out);
    else if (way.out < RouterPacket::kLinks + pes_)
      set(pins::e_taken, ahead(way.at), way.out - std::size_t{RouterPacket::kLinks});
  }
  rtl_->evaluate();
  compare(pins::u_wait, ahead(packet.room));
}

void RouterChecker::clock(bool tick) {
  if ((*rtl_->pin(pins::tick) != 0) != tick) {  // whether the cycle ends is known only now
    set(pins::tick, tick);
    rtl_->evaluate();
  }
  see_pins();
  comparison_.compares(now_);
  rtl_->clock();
  comparison_.seen(now_);
  begin();
  open_ = false;
  if (tick)
    ++now_;
  else
    ++further_;
}

void RouterChecker::compare(int pin, std::uint64_t model, int index) {
  const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
  const int bits = port.bits / static_cast<int>(lanes(pin));
  std::uint64_t rtl = get(rtl_->pin(pin), index < 0 ? 0 : static_cast<std::size_t>(index), bits);
  const bool mask = pin == pins::h_ready || pin == pins::g_ways;
  const auto shown = [&](std::uint64_t value) {
    return mask ? fmt::format("{:#b}", value) : std::to_string(value);
  };
  if (!comparison_.agrees(now_, port.name, bits, model, rtl, index))
    comparison_.differ(now_, std::string(port.name), shown(model), shown(rtl), story());
}

Story RouterChecker::story() const {
  if (!run_ || packet_ >= run_->packets.size()) return {"no packet", kForNone, "", ""};
  const RouterPacket& packet = run_->packets[packet_];
  const std::string pes = packet.pes == 0 ? "memory" : fmt::format("PEs {:#b} of each cluster", packet.pes);
  return {fmt::format("packet of {} beats, {} cycles of a link", packet.beats, packet.cycles), kForNone,
          fmt::format("packet {} of {} launched in cycle {}", packet_, run_->packets.size(), run_->at),
          fmt::format("{}, for rows {} to {}, columns {} to {}, {}; its head here at cycle {}",
                      kWayIn[packet.in], packet.row_first, packet.row_last, packet.column_first,
                      packet.column_last, pes, packet.head)};
}

// What is not compared: what the RTL was given.
void RouterChecker::see_pins() {
  TwinWindow* window = comparison_.window(now_);
  if (!window) return;
  for (std::size_t i = 0; i < rtl_->ports().size(); ++i) {
    const rtl::Port& port = rtl_->ports()[i];
    const int pin = static_cast<int>(i);
    const int bits = port.bits / static_cast<int>(lanes(pin));
    for (std::size_t lane = 0; port.input && lane < lanes(pin); ++lane)
      window->put(
          now_,
          lanes(pin) == 1 ? fmt::format("rtl.{}", port.name) : fmt::format("rtl.{}_{}", port.name, lane),
          bits, get(rtl_->pin(pin), lane, bits));
  }
}

}  // namespace leto::model
