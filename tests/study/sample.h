// A run as the simulator could leave it: two decoder layers and a head on the pilot chip, three steps.
#pragma once

#include "study/run_facts.h"

namespace leto::study {

inline OperationFacts sample_operation(const std::string& name, const std::string& kind,
                                       const std::string& phase, std::uint64_t cycles, std::int64_t macs) {
  constexpr std::uint64_t kPes = 72;
  OperationFacts op;
  op.name = name;
  op.kind = kind;
  op.phase = phase;
  const bool matmul = macs > 0;
  op.dtype = matmul ? "bf16" : "";
  op.busy = {{"fabric_load", cycles * kPes / 2}, {"issue_core", cycles * kPes / 4}};
  op.busy[matmul ? "matrix_engine" : "vector_engine"] = cycles * kPes * (matmul ? 9 : 3) / 10;
  op.stalls = {{matmul ? "matrix_engine.data" : "vector_engine.data", cycles * kPes / 10},
               {"fabric_load.space", cycles * kPes / 3}};
  op.commands = static_cast<std::int64_t>(cycles / 8);
  op.macs = macs + macs / 50;
  op.useful_macs = macs;
  op.bytes = static_cast<std::int64_t>(cycles * (matmul ? 900 : 2800));
  return op;
}

inline EngineFacts sample_engine(std::int64_t instances, std::uint64_t cycles, double busy,
                                 const std::map<std::string, double>& causes) {
  EngineFacts engine;
  engine.instances = instances;
  const std::uint64_t all = static_cast<std::uint64_t>(instances) * cycles;
  engine.busy = static_cast<std::uint64_t>(busy * double(all));
  engine.idle = all - engine.busy;
  for (const auto& [cause, share] : causes) {
    engine.causes[cause] = static_cast<std::uint64_t>(share * double(all));
    engine.idle -= engine.causes[cause];
  }
  return engine;
}

inline RunFacts sample_run() {
  RunFacts run;
  run.commit = "e7e451d";
  run.program_hash = 0x1234'5678'9abc'def0;
  run.seed = 7;
  run.versions = {{"leto", "0.1.0"}, {"systemc", "2.3.4"}};
  run.chip = load_chip("pilot");
  run.workload = "llama3-8b";
  run.recipe = "optimizer = \"adamw\"\nprecision = \"bf16\"\nlr = 3e-4\n";
  run.steps = 3;
  run.parameters = 8'030'261'248;
  run.sequence = 8192;
  run.tokens_per_step = 8192;
  run.cycles = 120'000'000;
  run.loss = {11.76, 11.31, 10.92};
  constexpr std::int64_t kMacs = 330'000'000'000;
  for (const char* layer : {"layers.0", "layers.1"}) {
    const std::string l(layer);
    for (const auto& [phase, factor] : {std::pair{"forward", 1}, {"backward", 2}}) {
      run.operations.push_back(
          sample_operation(l + ".attention.qkv", "matmul", phase, 2'400'000u * factor, kMacs * factor));
      run.operations.push_back(sample_operation(l + ".attention.scores", "matmul", phase, 1'900'000u * factor,
                                                kMacs * factor / 2));
      run.operations.push_back(
          sample_operation(l + ".attention.softmax", "softmax", phase, 1'700'000u * factor, 0));
      run.operations.push_back(
          sample_operation(l + ".mlp.up", "matmul", phase, 5'200'000u * factor, kMacs * factor * 2));
      run.operations.push_back(
          sample_operation(l + ".mlp.down", "matmul", phase, 5'100'000u * factor, kMacs * factor * 2));
      run.operations.push_back(sample_operation(l + ".norm", "layernorm", phase, 400'000u * factor, 0));
    }
    run.operations.push_back(sample_operation(l + ".adamw", "vector", "optimizer", 3'500'000, 0));
  }
  run.operations.push_back(sample_operation("head", "matmul", "forward", 3'000'000, kMacs));
  run.operations.push_back(sample_operation("loss", "cross_entropy", "loss", 900'000, 0));
  for (const OperationFacts& op : run.operations) run.macs += op.macs;
  run.engines = {
      {"matrix_engine", sample_engine(72, run.cycles, 0.71, {{"data", 0.12}, {"banks", 0.05}})},
      {"reduction_engine", sample_engine(72, run.cycles, 0.18, {{"space", 0.09}})},
      {"vector_engine", sample_engine(72, run.cycles, 0.22, {{"data", 0.14}, {"local_store", 0.03}})},
      {"layout_engine", sample_engine(72, run.cycles, 0.06, {{"local_store", 0.01}})},
      {"fabric_load", sample_engine(72, run.cycles, 0.47, {{"space", 0.28}, {"memory", 0.16}})},
      {"fabric_store", sample_engine(72, run.cycles, 0.19, {{"data", 0.33}, {"memory", 0.07}})},
      {"issue_core", sample_engine(144, run.cycles, 0.31, {{"queue", 0.44}, {"barrier", 0.11}})},
      {"hbm_channel", sample_engine(192, run.cycles, 0.52, {{"refresh", 0.08}, {"turnaround", 0.04}})}};
  run.bytes = {{"hbm", {160'000'000'000, 61'000'000'000}},
               {"sram", {90'000'000'000, 30'000'000'000}},
               {"ls", {2'400'000'000'000, 1'100'000'000'000}}};
  run.memory_fit =
      R"({"hbm":{"bytes_used":41300000000,"bytes":216000000000},"sram":{"bytes_used":0},"note":"fits"})";
  run.wall_s = 93.4;
  run.commands = 41'000'000;
  run.bursts = 6'900'000'000;
  run.kernel_switches = 310'000'000;
  run.peak_rss_bytes = 1'840'000'000;
  return run;
}

}  // namespace leto::study
