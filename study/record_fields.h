// The members of the record's parts, once, in the order of record.json; the writer and the reader both walk
// them.
#pragma once

#include <concepts>

#include "study/record.h"

namespace leto::study {

template <typename T, typename Part>
concept Either = std::same_as<std::remove_const_t<T>, Part>;

void each_field(Either<TrafficFacts> auto& t, auto&& visit) {
  visit("read", t.read);
  visit("write", t.write);
}

void each_field(Either<TwinFacts> auto& t, auto&& visit) {
  visit("mode", t.mode);
  visit("cycles_compared", t.cycles_compared);
  visit("values_compared", t.values_compared);
  visit("mismatches", t.mismatches);
  visit("macs_compared", t.macs_compared);
  visit("descriptor", t.descriptor);
  visit("descriptor_hash", t.descriptor_hash);
  visit("module", t.module);
  visit("level", t.level);
  visit("commands_compared", t.commands_compared);
  visit("commands_left_out", t.commands_left_out);
  visit("commands_replaced", t.commands_replaced);
}

void each_field(Either<ChipFigures> auto& f, auto&& visit) {
  visit("description", f.description);
  visit("rows", f.rows);
  visit("columns", f.columns);
  visit("clock_mhz", f.clock_mhz);
  visit("peak_flops_16bit", f.peak_flops_16bit);
  visit("peak_flops_8bit", f.peak_flops_8bit);
  visit("hbm_bytes_per_s", f.hbm_bytes_per_s);
  visit("sram_bytes_per_s", f.sram_bytes_per_s);
  visit("ls_bytes_per_s", f.ls_bytes_per_s);
  visit("hbm_bytes", f.hbm_bytes);
  visit("sram_bytes", f.sram_bytes);
  visit("ls_bytes", f.ls_bytes);
}

void each_field(Either<OperationRecord> auto& op, auto&& visit) {
  visit("name", op.name);
  visit("kind", op.kind);
  visit("phase", op.phase);
  visit("cycles", op.cycles);
  visit("share", op.share);
  visit("bound_by", op.bound_by);
  visit("busy", op.busy);
  visit("stalls", op.stalls);
  visit("commands", op.commands);
  visit("macs", op.macs);
  visit("flops", op.flops);
  visit("bytes", op.bytes);
  visit("live_hbm", op.live_hbm);
  visit("live_sram", op.live_sram);
  visit("first", op.first);
  visit("last", op.last);
}

void each_field(Either<EnergyRecord> auto& e, auto&& visit) {
  visit("total", e.total);
  visit("low", e.low);
  visit("high", e.high);
  visit("by_block", e.by_block);
  visit("by_operation", e.by_operation);
}

void each_field(Either<ReuseFacts> auto& r, auto&& visit) {
  visit("cycles", r.cycles);
  visit("trips", r.trips);
  visit("kernels", r.kernels);
  visit("segments", r.segments);
  visit("bound", r.bound);
  visit("verified", r.verified);
  visit("worst", r.worst);
}

void each_field(Either<ShardingFacts> auto& s, auto&& visit) {
  visit("by", s.by);
  visit("chips", s.chips);
  visit("exchanges", s.exchanges);
  visit("bytes", s.bytes);
  visit("seconds", s.seconds);
  visit("source", s.source);
}

void each_field(Either<SimulationRecord> auto& s, auto&& visit) {
  visit("wall_s", s.wall_s);
  visit("cycles_per_s", s.cycles_per_s);
  visit("macs_per_s", s.macs_per_s);
  visit("commands", s.commands);
  visit("commands_per_s", s.commands_per_s);
  visit("bursts", s.bursts);
  visit("peak_rss_bytes", s.peak_rss_bytes);
  visit("kernel_switches_per_s", s.kernel_switches_per_s);
}

/// The members of `identity`.
void each_identity(Either<Record> auto& r, auto&& visit) {
  visit("commit", r.commit);
  visit("config_hash", r.config_hash);
  visit("program_hash", r.program_hash);
  visit("seed", r.seed);
  visit("versions", r.versions);
  visit("what_if", r.what_if);
}

/// The rest of the record, without `version`, `identity` and `memory_fit`.
void each_field(Either<Record> auto& r, auto&& visit) {
  visit("incomplete", r.incomplete);
  visit("fidelity", r.fidelity);
  visit("chip", r.chip);
  visit("chip_figures", r.chip_figures);
  visit("config", r.config);
  visit("recipe", r.recipe);
  visit("workload", r.workload);
  visit("kernel", r.kernel);
  visit("values", r.values);
  visit("steps", r.steps);
  visit("parameters", r.parameters);
  visit("sequence", r.sequence);
  visit("cycles", r.cycles);
  visit("seconds", r.seconds);
  visit("flops", r.flops);
  visit("flops_by_dtype", r.flops_by_dtype);
  visit("macs", r.macs);
  visit("mfu", r.mfu);
  visit("tokens_per_s", r.tokens_per_s);
  visit("stalls", r.stalls);
  visit("bytes", r.bytes);
  visit("counters", r.counters);
  visit("energy_j", r.energy_j);
  visit("loss", r.loss);
  visit("loss_reference", r.loss_reference);
  visit("accuracy", r.accuracy);
  visit("ops", r.ops);
  visit("twins", r.twins);
  visit("reuse", r.reuse);
  visit("sharding", r.sharding);
  visit("simulation", r.simulation);
}

struct IgnoreField {
  void operator()(auto&&...) const {}
};
template <typename Part>
concept HasFields = requires(Part& part) {
  each_field(part, IgnoreField{});
};

}  // namespace leto::study
