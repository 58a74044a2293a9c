// The matrix engine's RTL against the model's block: random sequences of commands, every cycle and every bit.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <map>
#include <random>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "model/matrix_engine/matrix_engine.h"
#include "model/twin/matrix_checker.h"

using namespace leto;
using namespace leto::model;

namespace {

constexpr std::array<DType, 4> kTypes = {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2};

/// Random matmuls as the PE would start them; counts what kinds came.
class Programs {
 public:
  Programs(const MatrixEngineConfig& engine, std::uint64_t seed)
      : config_(engine), engine_(engine), random_(seed) {}

  MatrixRun next() {
    MatrixRun run;
    run.held_type = kTypes[static_cast<std::size_t>(below(4))];
    run.stream_type = below(3) == 0 ? kTypes[static_cast<std::size_t>(below(4))] : run.held_type;
    run.m = 1 + below(below(2) ? 64 : 4);
    run.n = 1 + below(below(4) ? 8 : 70);
    run.k = 1 + below(below(4) ? 24 : 150);
    run.first = below(3) != 0;
    if (run.n > 32) note("n above 32");
    if (run.held_type != run.stream_type) note("mixed types");
    note(std::string(name_of(run.held_type)));
    fill(run);
    time(run);
    return run;
  }

  std::map<std::string, int> arms;

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  void note(const std::string& arm) { ++arms[arm]; }

  std::uint16_t element(DType type, bool wild) {
    const auto mask = static_cast<std::uint16_t>(size_of(type) == 1 ? 0xff : 0xffff);
    if (zeros_) return static_cast<std::uint16_t>(below(2) << (8 * size_of(type) - 1));  // +0 and -0
    if (wild)
      return static_cast<std::uint16_t>(random_() & mask);  // any bits: NaN, infinities, subnormals, -0
    const float x = static_cast<float>(below(2001) - 1000) / 256.0f;
    std::uint16_t bits = 0;
    store_element(type, reinterpret_cast<std::byte*>(&bits), 0, x);
    return bits;
  }

  void fill(MatrixRun& run) {
    const int kind = below(8);
    const auto wild = [&] { return kind == 0 || (kind == 1 && below(16) == 0); };
    zeros_ = kind == 2;
    if (zeros_) note("signed zeros");
    if (kind < 2) note("any bits");
    for (int i = 0; i < run.m * run.k; ++i) run.held.push_back(element(run.held_type, wild()));
    for (int i = 0; i < run.n * run.k; ++i) run.stream.push_back(element(run.stream_type, wild()));
    if (!run.first) {
      note("goes on");
      for (int i = 0; i < run.m * run.n; ++i)
        run.before.push_back(wild() ? std::bit_cast<float>(static_cast<std::uint32_t>(random_()))
                                    : float_from_bf16(element(DType::bf16, false)));
    }
    reference(run);
  }

  // The contract itself: a chain of fused multiply-adds in ascending k.
  static void reference(MatrixRun& run) {
    const auto at = [&](const std::vector<std::uint16_t>& from, DType type, int row, int k) {
      std::uint16_t bits = from[static_cast<std::size_t>(row * run.k + k)];
      return load_element(type, reinterpret_cast<const std::byte*>(&bits), 0);
    };
    for (int j = 0; j < run.n; ++j)
      for (int i = 0; i < run.m; ++i) {
        float sum = run.first ? 0.0f : run.before[static_cast<std::size_t>(j * run.m + i)];
        for (int k = 0; k < run.k; ++k)
          sum = std::fmaf(at(run.held, run.held_type, i, k), at(run.stream, run.stream_type, j, k), sum);
        run.after.push_back(canonical(sum));
      }
  }

