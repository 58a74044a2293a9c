// The matrix engine's RTL in lock-step with the model: command by command, every cycle, every bit.
//
// The model computes a command at once; here its cycles are unfolded: when each streamed vector meets each
// held block, and which sums it leaves (isa/ops/matmul_kernel.h, one block at a time). The RTL gets the same
// operands cycle by cycle, and what it answers is compared: s_ready, c_valid and done always; a_index with
// s_ready; c_index and c_data with c_valid; cmd_ready when a command is offered. Cycles that the model loses
// to the local store are cycles without a vector. A command is run when the one after it is known, because
// that one's first held block loads while this one streams.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/twin/blocks.h"
#include "model/twin/command_checker.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

namespace leto::model {

/// A matmul with all it reads and leaves.
struct MatrixRun {
  DType held_type = DType::bf16, stream_type = DType::bf16;
  int m = 0, n = 0, k = 0;
  bool first = true;                        // starts from zero
  std::vector<std::uint16_t> held, stream;  // [m][k], [n][k]: elements as they lie in memory
  std::vector<float> before, after;         // [n][m]: accumulators
  Cycle start = 0, finish = 0;
  Cycle held_ready = 0;                    // since when the held operand is there
  Cycle stall = 0;                         // cycles without a vector …
  int stall_block = -1, stall_vector = 0;  // … before this one; -1: the last block, as the model counts them
  std::string command, operation;          // for the finding

  std::uint64_t cycles() const { return finish - start; }
  std::size_t bytes() const {
    return sizeof *this + 2 * (held.size() + stream.size()) + 4 * (before.size() + after.size());
  }
};

class MatrixChecker final : public ResultChecker<MatrixRun, float> {
 public:
  /// `instance` as --twin names it. Throws Error(unsupported) when this build has no RTL for the engine.
  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  MatrixChecker(const MatrixEngineConfig& engine, const TwinSpec& spec, std::string instance,
                std::uint64_t seed, std::unique_ptr<rtl::Block> block = nullptr);
  ~MatrixChecker() override;

  /// Commands in the order of the engine. Throws Error(mismatch) with the first difference of an earlier one.
  void add(MatrixRun run) override;
  /// Runs the last command: none follows without a gap.
  void flush() override;
  /// The RTL's sums of a command, from an idle engine; nothing is compared.
  std::vector<float> compute(MatrixRun run) override;

  using Log = CommandLog<MatrixRun>;
  const Log& log() const override { return log_; }
  /// Runs a log's commands as the run that left it did.
  void replay(const Log& log) override;

  Comparison& comparison() override { return comparison_; }
  const Comparison& comparison() const { return comparison_; }

 private:
  struct Schedule;

  Cycle cycles_alone(const MatrixRun& run) const;
  void play_alone(MatrixRun run, Cycle start, const MatrixRun* next);

  void play(const MatrixRun& run, const MatrixRun* next);
  void start(const MatrixRun& run, bool following);
  void tick(Schedule& schedule, const MatrixRun* next, Cycle now);
  void offer_command(const MatrixRun& run);
  void offer_held(const MatrixRun& run, int block, int row);
  void offer_vector(const Schedule& schedule);
  void offer_rows(const Schedule& schedule, const MatrixRun* next, Cycle now);
  void took_row(const Schedule& schedule);
  void check_ready(const Schedule& schedule, Cycle now);
  void check_answer(const Schedule& schedule, bool met, Cycle now);
  void check_data(const Schedule& schedule, Cycle now);
  void check_banks(const Schedule& schedule);
  void see_pins(Cycle now);
  void differ(const Schedule& schedule, Cycle now, const std::string& signal, const std::string& model,
              const std::string& rtl);
  void compare(const Schedule& schedule, Cycle now, std::string_view signal, int bits, std::uint64_t model,
               std::uint64_t rtl);

  int lanes_of_block(DType held) const;

  MatrixEngineConfig engine_;
  Comparison comparison_;
  std::unique_ptr<rtl::MatrixEngineRtl> rtl_;
  bool comparing_ = true;

  Log log_;
  bool waiting_ = false;    // the log's newest command: runs when its successor is known
  bool following_ = false;  // it follows the one before it without a gap

  int load_block_ = 0, load_row_ = 0;  // of the command that runs: the next row to offer
  int ahead_row_ = 0;                  // of the first block of the one after it
  std::vector<float> banks_;           // the RTL's sums: [n][rows]
};

}  // namespace leto::model
