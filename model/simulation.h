// The simulator as its users see it: a program on a chip, step by step. No SystemC type leaks out of here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "model/kernel/what_if.h"
#include "model/twin/spec.h"

namespace leto::model {

class EngineSocket;
class MemorySocket;
class Observer;

/// How a program is turned into time. event: command by command on bandwidths (model/event); values must be off,
/// and nothing be recorded or come from outside.
enum class Detail : std::uint8_t { full, event };

struct RunOptions {
  Detail detail = Detail::full;
  bool values = true;
  WhatIf what_if;
  /// Order in which the chip's processes and instances are constructed: results must not depend on it (tests
  /// permute it).
  std::uint64_t construction_seed = 0;
  /// Called while the chip is built, if it is not empty: binds a TLM-2.0 target to the socket (model/tlm),
  /// which takes the place of the chip file's device memory.
  std::function<void(MemorySocket&)> outside_memory;
  /// The same for a TLM-2.0 initiator: an engine beside the PEs that reads and writes memory through the fabric.
  std::function<void(EngineSocket&)> outside_engine;
  /// Called about once a second of host time with the simulated cycles so far; may be empty.
  std::function<void(std::uint64_t cycles, std::int64_t commands)> progress;
  /// Called within a step, many times a second of host time, when nothing is half done: state() may be
  /// called.
  std::function<void()> at_rest;
  std::filesystem::path trace;       // file to leave a Perfetto trace in (model/trace); empty: none
  std::filesystem::path waves;       // file to leave waves in (model/waves); empty: none
  std::vector<std::string> signals;  // which: names with * and ?
  /// Kernels, segments of kernels and layers that do what others did are counted, not simulated (model/reuse); values must be off, and
  /// nothing be recorded.
  bool reuse = false;
  int verify_reuse = 0;              // so many of them are simulated all the same, drawn by `seed`
  std::vector<TwinSpec> twins;       // RTL in the place of engines, or beside them (model/twin)
  std::uint64_t seed = 0;            // of the run, for a twin's finding
  Observer* observer = nullptr;      // hears of everything (model/kernel/observer.h); may be null
};

/// Cycles of one engine kind, summed over its instances: busy + every cause + idle = instances * cycles.
struct EngineAccount {
  int instances = 0;
  std::uint64_t busy = 0, idle = 0;
  std::map<std::string, std::uint64_t>
      causes;  // "data", "space", "issue", "local_store", "memory", "barrier", …
};

/// The same for one graph operation (source id): engine-cycles billed to it.
struct OperationAccount {
  std::uint64_t first_cycle = 0, last_cycle = 0;   // begin of its first, end of its last command
  std::map<std::string, std::uint64_t> busy;       // engine -> cycles
  std::map<std::string, std::uint64_t> stalls;     // "engine.cause" -> cycles
  std::int64_t commands = 0, macs = 0, bytes = 0;  // bytes: to and from memory, a multicast once
};

/// What was counted in the place of being simulated (model/reuse).
struct Reused {
  std::uint64_t cycles = 0;                // of trips that took after others
  std::int64_t trips = 0;                  // of layer loops
  std::int64_t kernels = 0;                // that did what others had done
  std::int64_t segments = 0;               // of other kernels
  double bound = 0;                        // share of all cycles that the last two trips before differed by, times trips
  std::int64_t verified = 0;               // trips that were simulated after all …
  double worst = 0;                        // … and the largest difference of one, a share of its cycles
};

struct Statistics {
  std::uint64_t cycles = 0;                      // PE clock, launch included, all steps so far
  std::map<std::string, EngineAccount> engines;  // "matrix_engine", "vector_engine", … and "issue_core"
  std::vector<OperationAccount> operations;      // by source id
  struct Traffic {
    std::uint64_t read = 0, write = 0;
  };                                                  // bytes on the memory's bus, whole bursts
  std::map<std::string, std::uint64_t> counters;      // events inside the blocks: docs/counters.md
  std::map<std::string, Traffic> bytes;               // "hbm", "sram", "ls", "noc"
  std::map<std::string, std::int64_t> macs_by_dtype;  // executed, by operand type
  std::int64_t macs = 0, commands = 0, instructions = 0, bursts = 0;
  std::map<std::string, TwinCount> twins;  // by instance
  Reused reused;
  std::uint64_t kernel_switches = 0;       // steps of the chip's processes
};

/// One chip and one program; SystemC allows one of these a process.
class Simulation {
 public:
  /// Throws Error(illegal_program, does_not_fit) when the program cannot run on this chip.
  Simulation(const isa::Program& program, const ChipConfig& chip, const RunOptions& options);
  ~Simulation();

  /// Memory as the host sees it: write inputs before a step, read outputs after it. With values off only
  /// index inputs need to be there.
  isa::Memory& memory();

  /// Runs the program once more, from launch to the last core's end. Throws Error(deadlock) with the wait-for
  /// graph, Error(illegal_program) on a race or a broken rule.
  void step();

  /// Puts the recordings that the options asked for in place; a deadlock does so itself. No step may follow.
  /// Returns a line for each that had to stop early.
  std::vector<std::string> publish();

  /// Of all steps so far.
  const Statistics& statistics() const;

  /// All that changes, memory with it (base/snapshot.h): between two steps, or at_rest within one, which
  /// step() then goes on with once it is loaded. Loaded into another simulation of the same program, chip and
  /// options, it makes the same of it. Error(unsupported) when a part of the run keeps its state elsewhere.
  void state(Snapshot& s);
  /// Has a step been begun, and not ended?
  bool within_step() const;
  /// At_rest within a step, which then cannot go on: what there is up to here. Commands under way count as
  /// idle.
  const Statistics& break_off();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leto::model
