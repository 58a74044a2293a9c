// The time of the buffer manager in the RTL (timing_table.h): chains of units that hand tiles on, alone at
// its pins, and the same ones with isa::PeState in its place. A unit's own cycles are given, so what is left
// is the manager's.
#include <numeric>

#include "isa/machine.h"
#include "model/twin/packed_pins.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"
#include "tests/twin/timing_table.h"

using namespace leto;
using namespace leto::model;
using namespace leto::model::timing;

namespace {

/// Units one behind the other, with a buffer of `depth` tiles between two; each takes its cycles for a tile.
struct Chain {
  std::vector<int> cycles;
  int depth, tiles;
  std::size_t units() const { return cycles.size(); }
};

/// Cycles if handing a tile on takes none: a tile after the other in those of the slowest unit; with one
/// place in a buffer those of two neighbours, which are never busy together.
std::int64_t least(const Chain& chain) {
  int period = 0;
  for (std::size_t i = 0; i + 1 < chain.units(); ++i)
    period = std::max({period, chain.depth == 1 ? chain.cycles[i] + chain.cycles[i + 1] : 0, chain.cycles[i],
                       chain.cycles[i + 1]});
  return std::accumulate(chain.cycles.begin(), chain.cycles.end(), std::int64_t{0}) +
         std::int64_t{chain.tiles - 1} * period;
}

constexpr int kTileBytes = 16;

class RtlManager {
 public:
  RtlManager(rtl::Block& block, const Chain& chain) : block_(block), last_(chain.units() - 1) {
    block_.reset();
    clear();
    for (std::size_t id = 0; id < last_; ++id) {
      block_.set(pin(block_, "def_valid"), 1);
      block_.set(pin(block_, "def_id"), id);
      block_.set(pin(block_, "def_base"), id * 256 * kTileBytes);
      block_.set(pin(block_, "def_bytes"), kTileBytes);
      block_.set(pin(block_, "def_depth"), static_cast<std::uint64_t>(chain.depth));
      block_.evaluate();
      block_.clock();
    }
    clear();
  }

  /// Of the units that want to begin, those that do.
  std::vector<bool> cycle(const std::vector<bool>& ends, const std::vector<bool>& wants) {
    clear();
    for (std::size_t unit = 0; unit < ends.size(); ++unit) {
      if (ends[unit])
        operands(unit, [&](std::size_t at, std::size_t id, bool writes) {
          put(at, "fin_advance", 1, 1), put(at, "fin_writes", 1, writes), put(at, "fin_id", 5, id);
        });
      put(unit, "beg_valid", 1, wants[unit]);
      put(unit, "beg_go", 1, 1);
      if (wants[unit])
        operands(unit, [&](std::size_t at, std::size_t id, bool writes) {
          for (const char* name : {"beg_used", "beg_hold", "beg_advance"}) put(at, name, 1, 1);
          put(at, "beg_writes", 1, writes), put(at, "beg_id", 5, id);
        });
    }
    block_.evaluate();
    std::vector<bool> begin(ends.size());
    for (std::size_t unit = 0; unit < begin.size(); ++unit)
      begin[unit] = wants[unit] && get(block_.pin(pin(block_, "beg_ready")), unit, 1) != 0;
    block_.clock();
    return begin;
  }

 private:
  void put(std::size_t at, const char* name, int bits, std::uint64_t value) {
    model::put(block_.pin(pin(block_, name)), at, bits, static_cast<std::uint32_t>(value));
  }
  /// What a unit reads, then what it writes.
  template <class Use>
  void operands(std::size_t unit, Use&& use) {
    constexpr std::size_t kOperands = 3;  // of a lane
    if (unit > 0) use(unit * kOperands, unit - 1, false);
    if (unit < last_) use(unit * kOperands + 1, unit, true);
  }
  void clear() {
    for (const char* name : {"def_valid", "fin_advance", "beg_valid", "beg_used"})
      block_.set(pin(block_, name), 0);
  }

  rtl::Block& block_;
  std::size_t last_;
};

class ModelManager {
 public:
  explicit ModelManager(const Chain& chain) {
    for (std::size_t id = 0; id + 1 < chain.units(); ++id) {
      isa::Command command;
      command.opcode = isa::Opcode::buffer;
      command.value[isa::buffer_t::id] = static_cast<int>(id);
      command.value[isa::buffer_t::base] = static_cast<int>(id) * 256 * kTileBytes;
      command.value[isa::buffer_t::bytes] = kTileBytes;
      command.value[isa::buffer_t::depth] = chain.depth;
      pe_.define(command);
    }
    pe_.barrier_passed();
    for (std::size_t unit = 0; unit < chain.units(); ++unit) commands_.push_back(command(unit, chain));
  }

