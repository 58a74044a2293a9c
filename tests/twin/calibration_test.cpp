// The times of the engines, the vector lookup and the SRAM bank in the RTL (timing_table.h).
#include "model/matrix_engine/matrix_engine.h"
#include "model/reduction_engine/reduction_engine.h"
#include "model/sram/sram.h"
#include "model/vector_engine/vector_engine.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"
#include "tests/twin/timing_table.h"

using namespace leto;
using namespace leto::model;
using namespace leto::model::timing;

namespace {

// ---- reduction engine ----

using isa::Opcode;

/// Cycles of one command from an idle engine; its output or input waits `stall` cycles before the first beat.
std::int64_t reduction_cycles(rtl::Block& block, Opcode op, DType type, int count, int stall) {
  const auto set = [&](const char* name, std::uint32_t v) { *block.pin(pin(block, name)) = v; };
  const auto get = [&](const char* name) { return *block.pin(pin(block, name)); };
  const bool reads = op == Opcode::fill || op == Opcode::merge;
  block.reset();
  set("cmd_valid", 1);
  set("cmd_op", static_cast<std::uint32_t>(op));
  set("cmd_dst_type", static_cast<std::uint32_t>(type));
  set("cmd_count", static_cast<std::uint32_t>(count));
  block.evaluate();
  block.clock();
  set("cmd_valid", 0);
  for (int cycle = 1; cycle < kLongest; ++cycle) {
    const bool stopped = stall > 0 && (reads || get("d_valid") || get("p_valid"));
    if (stopped) --stall;
    for (const char* name : {"f_valid", "g_valid", "d_ready", "p_ready"}) set(name, !stopped);
    block.evaluate();
    block.clock();
    if (get("done")) return cycle;
  }
  return -1;
}

std::vector<Point> reduction_sweep(const ChipConfig& chip) {
  const auto block = rtl::make_block("reduction_engine", chip);
  const ReductionEngine engine(chip.reduction_engine);
  std::vector<Point> points;
  const std::pair<Opcode, std::string> ops[] = {
      {Opcode::drain, "drain"}, {Opcode::fill, "fill"}, {Opcode::pass, "pass"}, {Opcode::merge, "merge"}};
  for (const auto& [op, name] : ops) {
    const int step = op == Opcode::pass ? chip.reduction_engine.link_bytes_per_cycle / 4
                                        : chip.reduction_engine.elements_per_cycle;
    const bool stalls = op != Opcode::merge && op != Opcode::pass;  // those two wait for a neighbour instead
    for (const DType type :
         op == Opcode::drain ? std::vector{DType::fp32, DType::bf16, DType::e4m3} : std::vector{DType::fp32})
      for (const int n : {1, 2, 5, 17, 32})
        for (const int columns : {1, 3, 31, 32})
          for (const int stall : stalls ? std::vector{0, 1, 7} : std::vector{0}) {
            isa::Command command;
            command.opcode = op;
            command.shape = {n, columns};
            if (op == Opcode::drain) command.value[isa::drain_t::dst_type] = static_cast<int>(type);
            const int count = n * columns;
            points.push_back({name, std::int64_t{(count + step - 1) / step + stall},
                              reduction_cycles(*block, op, type, count, stall),
                              static_cast<std::int64_t>(engine.work(command).cycles) + stall, count});
          }
  }
  return points;
}

// ---- matrix engine ----

struct Matmul {
  int m, n, k;
  DType type;
};

isa::Command command_of(const Matmul& x) {
  isa::Command command;
  command.opcode = Opcode::matmul;
  command.shape = {x.m, x.n, x.k};
  command.value[isa::matmul_t::held_type] = command.value[isa::matmul_t::stream_type] =
      static_cast<int>(x.type);
  return command;
}

/// Cycles of two equal commands, the second right behind the first; `stall` cycles without a vector before
/// the first one.
std::pair<std::int64_t, std::int64_t> matrix_cycles(rtl::MatrixEngineRtl& engine, const Matmul& x,
                                                    int stall) {
  engine.reset();
  auto& in = engine.in;
  in.cmd_valid = in.cmd_first = in.h_valid = true;
  in.cmd_held_type = in.cmd_stream_type = in.h_type = x.type;
  in.cmd_m = x.m, in.cmd_n = x.n, in.cmd_k = x.k;
  std::fill(in.h_data.begin(), in.h_data.end(), std::uint16_t{0});
  std::fill(in.s_data.begin(), in.s_data.end(), std::uint16_t{0});
  std::fill(in.a_data.begin(), in.a_data.end(), 0U);
  in.s_valid = false;
  engine.evaluate();
  engine.clock();
  std::int64_t first = 0;
  for (int cycle = 1; cycle < kLongest; ++cycle) {
    const bool stopped = stall > 0 && engine.out.s_ready;
    if (stopped) --stall;
    in.s_valid = !stopped;
    engine.evaluate();
    engine.clock();
    if (!engine.out.done) continue;
    if (first) return {first, cycle - first};
    first = cycle;
    in.cmd_valid = false;
  }
  return {-1, -1};
}

std::vector<Point> matrix_sweep(const ChipConfig& chip) {
  const auto rtl = rtl::make_matrix_engine_rtl(chip.matrix_engine);
  std::vector<Point> points;
  for (const DType type : {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2})
    for (const int m : {1, 33, 64})
      for (const int n : {1, 31, 32, 33, 64})
        for (const int k : {1, 15, 16, 17, 32, 65, 200})
          for (const int stall : {0, 5}) {
            if (stall && (m != 64 || n < 32)) continue;
            const Matmul x{m, n, k, type};
            const isa::Command command = command_of(x);
            MatrixEngine engine(chip.matrix_engine);
            const auto first = static_cast<std::int64_t>(engine.work(command, 0, 0).cycles) + stall;
            engine.started(command, 0, static_cast<Cycle>(first));
            const auto second =
                static_cast<std::int64_t>(engine.work(command, static_cast<Cycle>(first), 0).cycles);
            const auto [rtl_first, rtl_second] = matrix_cycles(*rtl, x, stall);
            const int lanes = size_of(type) == 1 && chip.matrix_engine.double_rate_8bit
                                  ? chip.matrix_engine.inner_bytes
                                  : chip.matrix_engine.inner_bytes / 2;
            const std::int64_t streamed = std::int64_t{(k + lanes - 1) / lanes} * std::max(n, 32);
            points.push_back({"idle before", streamed + stall, rtl_first, first, std::int64_t{m} * n * k});
            points.push_back({"follows", streamed, rtl_second, second, std::int64_t{m} * n * k});
          }
  return points;
}

// ---- vector lookup ----

struct Lookups {
  int rows, columns;
  bool dense;
};

isa::Command command_of(const Lookups& x, DType type) {
  isa::Command command;
  command.opcode = Opcode::vector;
  command.value[isa::vector_t::op] = static_cast<int>(isa::VectorOp::reciprocal);
  command.value[isa::vector_t::dst_type] = command.value[isa::vector_t::a_type] = static_cast<int>(type);
  const int pitch = (x.dense ? x.columns : x.columns + 1) * size_of(type);
  command.shape = {x.rows, x.columns, pitch, pitch};
  return command;
}

/// Cycles until the last of `beats` is out, without a gap before the first; that one waits `stall` cycles.
std::int64_t lookup_cycles(rtl::Block& block, DType type, const std::vector<int>& beats, int stall) {
  const auto set = [&](const char* name, std::uint32_t v) { *block.pin(pin(block, name)) = v; };
  const auto get = [&](const char* name) { return *block.pin(pin(block, name)); };
  block.reset();
  set("x_op", static_cast<std::uint32_t>(isa::VectorOp::reciprocal));
  set("x_type", static_cast<std::uint32_t>(type));
  std::size_t in = 0, out = 0;
  for (int cycle = 1; cycle < kLongest; ++cycle) {
    const bool stopped = stall > 0 && get("y_valid");
    if (stopped) --stall;
    set("x_valid", in < beats.size());
    if (in < beats.size()) set("x_count", static_cast<std::uint32_t>(beats[in]));
    set("y_ready", !stopped);
    block.evaluate();
    if (in < beats.size() && get("x_ready")) ++in;
    if (get("y_valid") && !stopped && ++out == beats.size()) return cycle;
    block.clock();
  }
  return -1;
}

std::vector<Point> lookup_sweep(const ChipConfig& chip) {
  const auto block = rtl::make_block("vector_lookup", chip);
  const int rate = chip.vector_engine.elements_per_cycle;
  const VectorEngine engine(chip.vector_engine);
  std::vector<Point> points;
  for (const DType type : {DType::fp32, DType::bf16})
    for (const Lookups& x : {Lookups{1, 1, true}, {1, rate, true}, {3, rate + 1, true}, {3, rate + 1, false}})
      for (const int stall : {0, 3}) {
        std::vector<int> beats;
        const int row = x.dense ? x.rows * x.columns : x.columns;
        for (int left = x.rows * x.columns; left > 0; left -= beats.back())
          beats.push_back(std::min(rate, (left - 1) % row + 1));
        const auto charged = static_cast<std::int64_t>(engine.work(command_of(x, type)).cycles) + stall;
        points.push_back({"lookup", static_cast<std::int64_t>(beats.size()) + stall,
                          lookup_cycles(*block, type, beats, stall), charged, x.rows * x.columns});
      }
  return points;
}

// ---- SRAM bank ----

/// Cycles from the first of `count` requests, which come one a cycle, to the answer to the last.
std::int64_t bank_cycles(rtl::Block& block, BankPort port, int bytes, int count) {
  const auto index = static_cast<int>(port);
  const int size_bits = block.ports()[static_cast<std::size_t>(pin(block, "q_bytes"))].bits / kBankPorts;
  block.reset();
  block.set(pin(block, "q_bytes"), static_cast<std::uint64_t>(bytes) << (index * size_bits));
  int asked = 0, answered = 0;
  for (int cycle = 0; cycle < kLongest; ++cycle) {
    block.set(pin(block, "q_valid"), asked < count ? std::uint64_t{1} << index : 0);
    block.evaluate();
    if (asked < count && (block.value(pin(block, "q_ready")) >> index & 1)) ++asked;
    const bool answer = writes(port)
                            ? block.value(pin(block, "a_valid")) != 0
                            : block.value(pin(block, "r_valid")) && block.value(pin(block, "r_last"));
    if (answer && ++answered == count) return cycle;
    block.clock();
  }
  return -1;
}

std::vector<Point> bank_sweep(const ChipConfig& chip) {
  const auto block = rtl::make_block("sram_bank", chip);
  const int width = chip.sram.bank_bytes_per_cycle,
            most = std::max(chip.sram.line_bytes, chip.sram.interleave_bytes);
  std::vector<Point> points;
  for (const auto& [port, name] : {std::pair{BankPort::load, "load"},
                                   {BankPort::store, "store"},
                                   {BankPort::fill, "fill"},
                                   {BankPort::write_back, "write-back"}})
    for (const int bytes : {1, width - 1, width, width + 1, most / 2, most})
      for (const int count : {1, 2, 12}) {
        if (count > 1 && bytes % width != 0) continue;  // the model's bank goes on within a cycle
        Sram sram(chip.sram, chip.pe.clock_mhz);
        std::int64_t charged = 0;
        for (int i = 0; i < count; ++i)
          charged =
              static_cast<std::int64_t>(writes(port) ? sram.write(port, 0, bytes, static_cast<Cycle>(i))
                                                     : sram.read(port, 0, bytes, static_cast<Cycle>(i)));
        points.push_back({name, std::int64_t{(bytes + width - 1) / width} * count,
                          bank_cycles(*block, port, bytes, count), charged, bytes});
      }
  return points;
}

}  // namespace

TEST_CASE("twin: the vector lookup's time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"}) sweeps[chip] = lookup_sweep(load_chip(chip));
  check_table("vector_lookup", "beat", sweeps);
}

TEST_CASE("twin: the SRAM bank's time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"}) sweeps[chip] = bank_sweep(load_chip(chip));
  check_table("sram_bank", "beat", sweeps);
}

TEST_CASE("twin: the reduction engine's time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"}) sweeps[chip] = reduction_sweep(load_chip(chip));
  check_table("reduction_engine", "beat", sweeps);
}

TEST_CASE("twin: the matrix engine's time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"}) sweeps[chip] = matrix_sweep(load_chip(chip));
  check_table("matrix_engine", "vector", sweeps);
}
