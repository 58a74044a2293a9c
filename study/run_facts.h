// What a run hands to the record: plain figures, no model type. apps/ fills it from the model's statistics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/chip_config.h"

namespace leto::study {

/// Engine-cycles of one engine kind over all its instances: busy + causes + idle = instances * cycles.
struct EngineFacts {
  std::int64_t instances = 0;
  std::uint64_t busy = 0, idle = 0;
  std::map<std::string, std::uint64_t> causes;
  bool operator==(const EngineFacts&) const = default;
};

/// Bytes on a memory's bus.
struct TrafficFacts {
  std::uint64_t read = 0, write = 0;
  bool operator==(const TrafficFacts&) const = default;
};

/// Comparison of an RTL twin with its model.
struct TwinFacts {
  std::string mode;  // "model", "rtl", "check"
  std::uint64_t cycles_compared = 0, values_compared = 0, mismatches = 0, macs_compared = 0;
  // Of a block that others wrote.
  std::optional<std::string> descriptor{}, descriptor_hash{}, module{}, level{};
  std::optional<std::uint64_t> commands_compared{}, commands_left_out{};
  std::optional<std::uint64_t> commands_replaced{};  // rtl's, or another block's, in the place of the model's
  bool operator==(const TwinFacts&) const = default;
};

/// One graph operation, all steps together.
struct OperationFacts {
  std::string name, kind, phase;
  std::string dtype;                            // of the matmul operands; empty when it has none
  std::map<std::string, std::uint64_t> busy;    // engine -> engine-cycles
  std::map<std::string, std::uint64_t> stalls;  // "engine.cause" -> engine-cycles
  std::int64_t commands = 0, macs = 0, bytes = 0;
  std::int64_t useful_macs = 0;              // that the model asked for
  std::int64_t live_hbm = 0, live_sram = 0;  // bytes in use while it runs
  std::uint64_t first = 0, last = 0;  // begin of its first command, end of its last; both 0: it has none
};

/// What a run with fidelity "reuse" counted in the place of simulating it.
struct ReuseFacts {
  std::uint64_t cycles = 0;
  std::int64_t trips = 0;     // of layer loops
  std::int64_t kernels = 0;   // that did what others had done
  std::int64_t segments = 0;  // of other kernels
  double bound = 0;           // share of all cycles by which they may be off
  std::int64_t verified = 0;  // trips simulated all the same …
  double worst = 0;           // … and the largest error of one, a share of its cycles
  bool operator==(const ReuseFacts&) const = default;
};

/// Of a run of one chip's share of sharded tables; figures of one step.
struct ShardingFacts {
  std::string by;              // "table", "row" or "column"
  std::int64_t chips = 0;      // that share the tables
  std::int64_t exchanges = 0;  // all-to-all operations
  std::int64_t bytes = 0;      // that the chip sends in them, and as many that it gets
  double seconds = 0;          // that they take
  std::string source;          // of the links' figures
  bool operator==(const ShardingFacts&) const = default;
};

struct RunFacts {
  std::string commit;
  std::uint64_t program_hash = 0, seed = 0;
  std::map<std::string, std::string> versions;  // component -> version

  std::optional<std::string> what_if;  // resources taken as unlimited ("hbm,noc"): no real chip
  bool incomplete = false;             // the run was under way

  ChipConfig chip;
  std::string fidelity = "full";
  std::optional<std::string> kernel;  // of a model of one operator: its name, type and extents
  std::string workload, recipe;       // the recipe as text; empty when nothing is trained
  bool values = true;
  std::int64_t steps = 1;
  std::int64_t parameters = 0;       // of the model; 0 = not known
  std::int64_t sequence = 0;         // tokens a sequence; 0 = not known or no sequence model
  std::int64_t tokens_per_step = 0;  // 0 = means nothing for this workload

  std::uint64_t cycles = 0;  // PE clock, launch included, all steps
  std::int64_t macs = 0;     // executed
  std::map<std::string, EngineFacts> engines;
  std::map<std::string, TrafficFacts> bytes;      // "hbm", "sram", "ls", "noc"
  std::map<std::string, std::uint64_t> counters;  // events inside the blocks, "llc_hits"
  std::vector<OperationFacts> operations;
  std::string memory_fit;    // JSON object of the compiler's placement; empty = {}
  std::vector<double> loss;  // one a step, values on
  std::optional<std::vector<double>>
      loss_reference;  // the same in fp32 on the graph interpreter, when asked for
  std::optional<double> accuracy;
  std::map<std::string, TwinFacts> twins;
  std::optional<ReuseFacts> reuse;
  std::optional<ShardingFacts> sharding;

  double wall_s = 0;  // host time inside the simulation
  std::int64_t commands = 0, bursts = 0;
  std::uint64_t kernel_switches = 0, peak_rss_bytes = 0;
};

}  // namespace leto::study
