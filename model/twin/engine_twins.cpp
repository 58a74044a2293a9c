#include "model/twin/engine_twins.h"

#include <bit>
#include <cstring>

#include "isa/ops/ops.h"
#include "model/twin/log.h"

namespace leto::model {
namespace {

using isa::matmul_t;
using isa::Opcode;

std::vector<std::uint16_t> elements(const isa::Command& matmul, isa::PeState& pe, int index) {
  const auto i = static_cast<std::size_t>(index);
  const std::byte* data = pe.at(isa::operands_of(matmul).item[i], isa::footprint(matmul, index));
  const int width = size_of(matmul.dtype(index == 0 ? int{matmul_t::held_type} : int{matmul_t::stream_type}));
  const std::int64_t rows = matmul.shape[i], k = matmul.shape[2], pitch = matmul.shape[i + 3];
  std::vector<std::uint16_t> all;
  all.reserve(static_cast<std::size_t>(rows * k));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t e = 0; e < k; ++e) {
      const std::byte* from = data + row * pitch + e * width;
      const auto low = std::to_integer<unsigned>(from[0]);
      all.push_back(
          static_cast<std::uint16_t>(width == 1 ? low : low | std::to_integer<unsigned>(from[1]) << 8));
    }
  return all;
}

float& sum(const isa::Command& matmul, isa::PeState& pe, int i, int j) {
  return *isa::ops::accumulator_row(pe, static_cast<int>(matmul[matmul_t::bank]), matmul.shape[1], i, j);
}

std::vector<float> sums(const isa::Command& matmul, isa::PeState& pe) {
  std::vector<float> all;
  for (int j = 0; j < matmul.shape[1]; ++j)
    for (int i = 0; i < matmul.shape[0]; ++i) all.push_back(sum(matmul, pe, i, j));
  return all;
}

std::vector<std::int64_t> sums_of(const isa::Command& matmul) {
  return {matmul[matmul_t::bank], matmul.shape[0], matmul.shape[1]};
}

// Is a command for the RTL, which has it (`offered`) or not? One without work takes no time and reaches no
// engine. `cost`: MACs, or elements where there are none.
bool looks(Comparison& comparison, const EngineTwin::Timing& timing, bool offered, std::int64_t cost) {
  if (timing.start == timing.finish) return false;
  if (!offered) ++comparison.count().commands_left_out;
  return offered && (!comparison.checks() || comparison.wants(timing.start, timing.finish, cost));
}

// The elements of a reduce command, by rows: f(accumulator, place in the order of rows).
template <class F>
void each_element(const isa::Command& command, isa::PeState& pe, F f) {
  const int bank = isa::banks_of(command).first;
  const std::int64_t m = command.shape[0], n = command.shape[1];
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      f(*isa::ops::accumulator_row(pe, bank, n, i, j), static_cast<std::size_t>(i * n + j));
}

std::vector<std::uint32_t> banks(const isa::Command& command, isa::PeState& pe) {
  std::vector<std::uint32_t> all(static_cast<std::size_t>(command.shape[0] * command.shape[1]));
  each_element(command, pe, [&](float& x, std::size_t at) { all[at] = std::bit_cast<std::uint32_t>(x); });
  return all;
}

std::vector<std::uint32_t> bits_of(const std::vector<float>& from) {
  std::vector<std::uint32_t> all(from.size());
  std::memcpy(all.data(), from.data(), from.size() * sizeof(float));
  return all;
}

// The tile of a drain or fill: f(pointer to the element, place in the order of rows), elements of `width`
// bytes.
template <class F>
void each_byte_of(const isa::Command& command, isa::PeState& pe, int width, F f) {
  std::byte* tile = pe.at(isa::operands_of(command).item[0], isa::footprint(command, 0));
  const std::int64_t m = command.shape[0], n = command.shape[1], pitch = command.shape[2];
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) f(tile + i * pitch + j * width, static_cast<std::size_t>(i * n + j));
}

std::vector<std::uint32_t> tile(const isa::Command& command, isa::PeState& pe, int width) {
  std::vector<std::uint32_t> all(static_cast<std::size_t>(command.shape[0] * command.shape[1]));
  each_byte_of(command, pe, width, [&](const std::byte* from, std::size_t at) {
    std::memcpy(&all[at], from, static_cast<std::size_t>(width));
  });
  return all;
}

// The RTL's result in the place of the model's.
void put(const std::vector<std::uint32_t>& result, const isa::Command& command, isa::PeState& pe,
         isa::Partials& outgoing) {
  if (command.opcode == Opcode::drain) {
    const int width = size_of(command.dtype(isa::drain_t::dst_type));
    each_byte_of(command, pe, width, [&](std::byte* to, std::size_t at) {
      std::memcpy(to, &result[at], static_cast<std::size_t>(width));
    });
  } else if (command.opcode == Opcode::pass) {
    std::memcpy(outgoing.values.data(), result.data(), result.size() * sizeof(float));
  } else {
    each_element(command, pe, [&](float& x, std::size_t at) { x = std::bit_cast<float>(result[at]); });
  }
}

}  // namespace

