#include <algorithm>

#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "base/errors.h"
#include "study/record.h"

namespace leto::verbs {
namespace {

study::Record run(const host::Workload& workload) {
  return study::record_from_json(host::record_of(workload).dump(), workload.name);
}

/// Keys that differ, but for those that only a run with values has.
double differing(const study::Record& a, const study::Record& b) {
  const auto differences = study::diff_records(a, b);
  return static_cast<double>(std::ranges::count_if(differences, [](const study::Difference& one) {
    return one.key != "values" && !one.key.starts_with("loss");
  }));
}

void add(std::vector<study::Check>& checks, host::Workload workload) {
  workload.chip = "tiny";
  const study::Record first = run(workload);
  host::Workload permuted = workload, values = workload;
  permuted.construction_seed = 7;
  values.values = true;
  const auto add = [&](const char* what, const host::Workload& other) {
    checks.push_back({workload.name + what, "keys differ", 0, differing(first, run(other))});
  };
  add(", run again", workload);
  add(", built in another order", permuted);
  add(", with values", values);
}

}  // namespace

study::Suite validate_determinism() {
  study::Suite suite{"determinism", "records of the same program, all keys but those of the host", {}};
  add(suite.checks, {"gemm", {{"m", 96}, {"n", 80}, {"k", 200}}});
  add(suite.checks, {"layernorm", {{"m", 64}, {"n", 192}}});
  host::Workload step{"mlp", {{"batch", 32}}};
  step.recipe = "optimizer = \"sgd\"\nlr = 0.1\nloss = \"cross_entropy\"\n";
  add(suite.checks, step);
  return suite;
}

}  // namespace leto::verbs
