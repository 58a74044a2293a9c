// The cost model that chooses the tiles of a matrix product, beside the simulator: a plan can only be as good
// as it says that it is.
#include <cmath>

#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"
#include "compiler/lower/matmul_plan.h"

namespace leto::verbs {
namespace {

using compiler::MatmulKernel;

constexpr const char* kChip = "pilot";
// Plans are chosen by their order, which an error that all of them share does not change; a term that is
// wrong leaves this band.
constexpr double kTolerated = 0.25;

struct Problem {
  std::int64_t m, n, k;
  const char* dtype;
};

/// As the zoo's gemm has it: a [m, k], b [k, n], c [m, n], rows dense.
MatmulKernel kernel_of(const Problem& p) {
  const DType type = *dtype_from_name(p.dtype);
  MatmulKernel kernel;
  kernel.a = {compiler::dense_view(0, {p.m, p.k}), type};
  kernel.b = {compiler::transposed(compiler::dense_view(1, {p.k, p.n}), {1, 0}), type};
  kernel.c = {compiler::dense_view(2, {p.m, p.n}), type};
  return kernel;
}

study::Check check(const Problem& p, const ChipConfig& chip) {
  const auto plan = compiler::plan_matmul(compiler::normalise(kernel_of(p)), chip);
  host::Workload workload{"gemm", {{"m", p.m}, {"n", p.n}, {"k", p.k}}};
  workload.dtype = p.dtype;
  workload.chip = kChip;
  const double cycles = host::record_of(workload)["cycles"];
  return {fmt::format("{} x {} x {} {}", p.m, p.n, p.k, p.dtype),
          "cycles",
          cycles - static_cast<double>(chip.control_core.launch_cycles),
          std::round(plan.cycles),
          -kTolerated,
          kTolerated};
}

}  // namespace

study::Suite validate_cost_model() {
  study::Suite suite{"cost_model",
                     "cycles of a matrix product on pilot by the compiler's cost model (measured) beside the "
                     "simulator's without the launch (expected)",
                     {}};
  const ChipConfig chip = load_chip(kChip);
  for (const Problem& p : std::initializer_list<Problem>{{1024, 1024, 1024, "bf16"},
                                                         {2048, 2048, 2048, "bf16"},
                                                         {4096, 1024, 4096, "bf16"},
                                                         {4096, 4096, 4096, "bf16"},
                                                         {8192, 768, 3072, "bf16"},
                                                         {8192, 3072, 768, "bf16"},
                                                         {512, 4096, 4096, "bf16"},
                                                         {3000, 5000, 777, "bf16"},
                                                         {256, 8192, 1024, "bf16"}})
    suite.checks.push_back(check(p, chip));
  return suite;
}

}  // namespace leto::verbs
