// What rate a part of study/baselines reaches on the workload of a record: measured rows of that workload,
// else a model, nearest to the workload first. The report and the decision both ask here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "study/baseline.h"
#include "study/measured_rows.h"
#include "study/mfu_model.h"
#include "study/record.h"

namespace leto::study {

/// Parameters that differ by less are the same model's.
inline constexpr double kSameSize = 0.03;

/// Parameters of the whole model, of which the record may hold a part. `facts`: what finds
/// "<workload>.parameters", a FactTable or a Sheet.
double whole_model(const auto& facts, const Record& record) {
  const auto* known = facts.find(record.workload + ".parameters");
  return known ? known->value : double(record.parameters);
}

/// Whether the nearest rows of training language models say anything of this workload.
bool trains_a_language_model(const Record& record);

/// What counted_in(record) counts, a second.
struct PartRate {
  double value = 0, low = 0, high = 0;
  std::string unit, precision;
  Provenance from;  // kind measured or estimate
  /// "the nearest measured rows …": what was taken, and where it stands ("baseline:h100-sxm/peak_bf16").
  std::string basis;
  std::vector<std::string> origins;
};

class BaselineRates {
 public:
  /// `all`: every baseline there is; the models rest on rows of other parts too.
  explicit BaselineRates(const std::vector<Baseline>& all);

  /// nullopt when the part has no peak in the record's precision, or nothing was measured to rest on.
  std::optional<PartRate> of(const Record& record, double parameters, const Baseline& part) const;

 private:
  std::vector<Baseline> all_;
  MfuModel training_;
  std::map<std::string, MeasuredRows> kernels_;  // by operator
};

}  // namespace leto::study
