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

std::vector<Work> work_of(const Record& record) {
  const auto traffic = record.bytes.find("hbm");
  const double moved =
      traffic == record.bytes.end() ? 0 : double(traffic->second.read + traffic->second.write);
  double billed = 0;
  for (const OperationRecord& op : record.ops) billed += double(op.bytes);
  if (billed <= 0) return {{double(record.flops), moved}};
  std::vector<Work> work;
  for (const OperationRecord& op : record.ops)
    work.push_back({double(op.flops), double(op.bytes) / billed * moved});
  return work;
}

std::optional<RooflinePrediction> roofline_time(const Baseline& part, const std::vector<Baseline>& all,
                                                const std::string& precision, const std::vector<Work>& work) {
  const Figure *peak = part.figure("peak_" + precision), *bandwidth = part.figure("memory_bandwidth");
  const auto matmul = matmul_efficiency(part, all, precision);
  const auto stream = stream_efficiency(part, all);
  if (!peak || !bandwidth || !matmul || !stream) return std::nullopt;
  RooflinePrediction out;
  out.matmul = *matmul;
  out.stream = *stream;
  double arithmetic = 0, memory = 0, starved = 0;  // seconds at the peaks; of operations that memory bounds
  for (const Work& w : work) {
    const double a = w.flops / (peak->value * kTera), m = w.bytes / (bandwidth->value * kTera);
    arithmetic += a;
    memory += m;
    out.seconds += std::max(a / matmul->value, m / stream->value);
    if (m / stream->value > a / matmul->value) starved += m / stream->value;
  }
  out.least = std::min(out.seconds, std::max(arithmetic / matmul->high, memory / stream->high));
  out.most = std::max(out.seconds, arithmetic / matmul->low + memory / stream->low);
  out.memory_bound = starved > out.seconds / 2;
  out.basis = fmt::format(
      "roofline of {} operation by operation, bound by {}: {} products {:.1f} % of the peak ({}), memory "
      "{:.1f} % of its "
      "bandwidth ({})",
      part.name, out.memory_bound ? "memory" : "arithmetic", precision, matmul->value * 100,
      source_of(*matmul), stream->value * 100, source_of(*stream));
  return out;
}

}  // namespace leto::study
