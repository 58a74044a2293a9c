// What a verb works on: a model compiled for a chip, or a program read from a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/host/tune.h"
#include "arch/chip_config.h"
#include "compiler/compiler.h"
#include "isa/program.h"

namespace CLI {
class App;
}

namespace leto::host {

/// Flags that compile, interp and run share.
struct JobFlags {
  std::string input;              // model.onnx or step.prog
  std::string chip;               // empty: the program's own, or pilot
  std::vector<std::string> set;   // section.key=value
  std::vector<std::string> bind;  // NAME=N: sizes of dimensions that the model leaves open
  std::string train;              // recipe file; empty: forward only
  std::string resident = "none";
  std::int64_t pinned_rows = 0;
  std::int64_t shards = 1;
  std::string shard_by = "row";
  std::string print_after, stop_after;
  bool check_values = false;
  bool unroll = false;
  TuneOptions tune;
  std::optional<std::uint64_t> seed;
  // Set by the verb: does anybody compute with the weights? Absent: if the recipe reads data.
  std::optional<bool> weights = true;

  void add_model(CLI::App& verb);  // input, --bind (--dim), --train, --resident, --print-after, --unroll, --autotune
  void add_chip(CLI::App& verb);   // --chip, --set
  void add_seed(CLI::App& verb);   // --seed
};

struct Job {
  ChipConfig chip;
  compiler::Recipe recipe;
  std::optional<compiler::Graph> forward, step;  // absent for a program file
  isa::Program program;

  std::uint64_t seed() const { return recipe.seed; }
};

/// Reads and compiles; a `.prog` file is only read (a recipe with it is Error(usage)). With `stop_after` the
/// graph is printed after that pass and there is no program.
Job make_job(const JobFlags& flags);

/// Compiles the forward graph alone, as evaluation needs it.
isa::Program forward_program(const Job& job);

}  // namespace leto::host
