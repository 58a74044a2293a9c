#include "model/twin/twins.h"

#include "base/errors.h"
#include "isa/ops/ops.h"
#include "model/waves/signals.h"

namespace leto::model {
namespace {

using isa::matmul_t;

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

}  // namespace

void MatrixTwin::before(const isa::Command& matmul, isa::PeState& pe, const Timing& timing) {
  const bool empty = timing.start == timing.finish;
  if (checker_.count().mode == TwinMode::check && !empty)
    wanted_ = checker_.wants(timing.start, timing.finish);
  else
    wanted_ = !empty;
  if (wanted_) capture(matmul, pe, timing);
}

void MatrixTwin::capture(const isa::Command& matmul, isa::PeState& pe, const Timing& timing) {
  run_ = {};
  run_.held_type = matmul.dtype(matmul_t::held_type);
  run_.stream_type = matmul.dtype(matmul_t::stream_type);
  run_.m = static_cast<int>(matmul.shape[0]);
  run_.n = static_cast<int>(matmul.shape[1]);
  run_.k = static_cast<int>(matmul.shape[2]);
  run_.first = matmul[matmul_t::first] != 0;
  run_.held = elements(matmul, pe, 0);
  run_.stream = elements(matmul, pe, 1);
  if (!run_.first) run_.before = sums(matmul, pe);
  run_.start = timing.start;
  run_.finish = timing.finish;
  run_.held_ready = timing.held_ready;
  run_.stall = timing.stall;
  run_.command = isa::describe(matmul);
  run_.operation =
      matmul.source < program_.sources.size() ? program_.sources[matmul.source].operation : "no operation";
}

void MatrixTwin::after(const isa::Command& matmul, isa::PeState& pe) {
  if (!wanted_) return;
  if (checker_.count().mode == TwinMode::check) {
    run_.after = sums(matmul, pe);
    checker_.add(std::move(run_));
    return;
  }
  const std::vector<float> result = checker_.compute(std::move(run_));
  auto next = result.begin();
  for (int j = 0; j < matmul.shape[1]; ++j)
    for (int i = 0; i < matmul.shape[0]; ++i) sum(matmul, pe, i, j) = *next++;
}

Twins::Twins(const std::vector<TwinSpec>& specs, const ChipConfig& chip, const isa::Program& program,
             bool values, std::uint64_t seed) {
  for (const TwinSpec& spec : specs) {
    if (!values && spec.mode != TwinMode::model)
      throw Error(ExitCode::unsupported,
                  fmt::format("--twin {}: a twin needs values, and they are off", spec.pattern),
                  "add --values on");
    bool any = false;
    for (int pe = 0; pe < chip.pes(); ++pe) {
      const std::string instance = fmt::format("pe[{}].matrix_engine", pe);
      if (!fits(spec.pattern, instance)) continue;
      any = true;
      matrix_.erase(pe);
      if (spec.mode != TwinMode::model)
        matrix_[pe] = {instance,
                       std::make_unique<MatrixTwin>(chip.matrix_engine, spec, instance, seed, program)};
    }
    if (!any)
      throw Error(
          ExitCode::usage, fmt::format("--twin {}: no such instance", spec.pattern),
          fmt::format("instances with a twin are pe[0].matrix_engine to pe[{}].matrix_engine; * and ? fit "
                      "several",
                      chip.pes() - 1));
  }
}

MatrixTwin* Twins::matrix(int pe) const {
  const auto found = matrix_.find(pe);
  return found == matrix_.end() ? nullptr : found->second.second.get();
}

void Twins::flush() {
  for (auto& [pe, twin] : matrix_) twin.second->flush();
}

std::map<std::string, TwinCount> Twins::count() const {
  std::map<std::string, TwinCount> all;
  for (const auto& [pe, twin] : matrix_) all[twin.first] = twin.second->checker().count();
  return all;
}

std::vector<std::string> Twins::notes() const {
  std::vector<std::string> all;
  for (const auto& [pe, twin] : matrix_)
    if (twin.second->checker().fault_missed())
      all.push_back(
          fmt::format("--twin {}: the fault to inject lies behind the last compared cycle", twin.first));
  return all;
}

}  // namespace leto::model
