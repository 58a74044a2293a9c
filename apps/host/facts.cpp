#include "apps/host/facts.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "leto_version.h"
#include "model/twin/foreign_twin.h"

namespace leto::host {
namespace {

std::map<std::string, std::string> versions() {
  return {{"leto", LETO_VERSION},
          {"isa", fmt::format("{:016x}", isa::isa_hash())},
          {"compiler", "g++ " __VERSION__}};
}

std::map<std::string, study::EngineFacts> engines(const model::Statistics& statistics) {
  std::map<std::string, study::EngineFacts> all;
  for (const auto& [name, engine] : statistics.engines)
    all[name] = {engine.instances, engine.busy, engine.idle, engine.causes};
  return all;
}

std::map<std::string, study::TrafficFacts> traffic(const model::Statistics& statistics) {
  std::map<std::string, study::TrafficFacts> all;
  for (const auto& [name, bytes] : statistics.bytes) all[name] = {bytes.read, bytes.write};
  return all;
}

std::map<std::string, study::TwinFacts> twins(const model::Statistics& statistics) {
  std::map<std::string, study::TwinFacts> all;
  for (const auto& [name, twin] : statistics.twins) {
    study::TwinFacts& facts = all[name];
    facts.mode = twin.mode == model::TwinMode::rtl ? "rtl" : "check";
    facts.cycles_compared = twin.cycles_compared;
    facts.values_compared = twin.values_compared;
    facts.mismatches = twin.mismatches;
    facts.macs_compared = twin.macs_compared;
    if (twin.mode == model::TwinMode::rtl) facts.commands_replaced = twin.commands_replaced;
    if (twin.foreign || twin.commands_left_out > 0) facts.commands_left_out = twin.commands_left_out;
    if (!twin.foreign) continue;
    facts.descriptor = twin.foreign->descriptor();
    facts.descriptor_hash = fmt::format("{:016x}", twin.foreign->hash());
    facts.module = twin.foreign->module();
    facts.level = name_of(twin.foreign->stream().level);
    facts.commands_compared = twin.commands_compared;
  }
  return all;
}

study::OperationFacts operation(const isa::Source& source, const model::OperationAccount& account,
                                std::int64_t steps) {
  study::OperationFacts facts{source.operation, source.kind,  source.phase,
                              source.dtype,     account.busy, account.stalls};
  facts.commands = account.commands;
  facts.macs = account.macs;
  facts.bytes = account.bytes;
  facts.useful_macs = source.useful_macs * steps;
  facts.live_hbm = source.live_hbm;
  facts.live_sram = source.live_sram;
  facts.first = account.first_cycle;
  facts.last = account.last_cycle;
  return facts;
}

std::vector<study::OperationFacts> operations(const Job& job, const Outcome& outcome) {
  std::vector<study::OperationFacts> all;
  const auto& accounts = outcome.statistics.operations;
  for (std::size_t i = 0; i < job.program.sources.size(); ++i)
    all.push_back(operation(job.program.sources[i],
                            i < accounts.size() ? accounts[i] : model::OperationAccount{}, outcome.steps));
  return all;
}

std::int64_t parameters(const isa::Program& program) {
  std::int64_t count = 0;
  for (const auto& tensor : program.tensors)
    if (tensor.role == isa::Role::parameter) count += isa::elements(tensor);
  return count;
}

/// What the compiler reports of the placement, and bytes by role of what is held all step long.
std::string memory_fit(const isa::Program& program) {
  if (program.memory_fit.empty()) return "";
  auto fit = nlohmann::ordered_json::parse(program.memory_fit);
  std::map<std::string, std::int64_t> held;
  for (const auto& tensor : program.tensors)
    held[std::string(isa::name_of(tensor.role))] += isa::bytes(tensor);
  for (const auto& [role, bytes] : held) fit["held_" + role] = bytes;
  return fit.dump();
}

/// What the compiler reports of an exchange, and the links' time: for each of them the same share of the
/// bytes.
std::optional<study::ShardingFacts> sharding(const Job& job) {
  if (job.program.memory_fit.empty()) return std::nullopt;
  const auto fit = nlohmann::json::parse(job.program.memory_fit);
  if (!fit.contains("shards")) return std::nullopt;
  study::ShardingFacts facts;
  facts.by = fit.value("shard_by", "");
  facts.chips = fit.value("shards", std::int64_t{0});
  facts.exchanges = fit.value("exchanges", std::int64_t{0});
  facts.bytes = fit.value("exchanged", std::int64_t{0});
  facts.source = job.chip.network.source;
  const auto each = double(facts.bytes) / double(std::max<std::int64_t>(1, facts.exchanges));
  facts.seconds = double(facts.exchanges) * exchange_seconds(job.chip, each, facts.chips);
  return facts;
}

void identity(const Job& job, study::RunFacts& facts) {
  facts.commit = LETO_COMMIT;
  facts.program_hash = fnv1a(isa::to_bytes(job.program));
  facts.seed = job.seed();
  facts.versions = versions();
  facts.chip = job.chip;
  facts.workload = job.program.name;
  if (!job.program.kernel.empty()) facts.kernel = job.program.kernel;
  facts.recipe = job.recipe.text;
  facts.parameters = parameters(job.program);
  facts.sequence = sequence(job.program);
  facts.tokens_per_step = job.program.tokens;
}

}  // namespace

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts kibibytes
}

study::RunFacts facts_of(const Job& job, const Outcome& outcome, bool values) {
  const auto& statistics = outcome.statistics;
  study::RunFacts facts;
  identity(job, facts);
  if (!outcome.what_if.empty()) facts.what_if = outcome.what_if;
  facts.incomplete = outcome.incomplete;
  facts.fidelity = outcome.fidelity;
  if (outcome.fidelity == "reuse") {
    const model::Reused& r = statistics.reused;
    facts.reuse = {r.cycles, r.trips, r.kernels, r.segments, r.bound, r.verified, r.worst};
  }
  facts.values = values;
  facts.steps = outcome.steps;
  facts.cycles = statistics.cycles;
  facts.macs = statistics.macs;
  facts.engines = engines(statistics);
  facts.bytes = traffic(statistics);
  facts.counters = statistics.counters;
  facts.twins = twins(statistics);
  facts.operations = operations(job, outcome);
  facts.memory_fit = memory_fit(job.program);
  facts.sharding = sharding(job);
  facts.loss = outcome.loss;
  if (!outcome.loss_reference.empty()) facts.loss_reference = outcome.loss_reference;
  facts.accuracy = outcome.accuracy;
  facts.wall_s = outcome.wall_s;
  facts.commands = statistics.commands;
  facts.bursts = statistics.bursts;
  facts.kernel_switches = statistics.kernel_switches;
  facts.peak_rss_bytes = peak_rss_bytes();
  return facts;
}

}  // namespace leto::host
