#include "model/twin/twins.h"

#include <algorithm>

#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/twin/engine_twins.h"
#include "model/twin/log.h"
#include "model/waves/signals.h"

namespace leto::model {
namespace {

std::vector<std::string_view> block_names() {
  std::vector<std::string_view> all;
  for (const TwinBlockRow& row : kTwinBlocks) all.push_back(row.name);
  return all;
}

// "pe[seed]" stands for one PE that the seed chooses: never PE 0 where there are others, since everybody
// looks there.
std::string chosen(std::string pattern, const ChipConfig& chip, std::uint64_t seed) {
  constexpr std::string_view kChosen = "pe[seed]";
  if (!pattern.starts_with(kChosen)) return pattern;
  const auto others = static_cast<std::uint64_t>(chip.pes() - 1);
  const std::uint64_t pe = others == 0 ? 0 : 1 + uniform_below(seed, fnv1a(kChosen), 0, others);
  return fmt::format("pe[{}]{}", pe, pattern.substr(kChosen.size()));
}

}  // namespace

Twins::Twins(const std::vector<TwinSpec>& specs, const ChipConfig& chip, const isa::Program& program,
             bool values, std::uint64_t seed, const std::int64_t& chip_macs)
    : chip_(chip), program_(program) {
  for (const TwinSpec& spec : specs) {
    if (!values && spec.mode != TwinMode::model)
      throw Error(ExitCode::unsupported,
                  fmt::format("--twin {}: a twin needs values, and they are off", spec.pattern),
                  "add --values on");
    const std::string pattern = chosen(spec.pattern, chip, seed);
    bool any = false;
    for (int pe = 0; pe < chip.pes(); ++pe)
      for (std::size_t block = 0; block < kTwinBlocks.size(); ++block) {
        if (!fits(pattern, instance_of(pe, static_cast<TwinBlock>(block)))) continue;
        any = true;
        add(spec, pe, static_cast<TwinBlock>(block), chip, program, seed);
      }
    if (!any)
      throw Error(
          ExitCode::usage, fmt::format("--twin {}: no such instance", spec.pattern),
          fmt::format("instances with a twin are pe[0] to pe[{}], each with .{}; * and ? fit several, "
                      "pe[seed] is one that the seed chooses",
                      chip.pes() - 1, fmt::join(block_names(), ", .")));
  }
  share_budget(chip_macs);
}

void Twins::add(const TwinSpec& spec, int pe, TwinBlock block, const ChipConfig& chip,
                const isa::Program& program, std::uint64_t seed) {
  OfPe& twins = pes_[pe];
  const std::string instance = instance_of(pe, block);
  const auto signals = kTwinBlocks[static_cast<std::size_t>(block)].signals;
  if (spec.inject && std::find(signals.begin(), signals.end(), spec.inject->signal) == signals.end())
    throw Error(
        ExitCode::usage,
        fmt::format("--twin {}: {} has no signal \"{}\"", spec.pattern, instance, spec.inject->signal),
        fmt::format("its signals are {}", fmt::join(signals, ", ")));
  const bool wanted = spec.mode != TwinMode::model;
  switch (block) {
    case TwinBlock::matrix_engine:
      twins.matrix = wanted ? std::make_unique<MatrixTwin>(chip, spec, instance, seed, program) : nullptr;
      break;
    case TwinBlock::reduction_engine:
      twins.reduction =
          wanted ? std::make_unique<ReductionTwin>(chip, spec, instance, seed, program) : nullptr;
      break;
    case TwinBlock::buffer_manager:
      twins.buffers = wanted ? std::make_unique<BufferChecker>(chip, spec, instance, seed, program) : nullptr;
      break;
  }
}

// The matrix engines' twins share it: they are what costs.
void Twins::share_budget(const std::int64_t& chip_macs) {
  std::vector<Comparison*> budgeted;
  for (auto& [pe, twins] : pes_)
    if (twins.matrix && twins.matrix->comparison().budgeted())
      budgeted.push_back(&twins.matrix->comparison());
  for (Comparison* twin : budgeted)
    twin->limit(chip_macs, kBudgetShare / static_cast<double>(budgeted.size()));
}

EngineTwin* Twins::engine(int pe, isa::Unit unit) const {
  const auto found = pes_.find(pe);
  if (found == pes_.end()) return nullptr;
  if (unit == isa::Unit::matrix) return found->second.matrix.get();
  return unit == isa::Unit::reduction ? found->second.reduction.get() : nullptr;
}

BufferChecker* Twins::buffers(int pe) const {
  const auto found = pes_.find(pe);
  return found == pes_.end() ? nullptr : found->second.buffers.get();
}

void Twins::flush() {
  for (auto& [pe, twins] : pes_) {
    if (twins.matrix) twins.matrix->flush();
    if (twins.reduction) twins.reduction->flush();
    if (twins.buffers) twins.buffers->flush();
  }
}

template <class F>
void Twins::each(F f) const {
  for (const auto& [pe, twins] : pes_) {
    if (twins.matrix) f(instance_of(pe, TwinBlock::matrix_engine), twins.matrix->comparison());
    if (twins.reduction) f(instance_of(pe, TwinBlock::reduction_engine), twins.reduction->comparison());
    if (twins.buffers) f(instance_of(pe, TwinBlock::buffer_manager), twins.buffers->comparison());
  }
}

TwinLog Twins::log_of(const Finding& finding) const {
  TwinLog log;
  log.chip = chip_;
  log.finding = finding;
  log.program_hash = fnv1a(isa::to_bytes(program_));
  log.rtl_hash = rtl::rtl_hash();
  for (const auto& [pe, twins] : pes_) {
    const auto is = [&](TwinBlock block, const Comparison& comparison) {
      if (instance_of(pe, block) != finding.instance) return false;
      log.block = block;
      log.spec = comparison.spec();
      return true;
    };
    if (twins.matrix && is(TwinBlock::matrix_engine, twins.matrix->comparison())) twins.matrix->log(log);
    if (twins.reduction && is(TwinBlock::reduction_engine, twins.reduction->comparison()))
      twins.reduction->log(log);
    if (twins.buffers && is(TwinBlock::buffer_manager, twins.buffers->comparison()))
      log.buffers = twins.buffers->log();
  }
  return log;
}

std::map<std::string, TwinCount> Twins::count() const {
  std::map<std::string, TwinCount> all;
  each([&](const std::string& name, const Comparison& twin) { all[name] = twin.count(); });
  return all;
}

std::vector<std::string> Twins::notes() const {
  std::vector<std::string> all;
  each([&](const std::string& name, const Comparison& twin) {
    if (twin.fault_missed())
      all.push_back(fmt::format("--twin {}: the fault to inject lies behind the last compared cycle", name));
  });
  return all;
}

}  // namespace leto::model
