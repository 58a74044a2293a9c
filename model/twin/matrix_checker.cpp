#include "model/twin/matrix_checker.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"
#include "isa/instruction.h"
#include "isa/ops/matmul_kernel.h"
#include "rtl/matrix_engine/matrix_engine_block.h"

namespace leto::model {
namespace {

constexpr float kStale = 1.0f;  // what banks hold before a command that starts from zero: it must not matter
constexpr Cycle kLeast = isa::kBankRows;  // cycles of a block: one row of each tile loads in each

float widened(DType type, std::uint16_t element) {
  const std::uint8_t low = static_cast<std::uint8_t>(element);
  return size_of(type) == 1 ? load_element(type, reinterpret_cast<const std::byte*>(&low), 0)
                            : load_element(type, reinterpret_cast<const std::byte*>(&element), 0);
}

std::string shown(float x) {
  return fmt::format("{:.9g} (0x{:08x})", x, std::bit_cast<std::uint32_t>(x));
}

std::size_t at(int row, int pitch, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(pitch) + static_cast<std::size_t>(column);
}

}  // namespace

/// The model's side of one command: when each vector meets each block, and the sums after each block.
struct MatrixChecker::Schedule {
  Schedule(const MatrixRun& r, int block_lanes)
      : run(r),
        lanes(block_lanes),
        blocks((r.k + block_lanes - 1) / block_lanes),
        length(std::max(static_cast<Cycle>(r.n), kLeast)),
        pitch((r.n + isa::ops::kLanes - 1) / isa::ops::kLanes * isa::ops::kLanes),
        stall_block(r.stall_block < 0 ? blocks - 1 : r.stall_block),
        sums(static_cast<std::size_t>(pitch) * static_cast<std::size_t>(r.m), 0.0f) {
    if (run.first) return;
    for (int j = 0; j < run.n; ++j)
      for (int i = 0; i < run.m; ++i) sums[at(i, pitch, j)] = run.before[at(j, run.m, i)];
  }

  /// In which cycle vector j meets block b.
  Cycle meets(int b, int j) const {
    const bool before_stall = b < stall_block || (b == stall_block && j < run.stall_vector);
    return run.finish - static_cast<Cycle>(blocks - b) * length + static_cast<Cycle>(j) -
           (before_stall ? run.stall : 0);
  }

  void compute_block() {
    const int from = block * lanes, depth = std::min(lanes, run.k - from);
    std::vector<float> held(static_cast<std::size_t>(run.m * depth)),
        panel(static_cast<std::size_t>(depth * isa::ops::kLanes));
    for (int i = 0; i < run.m; ++i)
      for (int k = 0; k < depth; ++k)
        held[at(i, depth, k)] = widened(run.held_type, run.held[at(i, run.k, from + k)]);
    for (int j = 0; j < run.n; j += isa::ops::kLanes) {
      for (int k = 0; k < depth; ++k)
        for (int lane = 0; lane < isa::ops::kLanes; ++lane)
          panel[at(k, isa::ops::kLanes, lane)] =
              j + lane < run.n ? widened(run.stream_type, run.stream[at(j + lane, run.k, from + k)]) : 0.0f;
      for (int i = 0; i < run.m; i += isa::ops::kRows)
        isa::ops::multiply_block({held.data() + i * depth, depth, panel.data(), sums.data() + at(i, pitch, j),
                                  pitch, std::min(isa::ops::kRows, run.m - i), depth},
                                 best_path());
    }
  }

  /// Does the engine wait for a vector? From when the next one would meet its block if it were there.
  bool ready(Cycle now) const {
    if (block >= blocks) return false;
    const bool stalled = block == stall_block && vector == run.stall_vector;
    return now + (stalled ? run.stall : 0) >= meets(block, vector);
  }
  bool meets_now(Cycle now) const { return block < blocks && meets(block, vector) == now; }

  void step() {
    if (++vector < run.n) return;
    vector = 0;
    ++block;
  }

