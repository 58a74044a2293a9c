// A DRAM grade in ticks: the least distance from one command to another.
//
// A tick is the finest step at which a command can start: a command clock, or half of one where a precharge
// may start on the falling edge (HBM3). Nanoseconds become ticks by JEDEC's rounding: up, unless within 2.6 %
// of a tick above a whole number (JESD79-4, "rounding algorithms"). Standards count from the last tick of one
// command to the last tick of the next, the model from first tick to first tick: commands of several ticks
// shift the distance.
#pragma once

#include <cstdint>

#include "arch/chip_config.h"

namespace leto::model {

using Tick = std::uint64_t;

struct CommandTiming {
  explicit CommandTiming(const DramTiming& grade);

  /// The first tick from `tick` on at which commands other than precharge may start.
  Tick rising(Tick tick) const { return tick | odd; }

  double tick_ns;
  Tick edges;         // ticks a clock; with 2, all commands but precharge start on odd ticks
  Tick odd;           // edges - 1
  bool shared_bus;    // row and column commands share a bus
  Tick activate_bus;  // ticks that an activate keeps its bus

  Tick burst;         // on the data bus
  Tick read_latency;  // from a read to the end of its data

  // Column command to column command: in one direction, then between directions.
  Tick column_same_group, column_same_stack, column_other_stack;
  Tick read_to_write, write_to_read, write_to_read_same_group;

  Tick activate_to_read, activate_to_write, activate_to_precharge;
  Tick read_to_precharge, write_to_precharge;
  Tick activate_same_bank, activate_same_group, activate_any, four_activates;
  Tick precharge_to_activate, precharge_any;

  Tick refresh_interval, refresh_to_activate;
  Tick bank_refresh_interval, bank_refresh_to_activate, bank_refresh_to_activate_any, bank_refresh_any;
  Tick activate_to_bank_refresh_any;
  Tick refresh_lag;  // a refresh of a bank may start this much later than an activate of it
};

}  // namespace leto::model
