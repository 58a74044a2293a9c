// The back half of the compiler, in the order it runs: graph rewrites, kernels, addresses, instructions.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/errors.h"
#include "compiler/arrange.h"
#include "compiler/check_values.h"
#include "compiler/compiler.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/tunables.h"
#include "compiler/ops.h"
#include "compiler/passes/decompose.h"
#include "compiler/passes/expand_attention.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/merge_embeds.h"
#include "compiler/passes/pin_rows.h"
#include "compiler/passes/sink_transposes.h"
#include "compiler/row_plan.h"

namespace leto::compiler {
namespace {

struct Pass {
  const char* name;
  Graph (*run)(const Graph&, const ChipConfig&);
};

/// A pass that does not ask what chip it is for.
template <Graph (*run)(const Graph&)>
Graph any_chip(const Graph& graph, const ChipConfig&) {
  return run(graph);
}

// Adding a graph pass: its file in passes/, one line here, one test.
constexpr Pass kPasses[] = {
    {"expand_attention", expand_attention},
    {"decompose", any_chip<decompose>},
    {"merge_embeds", any_chip<merge_embeds>},
    {"fold", any_chip<fold>},
    {"sink_transposes", any_chip<sink_transposes>},
    {"common_subexpressions", any_chip<common_subexpressions>},
    {"dead_code", any_chip<dead_code>},
};

constexpr const char* kPinRows = "pin_rows";     // runs before them, where the options ask for it
constexpr const char* kRecompute = "recompute";  // runs after them, where the recipe asks for it

isa::Role host_role(const Graph& graph, ValueId v) {
  if (v == graph.loss) return isa::Role::loss;
  switch (graph.value(v).role) {
    case Role::input:
      return isa::Role::input;
    case Role::parameter:
      return isa::Role::parameter;
    case Role::state:
      return isa::Role::state;
    case Role::constant:
      return isa::Role::constant;
    case Role::intermediate:
      return isa::Role::output;
  }
  return isa::Role::scratch;
}

// Weights that a model file holds go into the program up to this size of all of them together; a larger
// model's are read from the model, or given by name.
constexpr std::int64_t kCarriedBytes = std::int64_t{64} << 20;

bool carries_weights(const Graph& graph) {
  std::int64_t bytes = 0;
  for (const Value& value : graph.values)
    if (value.role != Role::constant) bytes += std::int64_t(value.data.size()) * size_of(value.type.dtype);
  return bytes <= kCarriedBytes;
}

std::vector<std::byte> content(const Value& value) {
  std::vector<std::byte> bytes(value.data.size() * std::size_t(size_of(value.type.dtype)));
  store_elements(value.type.dtype, value.data.data(), bytes.data(), std::int64_t(value.data.size()));
  return bytes;
}

std::optional<isa::Draw> draw_of(const Value& value) {
  if (!value.drawn) return std::nullopt;
  return isa::Draw{value.mean, value.deviation};
}

// Is it these indices, or an input that is planned from them?
bool follows(const Graph& graph, ValueId v, ValueId index) {
  if (v == index) return true;
  const auto planned = planned_input(graph.value(v).name);
  return planned && planned->index_input == graph.value(index).name;
}

// Does every user of these indices take a negative one for none?
bool is_ragged(const Graph& graph, ValueId index) {
  bool used = false;
  for (const Node& node : graph.nodes) {
    if (std::none_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId v) { return follows(graph, v, index); }))
      continue;
    const bool skips = is_bag(node.op) || node.op == Op::sort_lookups || node.integer("padding") != 0;
    if (!skips) return false;
    used = true;
  }
  return used;
}

std::vector<isa::Tensor> memory_map(const Graph& graph, const Lowered& lowered) {
  std::vector<isa::Tensor> tensors;
  const bool weights = carries_weights(graph);
  for (ValueId v = 0; v < ValueId(graph.values.size()); ++v) {
    const StorageId id = lowered.storage_of[std::size_t(v)];
    if (id < 0 || !lowered.storages[std::size_t(id)].pinned || lowered.storages[std::size_t(id)].value != v)
      continue;
    const Value& value = graph.value(v);
    const bool carried = weights || value.role == Role::constant || elements(value.type) == 1;
    tensors.push_back({value.name, host_role(graph, v), value.type.dtype, value.type.shape,
                       lowered.storages[std::size_t(id)].address, value.limit,
                       carried ? content(value) : std::vector<std::byte>(), draw_of(value),
                       value.limit > 0 && is_ragged(graph, v)});
  }
  return tensors;
}

