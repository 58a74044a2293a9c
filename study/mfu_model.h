// What share of its peak a part reaches when it trains a language model: roofline (these trainings are bound
// by arithmetic) x the measured efficiency of the nearest rows, any part's, in the same precision.
#pragma once

#include <optional>

#include "study/baseline.h"

namespace leto::study {

/// What is to be trained, on what.
struct TrainingPoint {
  std::string precision;
  double parameters = 0;      // 0 = not known
  std::int64_t sequence = 0;  // 0 = not known
  std::int64_t devices = 1;
  double peak_flops = 0;  // of a device, in that precision
};

struct MfuPrediction {
  double share = 0;          // of the point's peak
  double low = 0, high = 0;  // 90 % of the errors that the model makes on the measured rows lie between
  std::vector<const TrainingRow*> rests_on;
};

/// The measured rows of all parts and the errors that leaving each out gives.
class MfuModel {
 public:
  explicit MfuModel(const std::vector<Baseline>& baselines);
  MfuModel(const MfuModel&) = delete;  // the checks point into the entries
  MfuModel& operator=(const MfuModel&) = delete;

  /// nullopt when no row of that precision was measured.
  std::optional<MfuPrediction> predict(const TrainingPoint& point) const;

  /// A measured row beside what the model says of it from the other rows; shares of the part's own peak.
  struct Check {
    std::string part;
    const TrainingRow* row;
    double measured, predicted;
    double error() const { return predicted / measured - 1; }
  };
  const std::vector<Check>& checks() const { return checks_; }

 private:
  struct Entry {
    std::string part;
    TrainingRow row;
    double peak_flops;  // that the part has; a row's MFU may refer to another one's
    double share() const { return row.mfu * row.of_peak_flops / peak_flops; }
  };
  std::vector<const Entry*> nearest(const TrainingPoint& point, const Entry* without) const;

  std::vector<Entry> entries_;
  std::vector<Check> checks_;
};

/// The error table of docs/validation.md, as Markdown.
std::string mfu_table(const MfuModel& model);

}  // namespace leto::study
