// From the facts of a run to the record: every derived figure is computed here.
#include "study/record.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "arch/config_keys.h"
#include "base/dtypes.h"
#include "base/errors.h"
#include "study/energy.h"

namespace leto::study {
namespace {

constexpr std::int64_t kFlopsPerMac = 2;

std::string hex(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

/// What the matrix engines can do with operands of a type. They have no 32-bit mode: an fp32 product is three
/// bf16 products (the bf16x3 recipe).
double peak_of(const ChipConfig& chip, const std::string& dtype_name) {
  const auto dtype = dtype_from_name(dtype_name);
  if (!dtype)
    throw Error(ExitCode::internal,
                fmt::format("an operation's matmul operands have the unknown type '{}'", dtype_name),
                "report this: the program's source map is wrong");
  constexpr int kProductsOfFp32 = 3;
  return size_of(*dtype) == 4 ? peak_flops(chip, 2) / kProductsOfFp32 : peak_flops(chip, size_of(*dtype));
}

ChipFigures figures_of(const ChipConfig& chip) {
  ChipFigures f;
  f.description = chip.description;
  f.rows = chip.pe.rows;
  f.columns = chip.pe.columns;
  f.clock_mhz = chip.pe.clock_mhz;
  f.peak_flops_16bit = peak_flops(chip, 2);
  f.peak_flops_8bit = peak_flops(chip, 1);
  f.hbm_bytes_per_s = hbm_bytes_per_second(chip);
  f.sram_bytes_per_s = sram_bytes_per_second(chip);
  f.ls_bytes_per_s = double(chip.local_store.bytes_per_cycle) * chip.pes() * chip.hertz();
  f.hbm_bytes = chip.hbm.bytes;
  f.sram_bytes = chip.sram.bytes;
  f.ls_bytes = chip.local_store.bytes * chip.pes();
  return f;
}

/// Cycles per instance; an engine that the run does not list counts as one instance.
double per_instance(const RunFacts& facts, const std::string& engine, std::uint64_t cycles) {
  const auto found = facts.engines.find(engine);
  const auto instances =
      found == facts.engines.end() ? 1 : std::max<std::int64_t>(1, found->second.instances);
  return double(cycles) / double(instances);
}

struct Largest {
  std::string name;
  double cycles = 0;
  void offer(const std::string& other, double value) {
    if (value > cycles) *this = {other, value};
  }
};

std::string engine_of(const std::string& stall) {
  return stall.substr(0, stall.find('.'));
}

/// Every key of the chip file with its section: "pe.rows" -> "12".
std::map<std::string, std::string> config_of(const ChipConfig& chip) {
  std::map<std::string, std::string> out;
  for (const ConfigKey& key : config_keys())
    out[fmt::format("{}.{}", key.section, key.key)] = value_text(key, chip);
  return out;
}

OperationRecord build_operation(const RunFacts& facts, const OperationFacts& from) {
  Largest busy, stall, occupied;
  std::map<std::string, double> total;
  for (const auto& [engine, cycles] : from.busy) {
    busy.offer(engine, per_instance(facts, engine, cycles));
    total[engine] += per_instance(facts, engine, cycles);
  }
  for (const auto& [name, cycles] : from.stalls) {
    stall.offer(name, per_instance(facts, engine_of(name), cycles));
    total[engine_of(name)] += per_instance(facts, engine_of(name), cycles);
  }
  for (const auto& [engine, cycles] : total) occupied.offer(engine, cycles);

  OperationRecord op;
  op.name = from.name;
  op.kind = from.kind;
  op.phase = from.phase;
  op.cycles = static_cast<std::uint64_t>(std::llround(occupied.cycles));
  op.share = facts.cycles ? occupied.cycles / double(facts.cycles) : 0;
  op.bound_by = busy.cycles * 2 >= occupied.cycles ? busy.name : stall.name;
  op.busy = from.busy;
  op.stalls = from.stalls;
  op.commands = from.commands;
  op.macs = from.macs;
  op.flops = from.useful_macs * kFlopsPerMac;
  op.bytes = from.bytes;
  op.live_hbm = from.live_hbm;
  op.live_sram = from.live_sram;
  if (facts.steps == 1 && from.last > 0) {
    op.first = from.first;
    op.last = from.last;
  }
  return op;
}

double model_flops_utilisation(const RunFacts& facts, const Record& record) {
  double busy_seconds = 0;
  for (const auto& [dtype, flops] : record.flops_by_dtype)
    busy_seconds += double(flops) / peak_of(facts.chip, dtype);
  return record.seconds > 0 ? busy_seconds / record.seconds : 0;
}

SimulationRecord simulation_of(const RunFacts& facts) {
  const auto rate = [&](double amount) { return facts.wall_s > 0 ? amount / facts.wall_s : 0; };
  SimulationRecord s;
  s.wall_s = facts.wall_s;
  s.cycles_per_s = rate(double(facts.cycles));
  s.macs_per_s = rate(double(facts.macs));
  s.commands_per_s = rate(double(facts.commands));
  s.kernel_switches_per_s = rate(double(facts.kernel_switches));
  s.commands = facts.commands;
  s.bursts = facts.bursts;
  s.peak_rss_bytes = facts.peak_rss_bytes;
  return s;
}

void describe(const RunFacts& facts, Record& record) {
  record.commit = facts.commit;
  record.config_hash = hex(config_hash(facts.chip));
  record.program_hash = hex(facts.program_hash);
  record.seed = facts.seed;
  record.versions = facts.versions;
  record.what_if = facts.what_if;
  if (facts.incomplete) record.incomplete = true;
  record.fidelity = facts.fidelity;
  record.chip = facts.chip.name;
  record.chip_figures = figures_of(facts.chip);
  record.config = config_of(facts.chip);
  record.recipe = facts.recipe;
  record.workload = facts.workload;
  record.kernel = facts.kernel;
  record.values = facts.values;
  record.steps = facts.steps;
  record.parameters = facts.parameters;
  record.sequence = facts.sequence;
}

}  // namespace

Record build_record(const RunFacts& facts) {
  Record record;
  describe(facts, record);
  record.cycles = facts.cycles;
  record.seconds = double(facts.cycles) / facts.chip.hertz();
  record.macs = facts.macs;
  for (const OperationFacts& op : facts.operations) {
    if (op.useful_macs > 0) record.flops_by_dtype[op.dtype] += op.useful_macs * kFlopsPerMac;
    record.ops.push_back(build_operation(facts, op));
  }
  for (const auto& [dtype, flops] : record.flops_by_dtype) record.flops += flops;
  record.mfu = model_flops_utilisation(facts, record);
  if (facts.tokens_per_step > 0 && record.seconds > 0 && !facts.incomplete)
    record.tokens_per_s = double(facts.tokens_per_step) * double(facts.steps) / record.seconds;
  record.stalls = facts.engines;
  record.bytes = facts.bytes;
  record.counters = facts.counters;
  record.energy_j = energy_of(facts, load_facts("energy"));
  if (!facts.memory_fit.empty()) record.memory_fit = facts.memory_fit;
  record.loss = facts.loss;
  record.loss_reference = facts.loss_reference;
  record.accuracy = facts.accuracy;
  record.twins = facts.twins;
  record.reuse = facts.reuse;
  record.sharding = facts.sharding;
  record.simulation = simulation_of(facts);
  return record;
}

}  // namespace leto::study