std::vector<isa::Source> source_map(const Lowered& lowered) {
  std::vector<isa::Source> sources;
  const auto live = live_bytes(lowered);
  for (std::size_t i = 0; i < live.size(); ++i) {
    const Kernel& k = lowered.kernels[i];
    const auto dtype = product_dtype(k);
    sources.push_back({k.name, std::string(kind_of(k)), std::string(name_of(k.phase)), k.useful_macs,
                       dtype ? std::string(name_of(*dtype)) : std::string(), live[i].hbm, live[i].sram});
  }
  return sources;
}

/// "softmax fp16 4096x1024" of a model of one operator, "matmul bf16 MxNxK" of a product with one matrix of
/// weights; else empty.
std::string kernel_text(const Graph& graph) {
  if (graph.nodes.size() != 1) return "";
  const Node& node = graph.nodes[0];
  const auto& type = graph.value(node.output).type;
  if (node.inputs.empty() || type.shape.empty() || elements(type) == 0) return "";
  const auto& a = graph.value(node.inputs[0]).type;
  const std::int64_t columns = type.shape.back(), rows = elements(type) / columns;
  std::string text = fmt::format("{} {} {}x{}", name_of(node.op), name_of(a.dtype), rows, columns);
  if (node.op != Op::matmul) return text;
  if (graph.value(node.inputs[1]).type.shape.size() != 2) return "";
  return fmt::format("{}x{}", text, elements(a) / rows);
}

/// What a step exchanges with other chips, each way, and in how many exchanges.
std::string sharding_text(const Lowered& lowered, const Options& options) {
  if (options.shards < 2) return "";
  std::int64_t bytes = 0, exchanges = 0;
  for (const Kernel& kernel : lowered.kernels)
    if (const auto* k = std::get_if<ExchangeKernel>(&kernel.body)) bytes += k->bytes, ++exchanges;
  return fmt::format(R"(,"shards":{},"shard_by":"{}","exchanges":{},"exchanged":{})", options.shards,
                     name_of(options.shard_by), exchanges, bytes);
}

std::string fit_text(const MemoryFit& fit, const std::string& sharding) {
  return fmt::format(
      R"({{"hbm_pinned":{},"hbm_peak":{},"hbm_capacity":{},"sram_peak":{},"sram_capacity":{},"largest":"{}"{}}})",
      fit.hbm_pinned, fit.hbm_peak, fit.hbm_capacity, fit.sram_peak, fit.sram_capacity, fit.peak_holder,
      sharding);
}

void show(const Options& options, const char* pass, const Graph& graph) {
  if (options.print_after == pass || options.print_after == "all")
    fmt::print(stderr, "// after {}\n{}", pass, print(graph));
}

void check_pass(const std::string& name) {
  std::string known = "all";
  for (const auto& pass : kPasses) {
    if (name == pass.name) return;
    known += fmt::format(", {}", pass.name);
  }
  known += fmt::format(", {}, {}", kPinRows, kRecompute);
  if (!name.empty() && name != "all" && name != kRecompute && name != kPinRows)
    throw Error(ExitCode::usage, fmt::format("there is no pass '{}'", name), "use one of: " + known);
}

}  // namespace

std::string_view name_of(ShardBy by) {
  return by == ShardBy::table ? "table" : by == ShardBy::row ? "row" : "column";
}

Graph primitives(const Graph& step, const ChipConfig& chip, const Options& options) {
  check_pass(options.print_after);
  check_pass(options.stop_after);
  ValueCheck check(step, options);
  Graph graph = step;
  if (options.pinned_rows > 0) {
    graph = pin_rows(graph, chip, options.pinned_rows);
    verify(graph, kPinRows);
    show(options, kPinRows, graph);
    check.after(kPinRows, graph);
  }
  for (const auto& pass : kPasses) {
    graph = pass.run(graph, chip);
    verify(graph, pass.name);
    show(options, pass.name, graph);
    check.after(pass.name, graph);
    if (options.stop_after == pass.name) break;
  }
  return graph;
}