  // When it starts and ends is the model's to say.
  void time(MatrixRun& run) {
    isa::Command matmul;
    matmul.opcode = isa::Opcode::matmul;
    matmul.shape = {run.m, run.n, run.k, 0, 0, 0};
    matmul.value[isa::matmul_t::held_type] = static_cast<std::int64_t>(run.held_type);
    matmul.value[isa::matmul_t::stream_type] = static_cast<std::int64_t>(run.stream_type);
    const bool gap = below(3) == 0;
    run.start = finish_ + (gap ? 1 + static_cast<Cycle>(below(50)) : 0);
    run.held_ready = run.start - std::min(run.start, static_cast<Cycle>(below(60)));
    if (below(3) == 0) run.stall = static_cast<Cycle>(1 + below(40));
    const Cycle cycles = engine_.work(matmul, run.start, run.held_ready).cycles;
    run.finish = run.start + cycles + run.stall;
    engine_.started(matmul, run.start, run.finish);
    note(gap ? "after a gap" : "follows");
    if (!gap && run.held_ready + 32 > run.start) note("load shows");
    if (run.stall) note("stalled");
    const int lanes = config_.double_rate_8bit && size_of(run.held_type) == 1 ? config_.inner_bytes
                                                                              : config_.inner_bytes / 2;
    if (run.k > lanes) note("several blocks");
    if (run.stall && below(2)) {
      run.stall_block = below((run.k + lanes - 1) / lanes);
      run.stall_vector = below(run.n);
      note("stalled anywhere");
    }
    finish_ = run.finish;
  }

  MatrixEngineConfig config_;
  MatrixEngine engine_;
  std::mt19937 random_;
  Cycle finish_ = 100;
  bool zeros_ = false;
};

void check_programs(const std::string& chip, int count, std::uint64_t seed) {
  const MatrixEngineConfig engine = load_chip(chip).matrix_engine;
  MatrixChecker checker(engine, {"", TwinMode::check, 1, {}}, chip, seed);
  Programs programs(engine, seed);
  for (int i = 0; i < count; ++i) checker.add(programs.next());
  checker.flush();
  CHECK(checker.comparison().count().mismatches == 0);
  CHECK(checker.comparison().count().cycles_compared > static_cast<std::uint64_t>(count) * 32);
  for (const char* arm : {"bf16", "fp16", "fp8_e4m3", "fp8_e5m2", "mixed types", "any bits", "signed zeros",
                          "goes on", "n above 32", "after a gap", "follows", "load shows", "stalled",
                          "stalled anywhere", "several blocks"})
    CHECK_MESSAGE(programs.arms[arm] * 50 > count, arm, " ", programs.arms[arm]);
  MESSAGE(chip << ": " << count << " commands, " << checker.comparison().count().cycles_compared
               << " cycles, " << checker.comparison().count().values_compared << " values, "
               << checker.comparison().count().macs_compared << " MACs");
}

/// Has this build RTL to compare? Without it (LETO_RTL=OFF, no Verilator) a checker is refused.
bool is_built() {
  if (rtl::has_rtl()) return true;
  MESSAGE("this build has no RTL (LETO_RTL)");
  try {
    const MatrixChecker checker(load_chip("tiny").matrix_engine, {"", TwinMode::check, 1, {}}, "x", 1);
    FAIL_CHECK("a checker without RTL");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::unsupported);
  }
  return false;
}

}  // namespace

TEST_CASE("twin: random commands differ in no bit and no cycle") {
  if (!is_built()) return;
  check_programs("tiny", 1000, 1);
  check_programs("pilot", 1000, 2);
}

TEST_CASE("twin: a fault in each signal is found where it was planted") {
  if (!is_built()) return;
  const MatrixEngineConfig engine = load_chip("tiny").matrix_engine;
  for (const auto signal : kMatrixSignals) {
    MatrixChecker checker(engine, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 500}}, "x",
                          3);
    Programs programs(engine, 3);
    std::string found;
    try {
      for (int i = 0; i < 60; ++i) checker.add(programs.next());
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      found = error.what();
    }
    CHECK_MESSAGE(found.find(std::string(" ") + std::string(signal)) != std::string::npos, signal, ": ",
                  found);
    CHECK(checker.comparison().count().cycles_compared >= 500);
    CHECK(checker.comparison().count().mismatches == 1);
  }
}

TEST_CASE("twin: a cycle too many or too few is found") {
  if (!is_built()) return;
  const MatrixEngineConfig engine = load_chip("tiny").matrix_engine;
  for (const int by : {-1, 1}) {
    MatrixChecker checker(engine, {"", TwinMode::check, 1, {}}, "x", 4);
    Programs programs(engine, 4);
    MatrixRun run = programs.next();
    run.finish += static_cast<Cycle>(by);
    checker.add(run);
    CHECK_THROWS_AS(checker.flush(), Error);
  }
}
