#include "model/twin/stream_commands.h"

#include "base/errors.h"

namespace leto::model {
namespace {

bool by_streams(const TwinSpec& spec) {
  return spec.foreign && !spec.foreign->by_cycle();
}

}  // namespace

std::unique_ptr<ResultChecker<ReductionRun, std::uint32_t>> reduction_commands(
    const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
    std::unique_ptr<rtl::Block> block) {
  if (by_streams(spec))
    return std::make_unique<StreamCommands<ReductionRun, std::uint32_t>>(spec, instance, seed);
  return std::make_unique<ReductionChecker>(chip, spec, instance, seed, std::move(block));
}

std::unique_ptr<ResultChecker<MatrixRun, float>> matrix_commands(const ChipConfig& chip, const TwinSpec& spec,
                                                                 const std::string& instance,
                                                                 std::uint64_t seed,
                                                                 std::unique_ptr<rtl::Block> block) {
  if (by_streams(spec)) return std::make_unique<StreamCommands<MatrixRun, float>>(spec, instance, seed);
  return std::make_unique<MatrixChecker>(chip.matrix_engine, spec, instance, seed, std::move(block));
}

std::unique_ptr<CommandChecker<LookupRun>> lookup_commands(const ChipConfig& chip, const TwinSpec& spec,
                                                           const std::string& instance, std::uint64_t seed,
                                                           std::unique_ptr<rtl::Block> block) {
  if (!by_streams(spec)) return std::make_unique<LookupChecker>(chip, spec, instance, seed, std::move(block));
  if (spec.mode != TwinMode::check)
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: a block cannot take the place of a vector_lookup", instance),
                "its results go on inside the vector engine: take check");
  return std::make_unique<StreamCommands<LookupRun, std::uint32_t>>(spec, instance, seed);
}

}  // namespace leto::model