MatrixTwin::MatrixTwin(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                       std::uint64_t seed, const isa::Program& program)
    : program_(program),
      checker_(matrix_commands(chip, spec, instance, seed, block_in_lock_step(spec))),
      keeps_sums_(spec.foreign && !spec.foreign->by_cycle() && keeps_sums(spec.foreign->stream())) {}

void MatrixTwin::before(const isa::Command& matmul, isa::PeState& pe, const isa::Partials&,
                        const Timing& timing) {
  const auto& shape = matmul.shape;
  run_ = {};
  run_.held_type = matmul.dtype(matmul_t::held_type);
  run_.stream_type = matmul.dtype(matmul_t::stream_type);
  run_.m = static_cast<int>(shape[0]);
  run_.n = static_cast<int>(shape[1]);
  run_.k = static_cast<int>(shape[2]);
  run_.first = matmul[matmul_t::first] != 0;
  wanted_ = false;
  const bool typed = checker_->offers(run_);
  if (typed && !run_.first && keeps_sums_ && !given_ && sums_ == sums_of(matmul))
    return;  // not sampled either
  const bool offered = typed && (run_.first || goes_on(matmul, pe));
  wanted_ = looks(checker_->comparison(), timing, offered, std::int64_t{shape[0]} * shape[1] * shape[2]);
  given_ = wanted_;
  sums_ = offered ? sums_of(matmul) : std::vector<std::int64_t>{};
  if (!wanted_) return;
  capture(matmul, pe, timing);
}

// Where a foreign block keeps its sums it is given what goes on with them only right behind what it goes on
// from, and not when a fill has put others there.
bool MatrixTwin::goes_on(const isa::Command& matmul, isa::PeState& pe) const {
  return !keeps_sums_ || (given_ && sums_ == sums_of(matmul) && left_ == bits_of(sums(matmul, pe)));
}

void MatrixTwin::capture(const isa::Command& matmul, isa::PeState& pe, const Timing& timing) {
  run_.held = elements(matmul, pe, 0);
  run_.stream = elements(matmul, pe, 1);
  if (!run_.first) run_.before = sums(matmul, pe);
  run_.start = timing.start;
  run_.finish = timing.finish;
  run_.held_ready = timing.held_ready;
  run_.stall = timing.stall;
  run_.command = isa::describe(matmul);
  run_.operation = operation_of(matmul, program_);
}

void MatrixTwin::after(const isa::Command& matmul, isa::PeState& pe, isa::Partials&) {
  if (!wanted_) return;
  run_.after = sums(matmul, pe);
  if (checker_->comparison().checks())
    checker_->add(std::move(run_));
  else
    replace(matmul, pe);
  if (keeps_sums_) left_ = bits_of(sums(matmul, pe));
}

void MatrixTwin::replace(const isa::Command& matmul, isa::PeState& pe) {
  ++checker_->comparison().count().commands_replaced;
  const std::vector<float> result = checker_->compute(std::move(run_));
  auto next = result.begin();
  for (int j = 0; j < matmul.shape[1]; ++j)
    for (int i = 0; i < matmul.shape[0]; ++i) sum(matmul, pe, i, j) = *next++;
}

void MatrixTwin::log(TwinLog& log) const {
  log.commands = checker_->log();
}

void ReductionTwin::log(TwinLog& log) const {
  log.commands = checker_->log();
}

void ReductionTwin::before(const isa::Command& command, isa::PeState& pe, const isa::Partials& incoming,
                           const Timing& timing) {
  run_ = {};
  run_.op = command.opcode;
  if (run_.op == Opcode::drain) run_.type = command.dtype(isa::drain_t::dst_type);
  run_.count = static_cast<int>(command.shape[0] * command.shape[1]);
  wanted_ = looks(checker_->comparison(), timing, checker_->offers(run_), run_.count);
  if (!wanted_) return;
  if (run_.op == Opcode::fill)
    run_.incoming = tile(command, pe, size_of(DType::fp32));
  else
    run_.banks = banks(command, pe);
  if (run_.op == Opcode::merge) run_.incoming = bits_of(incoming.values);
  run_.start = timing.start;
  run_.finish = timing.finish;
  run_.stall = timing.stall;
  run_.command = isa::describe(command);
  run_.operation = operation_of(command, program_);
}

void ReductionTwin::after(const isa::Command& command, isa::PeState& pe, isa::Partials& outgoing) {
  if (!wanted_) return;
  if (run_.op == Opcode::drain)
    run_.result = tile(command, pe, size_of(run_.type));
  else if (run_.op == Opcode::pass)
    run_.result = bits_of(outgoing.values);
  else
    run_.result = banks(command, pe);
  if (checker_->comparison().checks()) return checker_->add(std::move(run_));
  ++checker_->comparison().count().commands_replaced;
  put(checker_->compute(std::move(run_)), command, pe, outgoing);
}

}  // namespace leto::model
