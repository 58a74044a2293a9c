// leto bench: how fast the simulator is on this host, beside how fast SystemC is alone.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "apps/host/child.h"
#include "apps/host/output.h"
#include "apps/host/workload.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "model/hbm/patterns.h"
#include "model/kernel/bare_rates.h"
#include "model/simulation.h"

namespace leto::verbs {
namespace {

using nlohmann::json;

struct Flags {
  bool quick = false, json = false;
  int repeat = 0;
};

/// Rates of one measurement, by name.
using Rates = std::map<std::string, double>;

struct Row {
  std::string name;
  Rates rates;  // medians
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Row measure(const std::string& name, int repeat, const std::function<Rates()>& once) {
  std::map<std::string, std::vector<double>> all;
  for (int i = 0; i < repeat; ++i)
    for (const auto& [key, value] : once()) all[key].push_back(value);
  Row row{name, {}};
  for (const auto& [key, values] : all) row.rates[key] = median(values);
  return row;
}

Rates bare(std::uint64_t count) {
  return host::in_child([&] {
    const auto rates = model::measure_bare_rates(count);
    return json{{"threads/s", rates.thread_switches_per_s}, {"methods/s", rates.method_activations_per_s}};
  });
}

Rates simulate(const host::Workload& workload) {
  const json record = host::record_of(workload);
  const json& s = record["simulation"];
  const double wall = std::max(s["wall_s"].get<double>(), 1e-9);
  return {{"MAC/s", s["macs_per_s"]},
          {"cycles/s", s["cycles_per_s"]},
          {"methods/s", s["kernel_switches_per_s"]},
          {"bursts/s", s["bursts"].get<double>() / wall},
          {"wall s", wall}};
}

Rates drive(const char* map, model::Pattern pattern, std::uint64_t bursts) {
  return host::in_child([&] {
    const DramTiming grade = load_dram_timing("hbm3_6400");
    HbmConfig policy = load_chip("pilot").hbm;
    policy.address_map = map;
    const model::ControllerSpec spec(grade, policy);
    const auto result = model::run_pattern(spec, grade.burst_bytes, {pattern, model::Issue::sat, 1, bursts});
    return json{{"bursts/s", static_cast<double>(bursts) / result.host_seconds},
                {"wall s", result.host_seconds}};
  });
}

/// PE 0 alone of a grid of `side` x `side` copies 4 KiB tiles from memory to memory; the others end at once.
/// One router for all, so that the grids differ in what idles. Timed after elaboration.
Rates one_busy_pe(int side, int tiles) {
  const std::string program = fmt::format(
      ".name \"idle grid\"\n.chip \"tiny\"\n"
      ".source \"copy\" kind=\"copy\" phase=\"forward\" useful_macs=0 dtype=\"\"\n.core 0\n"
      "buffer id=b0 base=0 bytes=4096 depth=2\nwhere rd=r1 which=index\nmuli rd=r1 ra=r1 value=-{0}\n"
      "addi rd=r1 ra=r1 value={0}\nset rd=r10 value=4096\nset rd=r11 value=1\nset rd=r12 value=4096\n"
      "set rd=r13 value=1\nset rd=r14 value=0\nset rd=r15 value=4096\nset rd=r3 value=1048576\n"
      "loop count=r1 length=2\nload dst=b0 reserve=1 push=1 address=r0 shape=r10 @0\n"
      "store src=b0 wait=1 pop=1 address=r3 shape=r10 @0\nend\n",
      tiles);
  return host::in_child([&] {
    const ChipConfig chip =
        load_chip("tiny", {fmt::format("pe.rows={}", side), fmt::format("pe.columns={}", side),
                           "noc.cluster_rows=32", "noc.cluster_columns=32"});
    model::RunOptions options;
    options.values = false;
    model::Simulation simulation(isa::assemble(program, "bench"), chip, options);
    const auto begun = std::chrono::steady_clock::now();
    simulation.step();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
    return json{{"cycles/s", static_cast<double>(simulation.statistics().cycles) / wall.count()},
                {"wall s", wall.count()}};
  });
}

struct Simulated {
  const char* name;
  host::Workload workload;
};

std::vector<Simulated> workloads(bool quick) {
  const std::int64_t large = quick ? 1024 : 4096, small = quick ? 256 : 1024;
  const std::int64_t rows = quick ? 1024 : 4096, columns = quick ? 2048 : 8192;
  std::vector<Simulated> all = {{"GEMM, values off", {"gemm", {{"m", large}, {"n", large}, {"k", large}}}},
                                {"GEMM, values on", {"gemm", {{"m", small}, {"n", small}, {"k", small}}}},
                                {"add", {"add", {{"m", rows}, {"n", columns}}}},
                                {"GPT-2 small's step, 1 layer",
                                 {"gpt2-small", {{"batch", 1}, {"seq", quick ? 64 : 256}, {"layers", 1}}}}};
  for (auto& one : all) one.workload.chip = "pilot";
  all[1].workload.values = true;
  all[3].workload.recipe = "optimizer = \"adamw\"\nprecision = \"bf16\"\n";
  return all;
}

std::string sized(const Simulated& one) {
  std::string text = one.name;
  for (const auto& [key, value] : one.workload.settings) text += fmt::format(" {}={}", key, value);
  return text;
}

std::vector<Row> bench(const Flags& flags) {
  const int repeat = flags.repeat > 0 ? flags.repeat : flags.quick ? 1 : 3;
  const std::uint64_t switches = flags.quick ? 200'000 : 2'000'000, bursts = flags.quick ? 50'000 : 1'000'000;
  std::vector<Row> rows = {measure("SystemC alone", repeat, [&] { return bare(switches); })};
  for (const auto& one : workloads(flags.quick))
    rows.push_back(measure(sized(one), repeat, [&] { return simulate(one.workload); }));
  for (const int side : {1, 32})
    rows.push_back(measure(fmt::format("one busy PE of {0} x {0}", side), repeat,
                           [&] { return one_busy_pe(side, flags.quick ? 10'000 : 200'000); }));
  const auto dram = [&](const char* name, const char* map, model::Pattern pattern) {
    rows.push_back(measure(name, repeat, [&] { return drive(map, pattern, bursts); }));
  };
  dram("DRAM, sequential, linear map", "linear", model::Pattern::seq);
  dram("DRAM, sequential, interleaved map", "interleaved", model::Pattern::seq);
  dram("DRAM, two reads a write", "interleaved", model::Pattern::seq21);
  dram("DRAM, random", "linear", model::Pattern::rand);
  return rows;
}

/// Rates in units of what SystemC alone switches threads at: these compare between hosts.
Rates relative(const Row& row, const Row& alone) {
  Rates ratios;
  for (const auto& [key, value] : row.rates)
    if (key.ends_with("/s")) ratios[key] = value / alone.rates.at("threads/s");
  return ratios;
}

json document(const std::vector<Row>& rows) {
  auto all = json::array();
  for (const Row& row : rows)
    all.push_back({{"name", row.name}, {"rates", row.rates}, {"per_thread_switch", relative(row, rows[0])}});
  return {{"rows", all}};
}

void print(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    fmt::print("{}\n", row.name);
    const Rates ratios = relative(row, rows[0]);
    for (const auto& [key, value] : row.rates) {
      if (value == 0) continue;
      fmt::print("  {:<10} {:>10}", key, host::engineering(value));
      if (ratios.contains(key)) fmt::print("   {:>10.4g} a bare thread switch", ratios.at(key));
      fmt::print("\n");
    }
  }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("bench", "measure the simulator's own speed, beside SystemC's alone");
  verb->add_flag("--quick", flags->quick, "small workloads, once each: seconds instead of minutes");
  verb->add_option("--repeat", flags->repeat, "runs of each, of which the median counts (default 3)")
      ->check(CLI::Range(1, 99));
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto bench --quick");
  verb->callback([flags] {
    const auto rows = bench(*flags);
    flags->json ? host::print_json(document(rows)) : print(rows);
  });
}

}  // namespace leto::verbs
