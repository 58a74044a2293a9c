// record.json: what a run leaves. The keys and their meanings stand in record_keys.inc (docs/counters.md).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "study/run_facts.h"

namespace leto::study {

inline constexpr int kRecordVersion = 1;

/// The chip's figures that a reader of the record needs, by closed form.
struct ChipFigures {
  std::string description;
  std::int64_t rows = 0, columns = 0;
  double clock_mhz = 0;
  double peak_flops_16bit = 0, peak_flops_8bit = 0;                      // FLOP/s
  double hbm_bytes_per_s = 0, sram_bytes_per_s = 0, ls_bytes_per_s = 0;  // bytes/s, whole chip
  std::int64_t hbm_bytes = 0, sram_bytes = 0, ls_bytes = 0;              // capacities, whole chip
  bool operator==(const ChipFigures&) const = default;
};

/// One graph operation in the record.
struct OperationRecord {
  std::string name, kind, phase, bound_by;
  std::uint64_t cycles = 0;
  double share = 0;
  std::map<std::string, std::uint64_t> busy, stalls;
  std::int64_t commands = 0, macs = 0, flops = 0, bytes = 0;
  std::optional<std::int64_t> live_hbm, live_sram;  // bytes in use while it runs; not in old records
  std::optional<std::uint64_t> first, last;  // begin of its first, end of its last command; runs of one step
  bool operator==(const OperationRecord&) const = default;
};

/// All that depends on the host.
struct SimulationRecord {
  double wall_s = 0, cycles_per_s = 0, macs_per_s = 0, commands_per_s = 0, kernel_switches_per_s = 0;
  std::int64_t commands = 0, bursts = 0;
  std::uint64_t peak_rss_bytes = 0;
  bool operator==(const SimulationRecord&) const = default;
};

/// Joules of the whole run (study/energy.h).
struct EnergyRecord {
  double total = 0, low = 0, high = 0;  // low and high: every row of the table at that end of its interval
  std::map<std::string, double> by_block, by_operation;
  bool operator==(const EnergyRecord&) const = default;
};

struct Record {
  std::string commit, config_hash, program_hash;  // hashes as 16 hexadecimal digits
  std::uint64_t seed = 0;
  std::map<std::string, std::string> versions;
  std::optional<std::string> what_if;  // resources taken as unlimited ("hbm,noc"): no real chip
  std::optional<bool> incomplete;      // the run was under way
  std::string fidelity, chip, recipe, workload;
  std::optional<std::string> kernel;  // of a model of one operator
  ChipFigures chip_figures;
  std::map<std::string, std::string>
      config;  // every key of the chip file and its value; empty in old records
  bool values = true;
  std::int64_t steps = 1, parameters = 0, sequence = 0;
  std::uint64_t cycles = 0;
  double seconds = 0;
  std::int64_t flops = 0, macs = 0;
  std::map<std::string, std::int64_t> flops_by_dtype;
  double mfu = 0;
  std::optional<double> tokens_per_s, accuracy;
  std::map<std::string, EngineFacts> stalls;
  std::map<std::string, TrafficFacts> bytes;
  std::map<std::string, std::uint64_t> counters;
  std::optional<EnergyRecord> energy_j;  // absent in records of versions that did not model it
  std::string memory_fit = "{}";         // JSON object
  std::vector<double> loss;              // NaN where a step's loss was not finite
  std::optional<std::vector<double>> loss_reference;
  std::vector<OperationRecord> ops;
  std::map<std::string, TwinFacts> twins;
  std::optional<ReuseFacts> reuse;
  std::optional<ShardingFacts> sharding;
  SimulationRecord simulation;

  /// Does it tell what a chip does with the whole program?
  bool is_forecast() const { return !what_if && !incomplete.value_or(false); }
};

/// Derives everything in the record from the facts of a run.
Record build_record(const RunFacts& facts);

std::string to_json(const Record& record);
/// Throws Error(bad_input) naming `where` and the key that is unknown, missing or of the wrong kind.
Record record_from_json(std::string_view text, std::string_view where);

void save(const Record& record, const std::filesystem::path& path);
/// `path` is a record.json or the folder of a run.
Record load_record(const std::filesystem::path& path);

/// A key whose values differ; "(absent)" on the side that has no such key.
struct Difference {
  std::string key, a, b;
};
/// Exact comparison of everything but `simulation`, in key order. Empty = the same result.
std::vector<Difference> diff_records(const Record& a, const Record& b);

}  // namespace leto::study
