// The compiler as its users see it: a model in, a program out. Read pipeline.cpp first.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "arch/chip_config.h"
#include "compiler/graph.h"
#include "isa/program.h"

namespace leto::compiler {

enum class Optimizer : std::uint8_t { none, sgd, momentum, adagrad, adamw };
/// How the rows of looked-up tables are updated (passes/sparse_optimizer.h).
enum class TableOptimizer : std::uint8_t { sgd, adagrad, adam };
enum class Precision : std::uint8_t { fp32, bf16, fp8 };
enum class Loss : std::uint8_t { own, cross_entropy, mse, sum };

/// The training recipe (TOML). Without one a model runs forward.
struct Recipe {
  Optimizer optimizer = Optimizer::none;
  std::optional<TableOptimizer>
      table_optimizer;             // of tables that are looked up; none: follows from `optimizer`
  std::optional<double> table_lr;  // none: lr
  Loss loss = Loss::own;
  Precision precision = Precision::bf16;
  double lr = 1e-3, momentum = 0.9, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  std::int64_t warmup = 0;          // steps over which lr rises linearly to its value; 0 = none
  double clip_norm = 0;             // gradients are scaled down to this norm over all parameters; 0 = never
  double loss_scale = 1;            // gradients are computed of the loss times this, and divided by it …
  bool dynamic_loss_scale = false;  // … where the scale starts, if it follows from overflows
  std::int64_t loss_scale_period = 2000;  // good steps in a row after which it doubles
  std::int64_t micro_batches = 1;         // of a step: gradients of one after the other are averaged
  bool recompute = false;          // the backward pass makes again what the memory budget does not hold
  std::int64_t memory_budget = 0;  // bytes of device memory that a step may take; 0 = all the chip has
  std::int64_t batch =
      0;  // samples of a step, when the model leaves it open or `data` is read; 0 = the model's
  std::int64_t steps = 1;
  std::string data;  // data set in traces/: "digits"; empty = inputs from --inputs or drawn from the seed
  std::uint64_t seed = 1;
  std::string text;  // the recipe as written
};
/// Throws Error(bad_input) with file:line on unknown, duplicate or nonsensical keys.
Recipe load_recipe(const std::filesystem::path& path);

enum class Resident : std::uint8_t { none, activations, all };

/// How embedding tables are divided over chips (passes/shard_tables.h).
enum class ShardBy : std::uint8_t { table, row, column };
std::string_view name_of(ShardBy by);

/// Sizes for open dimensions: by their symbol, unnamed ones by "<input>.<axis>", leading ones also by
/// "batch". A dimension that stays open is Error(bad_input) naming it.
using Bindings = std::map<std::string, std::int64_t>;
using Values = std::map<std::string, std::vector<float>>;  // contents by value name

struct ImportOptions {
  Bindings bindings;
  /// Contents of inputs. One that decides a shape (a Reshape's target) or must be known for another reason is
  /// taken from here: the graph then holds for these numbers alone. The others are not looked at.
  Values given;
  /// false: weights of two or more dimensions that lie in files beside the model are not read.
  bool weights = true;
};
/// ONNX (docs/operators.md) to graph. Throws Error(bad_input) on a damaged file, Error(unsupported) listing
/// every unsupported operator with its node names.
Graph import_onnx(const std::filesystem::path& path, const ImportOptions& options = {});
Graph import_onnx(const std::filesystem::path& path, const Bindings& bindings);
/// The manual page of the operators (docs/operators.md), from the tables that import and the graph work from.
std::string operator_manual();

struct Options {
  Resident resident = Resident::none;
  std::string print_after;  // pass name, "all" or empty
  std::string stop_after;
  bool check_values = false;  // hold every graph pass against the graph before it (check_values.h)
  std::int64_t pinned_rows =
      0;                    // of every embedding table, its most popular ones: copied into SRAM (pin_rows.h)
  std::int64_t shards = 1;  // chips that embedding tables are divided over; the program is one chip's share
  ShardBy shard_by = ShardBy::row;
  bool unroll = false;  // every layer gets code of its own, no loops over alike ones
};

/// Forward graph to training-step graph: loss, backward, optimizer, updates (identity when `recipe` trains
/// nothing).
Graph training_step(const Graph& forward, const Recipe& recipe, const Options& options = {});

/// The graph passes of the back half (pipeline.cpp): after them only primitives remain, and attention where
/// the chip has room for its kernels.
Graph primitives(const Graph& step, const ChipConfig& chip, const Options& options);

/// Lowers a step graph to a program for a chip. Throws Error(does_not_fit, unsupported).
isa::Program lower(const Graph& step, const ChipConfig& chip, const Recipe& recipe, const Options& options);

/// The reference interpreter: every value of the graph in fp32 arithmetic, stored in its own type. `inputs`
/// by value name; parameters, state and constants that it does not hold start from reference/initial.h.
/// Returns outputs and loss by name, and for each update the new content under its state's name
/// (reference/trainer.h runs steps).
Values evaluate(const Graph& graph, const Values& inputs);
/// The same formulas in fp64, floats of every type unrounded: what gradients and fp32 results are checked
/// against.
using WideValues = std::map<std::string, std::vector<double>>;
WideValues evaluate_wide(const Graph& graph, const WideValues& inputs);

}  // namespace leto::compiler