namespace {

/// Everything that the chip has no operation for, in one error.
void refuse_what_the_chip_lacks(const Graph& graph) {
  std::map<std::string_view, std::set<std::string>> lacking;  // operation -> nodes
  for (const Node& node : graph.nodes) {
    if (facts(node.op).chip != OnChip::engine) {
      lacking[name_of(node.op)].insert(node.name);
    }
  }
  if (lacking.empty()) {
    return;
  }
  std::string list;
  for (const auto& [op, nodes] : lacking) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", op, fmt::join(nodes, ", "));
  }
  throw Error(ExitCode::unsupported, "operations that the chip does not have: " + list,
              "choose another formulation of the model; docs/operators.md lists what the chip has");
}

/// Names recompute where it would have helped.
[[noreturn]] void does_not_fit(const Error& e, const Graph& graph, const ChipConfig& chip,
                               std::int64_t budget, const Options& options) {
  const auto peak = memory_peak(recompute_to_fit(graph, chip, budget, options), chip, options);
  if (peak > budget) throw e;
  throw Error(
      e.code(), e.what(),
      fmt::format("set recompute = true in the recipe (then {} bytes are enough), or {}", peak, e.remedy()));
}

/// The graph that the recipe's memory budget asks for.
Graph within_budget(const Graph& graph, const ChipConfig& chip, const Recipe& recipe,
                    const Options& options) {
  if (!recipe.recompute) return graph;
  ValueCheck check(graph, options);
  const Graph smaller = recompute_to_fit(graph, chip, memory_budget(chip, recipe), options);
  verify(smaller, kRecompute);
  show(options, kRecompute, smaller);
  check.after(kRecompute, smaller);
  return smaller;
}

Arranged arrange_for(const Graph& graph, const ChipConfig& chip, const Recipe& recipe,
                     const Options& options) {
  try {
    Arranged arranged = arrange(graph, chip, options);
    const std::int64_t budget = memory_budget(chip, recipe);
    if (arranged.fit.hbm_peak > budget)
      throw Error(ExitCode::does_not_fit,
                  fmt::format("the step takes {} bytes of device memory, memory_budget is {}",
                              arranged.fit.hbm_peak, budget),
                  "raise memory_budget, split the batch (micro_batches in the recipe), or use a smaller "
                  "batch or sequence");
    return arranged;
  } catch (const Error& e) {
    if (e.code() != ExitCode::does_not_fit || recipe.recompute || options.resident != Resident::none) throw;
    does_not_fit(e, graph, chip, memory_budget(chip, recipe), options);
  }
}

}  // namespace

isa::Program lower(const Graph& step, const ChipConfig& chip, const Recipe& recipe, const Options& options) {
  return lower(step, chip, recipe, options, Tuning{});
}

isa::Program lower(const Graph& step, const ChipConfig& chip, const Recipe& recipe, const Options& options,
                   const Tuning& tuning) {
  const Graph kept = primitives(step, chip, options);
  refuse_what_the_chip_lacks(kept);
  const Graph graph = within_budget(kept, chip, recipe, options);
  const auto [lowered, repeats, fit] = arrange_for(graph, chip, recipe, options);
  if (lowered.kernels.size() >= std::size_t{1} << isa::kSourceBits)
    throw Error(ExitCode::unsupported,
                fmt::format("{} kernels are more than a source id can name", lowered.kernels.size()),
                "split the model");
  isa::Program program;
  program.name = graph.name;
  program.chip = chip.name;
  program.seed = recipe.seed;
  program.tokens = graph.tokens;
  program.kernel = kernel_text(step);
  program.recipe = recipe.text;
  program.memory_fit = fit_text(fit, sharding_text(lowered, options));
  program.sources = source_map(lowered);
  program.tensors = memory_map(graph, lowered);
  const Choices choices =
      tuning.choose ? tuning.choose(tunables(lowered, chip, tuning.candidates)) : Choices();
  emit_all(lowered, repeats, chip, choices, program.code);
  return program;
}

}  // namespace leto::compiler
