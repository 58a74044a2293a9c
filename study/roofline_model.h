// How long a part takes for a workload that no measured row of its own covers: the roofline x what matrix
// products and streams were measured to reach of it. Arithmetic and memory overlap in the expected time and
// in the least one, not in the most.
#pragma once

#include <optional>

#include "study/baseline.h"
#include "study/record.h"

namespace leto::study {

/// A share of a peak: the part's own measured row where it has one, else the mean of all parts' rows; all
/// rows lie between low and high.
struct Efficiency {
  double value = 0, low = 0, high = 0;
  int rows = 0;
  bool own = false;
};

/// Of matrix products in a precision: best shapes and production shapes. nullopt when nothing was measured.
std::optional<Efficiency> matmul_efficiency(const Baseline& part, const std::vector<Baseline>& all,
                                            const std::string& precision);
/// Of large streams to and from device memory, whatever their precision: bytes are bytes.
std::optional<Efficiency> stream_efficiency(const Baseline& part, const std::vector<Baseline>& all);

struct RooflinePrediction {
  double seconds = 0, least = 0, most = 0;
  bool memory_bound = false;
  Efficiency matmul, stream;
  /// "roofline of h100-sxm: matrix products 80.3 % of its peak …": what it rests on.
  std::string basis;
};

/// What one operation asks for: FLOPs, and bytes of device memory.
struct Work {
  double flops = 0, bytes = 0;
};
/// Of a record's operations. The bytes of device memory are shared out by the bytes that each moved.
std::vector<Work> work_of(const Record& record);

/// nullopt when the part has no peak in that precision, no bandwidth, or nothing was measured.
std::optional<RooflinePrediction> roofline_time(const Baseline& part, const std::vector<Baseline>& all,
                                                const std::string& precision, const std::vector<Work>& work);

}  // namespace leto::study
