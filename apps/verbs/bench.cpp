// leto bench: how fast the simulator is on this host, beside how fast SystemC is alone.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>

#include <unistd.h>

#include "apps/host/child.h"
#include "apps/host/output.h"
#include "apps/host/workload.h"
#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "base/files.h"
#include "leto_version.h"
#include "model/hbm/patterns.h"
#include "model/kernel/bare_rates.h"
#include "model/simulation.h"

namespace leto::verbs {
namespace {

using nlohmann::json;

struct BenchFlags {
  bool quick = false, full = false, json = false;
  int repeat = 0;
  std::vector<std::string> only;
  std::string history;
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
  std::string name;
  host::Workload workload;
};

using Settings = decltype(host::Workload::settings);

/// A size for seconds, one for minutes, and the one that the product is judged by.
struct Sizes {
  Settings quick, usual, full;
  const Settings& of(const BenchFlags& flags) const { return flags.quick ? quick : flags.full ? full : usual; }
};

Settings cube(std::int64_t side) {
  return {{"m", side}, {"n", side}, {"k", side}};
}

std::vector<Simulated> workloads(const BenchFlags& flags) {
  const Sizes gemm{cube(1024), cube(4096), cube(4096)}, values{cube(256), cube(1024), cube(1024)};
  const Sizes add{{{"m", 1024}, {"n", 2048}}, {{"m", 4096}, {"n", 8192}}, {{"m", 16384}, {"n", 32768}}};
  const Sizes attention{
      {{"batch", 1}, {"seq", 256}}, {{"batch", 1}, {"seq", 2048}}, {{"batch", 1}, {"seq", 8192}}};
  const Sizes gpt2{{{"batch", 1}, {"seq", 64}, {"layers", 1}},
                   {{"batch", 1}, {"seq", 256}, {"layers", 1}},
                   {{"batch", 8}, {"seq", 1024}, {"layers", 12}}};
  const Sizes llama{{{"batch", 1}, {"seq", 64}, {"layers", 1}},
                    {{"batch", 1}, {"seq", 512}, {"layers", 1}},
                    {{"batch", 1}, {"seq", 8192}, {"layers", 1}}};
  std::vector<Simulated> all = {{"GEMM, values off", {"gemm", gemm.of(flags)}},
                                {"GEMM, values on", {"gemm", values.of(flags)}},
                                {"add", {"add", add.of(flags)}},
                                {"attention", {"attention", attention.of(flags)}},
                                {"GPT-2 small's step", {"gpt2-small", gpt2.of(flags)}},
                                {"Llama-3-8B's step", {"llama3-8b", llama.of(flags)}}};
  for (Simulated& one : all) {
    one.workload.chip = "pilot";
    one.workload.values = one.name == "GEMM, values on";
    if (one.name.ends_with("step")) one.workload.recipe = "optimizer = \"adamw\"\nprecision = \"bf16\"\n";
  }
  return all;
}

std::string sized(const Simulated& one) {
  std::string text = one.name;
  for (const auto& [key, value] : one.workload.settings) text += fmt::format(" {}={}", key, value);
  return text;
}

/// What --only takes: names of the zoo, and two groups.
const std::vector<std::string> kGroups = {"gemm",      "add",  "attention", "gpt2-small",
                                          "llama3-8b", "grid", "dram"};

std::vector<Row> bench(const BenchFlags& flags) {
  const int repeat = flags.repeat > 0 ? flags.repeat : flags.quick ? 1 : 3;
  const std::uint64_t switches = flags.quick ? 200'000 : 2'000'000, bursts = flags.quick ? 50'000 : 1'000'000;
  const auto wanted = [&](const std::string& group) {
    return flags.only.empty() || std::ranges::find(flags.only, group) != flags.only.end();
  };
  std::vector<Row> rows = {measure("SystemC alone", repeat, [&] { return bare(switches); })};
  for (const auto& one : workloads(flags))
    if (wanted(one.workload.name))
      rows.push_back(measure(sized(one), repeat, [&] { return simulate(one.workload); }));
  if (wanted("grid"))
    for (const int side : {1, 32})
      rows.push_back(measure(fmt::format("one busy PE of {0} x {0}", side), repeat,
                             [&] { return one_busy_pe(side, flags.quick ? 10'000 : 200'000); }));
  const auto dram = [&](const char* name, const char* map, model::Pattern pattern) {
    if (wanted("dram")) rows.push_back(measure(name, repeat, [&] { return drive(map, pattern, bursts); }));
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

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Lines of JSON more at the end of the file, one a row.
void add_to_history(const std::filesystem::path& file, const std::vector<Row>& rows) {
  std::string text = std::filesystem::exists(file) ? read_text(file) : "";
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%FT%TZ", &utc);
  for (const Row& row : rows)
    text +=
        json{{"date", date.data()},  {"commit", LETO_COMMIT}, {"host", host_name()},
             {"workload", row.name}, {"rates", row.rates},    {"per_thread_switch", relative(row, rows[0])}}
            .dump() +
        "\n";
  write_atomically(file, text);
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
  auto flags = std::make_shared<BenchFlags>();
  auto* verb = app.add_subcommand("bench", "measure the simulator's own speed, beside SystemC's alone");
  auto* quick =
      verb->add_flag("--quick", flags->quick, "small workloads, once each: seconds instead of minutes");
  verb->add_flag("--full", flags->full,
                 "the sizes that the simulator is judged by: GPT-2 small's whole step, a layer of Llama-3-8B "
                 "at 8192 "
                 "tokens")
      ->excludes(quick);
  verb->add_option("--only", flags->only, "of these alone: " + fmt::format("{}", fmt::join(kGroups, ", ")))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(kGroups));
  verb->add_option(
      "--history", flags->history,
      "add a line of JSON a row to this file: date, commit, host, workload, rates and their ratios");
  verb->add_option("--repeat", flags->repeat, "runs of each, of which the median counts (default 3)")
      ->check(CLI::Range(1, 99));
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer(
      "example:\n  leto bench --quick --history bench.jsonl\n  leto bench --full --only gemm,add --repeat 1");
  verb->callback([flags] {
    const auto rows = bench(*flags);
    if (!flags->history.empty()) add_to_history(flags->history, rows);
    flags->json ? host::print_json(document(rows)) : print(rows);
  });
}

}  // namespace leto::verbs