  std::vector<bool> cycle(const std::vector<bool>& ends, const std::vector<bool>& wants) {
    for (std::size_t unit = 0; unit < ends.size(); ++unit)
      if (ends[unit]) pe_.finish(commands_[unit]);
    std::vector<bool> begin(ends.size());
    for (std::size_t unit = 0; unit < begin.size(); ++unit) {
      begin[unit] = wants[unit] && pe_.hold(commands_[unit]).cause == isa::PeState::Hold::Cause::none;
      if (begin[unit]) pe_.begin(commands_[unit]);
    }
    return begin;
  }

 private:
  static isa::Command command(std::size_t unit, const Chain& chain) {
    isa::Command c;
    const int in = static_cast<int>(unit) - 1, out = static_cast<int>(unit);
    if (unit == 0) {
      c.opcode = isa::Opcode::load, c.unit = isa::Unit::load;
      c.value[isa::load_t::dst] = out;
      c.value[isa::load_t::reserve] = c.value[isa::load_t::push] = 1;
    } else if (unit + 1 == chain.units()) {
      c.opcode = isa::Opcode::store, c.unit = isa::Unit::store;
      c.value[isa::store_t::src] = in;
      c.value[isa::store_t::wait] = c.value[isa::store_t::pop] = 1;
    } else {
      c.opcode = isa::Opcode::copy, c.unit = isa::Unit::layout;
      c.core = static_cast<std::uint8_t>(unit % 2);  // two cores' units: neighbours are not the same one
      c.value[isa::copy_t::src] = in;
      c.value[isa::copy_t::wait] = c.value[isa::copy_t::pop] = 1;
      c.value[isa::copy_t::dst] = out;
      c.value[isa::copy_t::reserve] = c.value[isa::copy_t::push] = 1;
    }
    return c;
  }

  isa::PeState pe_{1 << 16, 16, false};
  std::vector<isa::Command> commands_;
};

/// Until the last unit has finished the last tile; what ends in a cycle is seen by what begins in it.
template <class Manager>
std::int64_t cycles_of(const Chain& chain, Manager&& manager) {
  std::vector<int> begun(chain.units()), finished(chain.units());
  std::vector<std::int64_t> until(chain.units());
  for (std::int64_t cycle = 0; cycle < kLongest; ++cycle) {
    std::vector<bool> ends(chain.units()), wants(chain.units());
    for (std::size_t unit = 0; unit < chain.units(); ++unit) {
      ends[unit] = begun[unit] > finished[unit] && until[unit] == cycle;
      finished[unit] += ends[unit];
      wants[unit] = begun[unit] == finished[unit] && begun[unit] < chain.tiles;
    }
    if (finished.back() == chain.tiles) return cycle;
    const std::vector<bool> begin = manager.cycle(ends, wants);
    for (std::size_t unit = 0; unit < chain.units(); ++unit)
      if (begin[unit]) ++begun[unit], until[unit] = cycle + chain.cycles[unit];
  }
  return -1;
}

std::vector<Point> buffer_sweep(const ChipConfig& chip) {
  const auto block = rtl::make_block("buffer_manager", chip);
  std::vector<Point> points;
  for (const std::vector<int>& cycles : std::vector<std::vector<int>>{
           {1, 1}, {7, 1}, {1, 7}, {3, 3}, {2, 5, 2}, {5, 2, 5}, {1, 1, 1, 1}, {4, 1, 9, 2}})
    for (const int depth : {1, 2, 3, 200})
      for (const int tiles : {1, 2, 5, 250}) {
        const Chain chain{cycles, depth, tiles};
        points.push_back({fmt::format("depth {}", depth), least(chain),
                          cycles_of(chain, RtlManager(*block, chain)), cycles_of(chain, ModelManager(chain)),
                          tiles});
      }
  return points;
}

}  // namespace

TEST_CASE("twin: the buffer manager's time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  check_table("buffer_manager", "cycle of the units", {{"tiny", buffer_sweep(load_chip("tiny"))}});
}
