// The flags that verbs share. Apart from job.cpp: CLI11 is the heaviest header here.
#include <CLI/CLI.hpp>

#include "apps/host/job.h"

namespace leto::host {

void JobFlags::add_model(CLI::App& verb) {
  verb.add_option("input", input, "model.onnx, or a compiled step.prog")->required();
  verb.add_option(
          "--bind,--dim", bind,
          "NAME=N: the size of a dimension that the model leaves open; may be repeated (a recipe's batch "
          "binds 'batch')")
      ->allow_extra_args(false);
  verb.add_option("--train", train, "training recipe (TOML); without one the model runs forward");
  verb.add_option("--resident", resident, "what is in shared SRAM from the start: none, activations or all")
      ->check(CLI::IsMember({"none", "activations", "all"}));
  verb.add_option(
          "--pin-rows", pinned_rows,
          "of every embedding table, its N rows that the step looks up most: copied into scratch SRAM")
      ->check(CLI::Range(0, 1 << 20));
  verb.add_option("--shards", shards,
                  "chips that embedding tables are divided over: one chip's share runs, the model's batch being "
                  "each chip's own, and the exchange of pooled rows takes the links' time")
      ->check(CLI::Range(1, 65536));
  verb.add_option("--shard-by", shard_by, "what is divided: whole tables, or each table's rows or columns")
      ->check(CLI::IsMember({"table", "row", "column"}));
  verb.add_option("--print-after", print_after, "print the graph after this pass (or 'all') on stderr");
  verb.add_flag("--unroll", unroll,
                "code of its own for every layer: by default the layers that are alike share one loop");
  verb.add_option(
          "--autotune", tune.candidates,
          "simulate the N best candidates of the cost model for every kernel alone, and take the fastest")
      ->check(CLI::Range(2, 64));
  verb.add_option("--tune-db", tune.database,
                  "file that keeps what --autotune measured; without --autotune it is only read");
  verb.add_option("--jobs", tune.jobs,
                  "simulations of --autotune at a time (default 1); no result depends on it")
      ->check(CLI::Range(1, 256));
  verb.add_flag("--check-values", check_values,
                "compute the graph before and after every pass, and name the first pass and result that "
                "differ; for small models: it takes minutes for large ones");
}

void JobFlags::add_chip(CLI::App& verb) {
  verb.add_option("--chip", chip, "a preset (leto chips) or a chip file (default pilot)");
  verb.add_option("--set", set, "section.key=value: changes one key of the chip; may be repeated")
      ->allow_extra_args(false);
}

void JobFlags::add_seed(CLI::App& verb) {
  verb.add_option("--seed", seed,
                  "of everything drawn: weights, inputs, batches (default: the recipe's, or 1)");
}

}  // namespace leto::host
