#include "study/roofline_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace leto::study {
namespace {

constexpr double kTera = 1e12;

/// Gathers measured shares; the part's own best one is the value.
class Shares {
 public:
  void add(double share, bool own) {
    low_ = std::min(low_, share);
    high_ = std::max(high_, share);
    sum_ += share;
    ++rows_;
    if (own) own_ = std::max(own_, share);
  }
  std::optional<Efficiency> efficiency() const {
    if (rows_ == 0) return std::nullopt;
    return Efficiency{own_ > 0 ? own_ : sum_ / rows_, low_, high_, rows_, own_ > 0};
  }

 private:
  double low_ = 1, high_ = 0, sum_ = 0, own_ = 0;
  int rows_ = 0;
};

std::string source_of(const Efficiency& e) {
  return e.own ? "its own measured row" : "mean of the other parts' rows";
}

}  // namespace

std::optional<Efficiency> matmul_efficiency(const Baseline& part, const std::vector<Baseline>& all,
                                            const std::string& precision) {
  Shares shares;
  for (const Baseline& b : all)
    for (const Figure& f : b.figures) {
      const Figure* peak = b.figure("peak_" + precision);
      if (f.from.kind != Kind::measured || !peak) continue;
      if (f.metric == "best_matmul_" + precision) shares.add(f.value / peak->value, b.name == part.name);
      if (f.metric == "production_matmul_" + precision) shares.add(f.value, b.name == part.name);
    }
  return shares.efficiency();
}

std::optional<Efficiency> stream_efficiency(const Baseline& part, const std::vector<Baseline>& all) {
  Shares shares;
  for (const Baseline& b : all)
    for (const Figure& f : b.figures) {
      const Figure* peak = b.figure("memory_bandwidth");
      if (f.from.kind == Kind::measured && peak &&
          (f.metric == "add_bandwidth" || f.metric == "copy_bandwidth"))
        shares.add(f.value / peak->value, b.name == part.name);
    }
  return shares.efficiency();
}

std::optional<RooflinePrediction> roofline_time(const Baseline& part, const std::vector<Baseline>& all,
                                                const std::string& precision, double flops, double bytes) {
  const Figure *peak = part.figure("peak_" + precision), *bandwidth = part.figure("memory_bandwidth");
  const auto matmul = matmul_efficiency(part, all, precision);
  const auto stream = stream_efficiency(part, all);
  if (!peak || !bandwidth || !matmul || !stream) return std::nullopt;
  const double arithmetic = flops / (peak->value * kTera), memory = bytes / (bandwidth->value * kTera);
  RooflinePrediction out;
  out.matmul = *matmul;
  out.stream = *stream;
  out.seconds = std::max(arithmetic / matmul->value, memory / stream->value);
  out.least = std::max(arithmetic / matmul->high, memory / stream->high);
  out.most = arithmetic / matmul->low + memory / stream->low;
  out.memory_bound = memory / stream->value > arithmetic / matmul->value;
  out.basis = fmt::format(
      "roofline of {}, bound by {}: {} products {:.1f} % of the peak ({}), memory {:.1f} % of its bandwidth "
      "({})",
      part.name, out.memory_bound ? "memory" : "arithmetic", precision, matmul->value * 100,
      source_of(*matmul), stream->value * 100, source_of(*stream));
  return out;
}

}  // namespace leto::study