  const MatrixRun& run;
  int lanes, blocks;
  Cycle length;
  int pitch, stall_block;
  std::vector<float> sums;    // [m][pitch]
  int block = 0, vector = 0;  // the next to meet
};

MatrixChecker::MatrixChecker(const MatrixEngineConfig& engine, const TwinSpec& spec, std::string instance,
                             std::uint64_t seed, std::unique_ptr<rtl::Block> block)
    : engine_(engine),
      comparison_(spec, instance, seed),
      rtl_(block ? std::make_unique<rtl::MatrixEngineBlock>(std::move(block))
                 : rtl::make_matrix_engine_rtl(engine)) {
  if (!rtl_ && !rtl::has_rtl())
    throw Error(
        ExitCode::unsupported, fmt::format("--twin {}: this build has no RTL", instance),
        "install Verilator 5.006 or newer and build again (cmake -DLETO_RTL=ON says what is missing)");
  if (!rtl_)
    throw Error(
        ExitCode::unsupported,
        fmt::format("--twin {}: no RTL was built for a matrix engine with tiles = {}, inner_bytes = {}, "
                    "pipeline_cycles = {}, double_rate_8bit = {}",
                    instance, engine.tiles, engine.inner_bytes, engine.pipeline_cycles,
                    engine.double_rate_8bit),
        "run on a chip of arch/chips without changing matrix_engine, or add the chip's file there and build "
        "again");
  rtl_->reset();
}

MatrixChecker::~MatrixChecker() = default;

int MatrixChecker::lanes_of_block(DType held) const {
  return engine_.double_rate_8bit && size_of(held) == 1 ? engine_.inner_bytes : engine_.inner_bytes / 2;
}

void MatrixChecker::add(MatrixRun run) {
  const bool follows = waiting_ && log_.runs.back().finish == run.start;
  if (waiting_ && !follows) play(log_.runs.back(), nullptr);
  if (!follows && log_.is_long()) {
    log_ = {};
    rtl_->reset();
  }
  log_.add(std::move(run), comparison_.place());
  if (follows) play(log_.runs[log_.runs.size() - 2], &log_.runs.back());
  waiting_ = true;
  following_ = follows;
}

void MatrixChecker::flush() {
  if (waiting_) play(log_.runs.back(), nullptr);
  waiting_ = following_ = false;
  comparison_.raise();
}

void MatrixChecker::replay(const Log& log) {
  auto run = log.runs.begin();
  bool follows = false;  // the first compared command follows the one that primed the RTL
  if (log.primed && run != log.runs.end()) {
    const MatrixRun& first = *run++;
    follows = run != log.runs.end() && run->start == first.finish;
    play_alone(first, first.finish - cycles_alone(first), follows ? &*run : nullptr);
  }
  comparison_.go_on(log.from);
  for (; run != log.runs.end(); ++run, follows = false) {
    add(*run);
    following_ |= follows;
  }
  flush();
}

Cycle MatrixChecker::cycles_alone(const MatrixRun& run) const {
  const int lanes = lanes_of_block(run.held_type);
  return static_cast<Cycle>(engine_.pipeline_cycles) + kLeast +
         static_cast<Cycle>((run.k + lanes - 1) / lanes) * std::max(static_cast<Cycle>(run.n), kLeast);
}

// From an idle engine; nothing is compared.
void MatrixChecker::play_alone(MatrixRun run, Cycle start, const MatrixRun* next) {
  run.start = run.held_ready = start;
  run.finish = start + cycles_alone(run);
  run.stall = 0;
  comparing_ = following_ = false;
  play(run, next);
  comparing_ = true;
}

std::vector<float> MatrixChecker::compute(MatrixRun run) {
  play_alone(run, 1, nullptr);
  const int rows = engine_.tiles * isa::kBankRows;
  std::vector<float> result;
  for (int j = 0; j < run.n; ++j)
    for (int i = 0; i < run.m; ++i) result.push_back(banks_[at(j, rows, i)]);
  return result;
}

void MatrixChecker::play(const MatrixRun& run, const MatrixRun* next) {
  Schedule schedule(run, lanes_of_block(run.held_type));
  start(run, following_);
  for (Cycle now = run.start; now < run.finish; ++now) tick(schedule, next, now);
  if (!comparing_) return;
  check_banks(schedule);
  comparison_.count().macs_compared += static_cast<std::uint64_t>(run.m) * static_cast<std::uint64_t>(run.n) *
                                       static_cast<std::uint64_t>(run.k);
}

void MatrixChecker::start(const MatrixRun& run, bool following) {
  const int rows = engine_.tiles * isa::kBankRows;
  banks_.assign(static_cast<std::size_t>(rows) * static_cast<std::size_t>(run.n), kStale);
  for (int j = 0; j < run.n && !run.first; ++j)
    for (int i = 0; i < run.m; ++i) banks_[at(j, rows, i)] = run.before[at(j, run.m, i)];
  load_block_ = following && ahead_row_ == isa::kBankRows ? 1 : 0;
  load_row_ = following && ahead_row_ < isa::kBankRows ? ahead_row_ : 0;
  ahead_row_ = 0;
  if (following) return;
  rtl_->in.h_valid = rtl_->in.s_valid = false;
  offer_command(run);
  rtl_->evaluate();
  rtl_->clock();
}

// One cycle: what the RTL is offered, whether it takes it, and what it answers in the next one.
void MatrixChecker::tick(Schedule& schedule, const MatrixRun* next, Cycle now) {
  rtl::MatrixEngineRtl& rtl = *rtl_;
  const bool meets = schedule.meets_now(now);
  rtl.in.cmd_valid = false;
  if (next && now + 1 == schedule.run.finish) offer_command(*next);
  offer_rows(schedule, next, now);
  rtl.in.s_valid = meets;
  if (meets) offer_vector(schedule);
  rtl.evaluate();
  if (comparing_) check_ready(schedule, now);
  if (rtl.in.h_valid && rtl.out.h_ready) took_row(schedule);
  if (meets && schedule.vector == 0) schedule.compute_block();
  rtl.clock();
  if (comparing_) check_answer(schedule, meets, now + 1);
  if (rtl.out.c_valid && rtl.out.c_index < schedule.run.n)
    std::transform(rtl.out.c_data.begin(), rtl.out.c_data.end(),
                   banks_.begin() + static_cast<std::ptrdiff_t>(rtl.out.c_index) *
                                        static_cast<std::ptrdiff_t>(rtl.out.c_data.size()),
                   [](std::uint32_t bits) { return std::bit_cast<float>(bits); });
  if (meets) schedule.step();
}

void MatrixChecker::offer_command(const MatrixRun& run) {
  auto& in = rtl_->in;
  in.cmd_valid = true;
  in.cmd_held_type = run.held_type;
  in.cmd_stream_type = run.stream_type;
  in.cmd_m = run.m;
  in.cmd_n = run.n;
  in.cmd_k = run.k;
  in.cmd_first = run.first;
}

void MatrixChecker::offer_rows(const Schedule& schedule, const MatrixRun* next, Cycle now) {
  rtl_->in.h_valid = true;
  if (load_block_ < schedule.blocks)
    offer_held(schedule.run, load_block_, load_row_);
  else if (next && now >= next->held_ready && ahead_row_ < isa::kBankRows)
    offer_held(*next, 0, ahead_row_);
  else if (!next && ahead_row_ < isa::kBankRows)
    offer_held(schedule.run, 0, ahead_row_);  // for nobody: an engine that falls idle forgets them
  else
    rtl_->in.h_valid = false;
}

void MatrixChecker::took_row(const Schedule& schedule) {
  if (load_block_ == schedule.blocks) {
    ++ahead_row_;
  } else if (++load_row_ == isa::kBankRows) {
    load_row_ = 0;
    ++load_block_;
  }
}

void MatrixChecker::offer_held(const MatrixRun& run, int block, int row) {
  const int wide = rtl::lanes_of(engine_), lanes = lanes_of_block(run.held_type), from = block * lanes;
  const int depth = std::min(lanes, run.k - from);
  auto& data = rtl_->in.h_data;
  std::fill(data.begin(), data.end(), std::uint16_t{0});
  rtl_->in.h_type = run.held_type;
  for (int t = 0; t < engine_.tiles; ++t)
    if (const int i = t * isa::kBankRows + row; i < run.m)
      std::copy_n(run.held.begin() + static_cast<std::ptrdiff_t>(at(i, run.k, from)), depth,
                  data.begin() + t * wide);
}

void MatrixChecker::offer_vector(const Schedule& schedule) {
  const MatrixRun& run = schedule.run;
  const int from = schedule.block * schedule.lanes, depth = std::min(schedule.lanes, run.k - from);
  auto& in = rtl_->in;
  std::fill(in.s_data.begin(), in.s_data.end(), std::uint16_t{0});
  std::copy_n(run.stream.begin() + static_cast<std::ptrdiff_t>(at(schedule.vector, run.k, from)), depth,
              in.s_data.begin());
  const int rows = engine_.tiles * isa::kBankRows;
  for (int i = 0; i < rows; ++i)
    in.a_data[static_cast<std::size_t>(i)] =
        std::bit_cast<std::uint32_t>(banks_[at(schedule.vector, rows, i)]);
}

void MatrixChecker::compare(const Schedule& schedule, Cycle now, std::string_view signal, int bits,
                            std::uint64_t model, std::uint64_t rtl) {
  if (!comparison_.agrees(now, signal, bits, model, rtl))
    differ(schedule, now, std::string(signal), std::to_string(model), std::to_string(rtl));
}

void MatrixChecker::check_ready(const Schedule& schedule, Cycle now) {
  const auto& out = rtl_->out;
  see_pins(now);
  if (rtl_->in.cmd_valid) compare(schedule, now, "cmd_ready", 1, 1, out.cmd_ready);
  const bool ready = schedule.ready(now);
  compare(schedule, now, "s_ready", 1, ready, out.s_ready);
  if (ready)
    compare(schedule, now, "a_index", 16, static_cast<std::uint64_t>(schedule.vector),
            static_cast<std::uint64_t>(out.a_index));
}

// What follows from the cycle before `now`; `met`: a vector met a block in it.
void MatrixChecker::check_answer(const Schedule& schedule, bool met, Cycle now) {
  const auto& out = rtl_->out;
  comparison_.compares(now);
  compare(schedule, now, "c_valid", 1, met, out.c_valid);
  compare(schedule, now, "done", 1, now == schedule.run.finish, out.done);
  if (!met) return;
  compare(schedule, now, "c_index", 16, static_cast<std::uint64_t>(schedule.vector),
          static_cast<std::uint64_t>(out.c_index));
  check_data(schedule, now);
}

void MatrixChecker::check_data(const Schedule& schedule, Cycle now) {
  for (int i = 0; i < schedule.run.m; ++i) {
    const float model = canonical(schedule.sums[at(i, schedule.pitch, schedule.vector)]);
    std::uint64_t bits = rtl_->out.c_data[static_cast<std::size_t>(i)];
    if (!comparison_.agrees(now, "c_data", 32, std::bit_cast<std::uint32_t>(model), bits, i))
      differ(schedule, now, fmt::format("c_data[{}]", i), shown(model),
             shown(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
  }
  comparison_.count().values_compared += static_cast<std::uint64_t>(schedule.run.m);
}

// What is not compared: what the RTL was given, and which held rows it takes.
void MatrixChecker::see_pins(Cycle now) {
  TwinWindow* window = comparison_.window(now);
  if (!window) return;
  const auto& in = rtl_->in;
  const auto put = [&](const char* name, int bits, auto value) {
    window->put(now, std::string("rtl.") + name, bits, static_cast<std::uint64_t>(value));
  };
  const auto put_all = [&](const char* name, int bits, const auto& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      window->put(now, fmt::format("rtl.{}_{}", name, i), bits, values[i]);
  };
  put("cmd_valid", 1, in.cmd_valid);
  put("cmd_ready", 1, rtl_->out.cmd_ready);
  put("cmd_m", 16, in.cmd_m);
  put("cmd_n", 16, in.cmd_n);
  put("cmd_k", 16, in.cmd_k);
  put("cmd_first", 1, in.cmd_first);
  put("cmd_held_type", 3, in.cmd_held_type);
  put("cmd_stream_type", 3, in.cmd_stream_type);
  put("h_valid", 1, in.h_valid);
  put("h_ready", 1, rtl_->out.h_ready);
  put("s_valid", 1, in.s_valid);
  if (in.h_valid) put_all("h_data", 16, in.h_data);
  if (!in.s_valid) return;
  put_all("s_data", 16, in.s_data);
  put_all("a_data", 32, in.a_data);
}

// The unfolded model against what the PE's engine left in its banks.
void MatrixChecker::check_banks(const Schedule& schedule) {
  const MatrixRun& run = schedule.run;
  for (int j = 0; j < run.n; ++j)
    for (int i = 0; i < run.m; ++i) {
      const float unfolded = canonical(schedule.sums[at(i, schedule.pitch, j)]),
                  left = run.after[at(j, run.m, i)];
      if (std::bit_cast<std::uint32_t>(unfolded) != std::bit_cast<std::uint32_t>(left))
        differ(schedule, run.finish, fmt::format("banks[{}][{}]", i, j), shown(left),
               "as unfolded " + shown(unfolded));
    }
}

void MatrixChecker::differ(const Schedule& schedule, Cycle now, const std::string& signal,
                           const std::string& model, const std::string& rtl) {
  const MatrixRun& run = schedule.run;
  const int block = std::min(schedule.block, schedule.blocks - 1), vector = schedule.vector;
  std::vector<std::string> last;
  for (int k = block * schedule.lanes; k < std::min(run.k, block * schedule.lanes + 4); ++k)
    last.push_back(fmt::format("{:.6g}", widened(run.stream_type, run.stream[at(vector, run.k, k)])));
  comparison_.differ(now, signal, model, rtl,
                     {run.command, run.operation,
                      fmt::format("m {} n {} k {} {} x {}, cycles {} to {}, vector {} of block {} of {}",
                                  run.m, run.n, run.k, name_of(run.held_type), name_of(run.stream_type),
                                  run.start, run.finish, vector, block, schedule.blocks),
                      fmt::format("stream {}, ...", fmt::join(last, " "))});
}

}  // namespace leto::model
