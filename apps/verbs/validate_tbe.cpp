// Table-batched embeddings, forward and with their update, on pilot beside the 500 W H100. Published are two
// ratios (MTIA 300 paper, ISCA'26: 2.0 and 2.1), not the shapes they are of, nor any time of the GPU. So the
// shapes are ours, and the GPU's time is estimated from below: rows that the step names, each once, at the
// full bandwidth of its memory. A ratio is then a lower bound; beside it the one as if no row came out of the
// GPU's cache, every lookup of a row at that bandwidth.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/host/memory.h"
#include "apps/host/workload.h"
#include "apps/verbs/validate_suites.h"
#include "base/lookups.h"

namespace leto::verbs {
namespace {

// study/baselines/h100-500w.toml: published.
constexpr double kBaselineBytesPerSecond = 2.4e12;
constexpr double kPublishedForward = 2.0, kPublishedBackward = 2.1;
constexpr std::int64_t kPinned = 64, kQuickLookups = 250000;
const char* const kUpdate = "optimizer = \"adagrad\"\nlr = 0.05\nloss = \"mse\"\n";

struct Shape {
  std::int64_t tables, rows, batch, bag, dim;
  const char* lookups;
  std::string name() const {
    return fmt::format("{} tables of {} x {}, batch {}, bag {}, {}", tables, rows, dim, batch, bag, lookups);
  }
};

// Between one-hot and long bags, narrow and wide rows, few tables and many, with reuse and without.
constexpr Shape kShapes[] = {
    {4, 4000000, 4096, 20, 128, "uniform"},    {8, 4000000, 4096, 20, 64, "uniform"},
    {8, 4000000, 2048, 40, 128, "uniform"},    {16, 4000000, 2048, 10, 128, "uniform"},
    {1, 40000000, 16384, 32, 128, "uniform"},  {4, 4000000, 4096, 10, 256, "uniform"},
    {32, 100000, 512, 20, 128, "uniform"},     {26, 4000000, 8192, 1, 128, "production"},
    {8, 4000000, 2048, 20, 128, "production"}, {4, 4000000, 1024, 100, 128, "production"},
    {16, 4000000, 1024, 20, 64, "production"}, {4, 4000000, 4096, 20, 128, "zipf=1.05"},
};

host::Workload workload(const Shape& shape, bool trains) {
  host::Workload w{.name = "embedding",
                   .settings = {{"tables", shape.tables},
                                {"rows", shape.rows},
                                {"batch", shape.batch},
                                {"bag", shape.bag},
                                {"dim", shape.dim}},
                   .dtype = "fp16",
                   .chip = "pilot"};
  w.lookups = shape.lookups;
  w.pinned_rows = std::string_view(shape.lookups) == "uniform" ? 0 : kPinned;
  if (trains) w.recipe = kUpdate;
  return w;
}

/// Rows that all tables' lookups name, each once.
double distinct_rows(const Shape& shape) {
  const LookupLaw law = parse_lookup_law(shape.lookups, host::lookup_histogram());
  double sum = 0;
  for (std::int64_t table = 0; table < shape.tables; ++table) {
    auto rows = draw_lookups(law, shape.batch * shape.bag, shape.rows, 1, fmt::format("index.{}", table));
    std::sort(rows.begin(), rows.end());
    sum += static_cast<double>(std::unique(rows.begin(), rows.end()) - rows.begin());
  }
  return sum;
}

struct Means {
  double logarithms = 0;
  int count = 0;
  void add(double ratio) {
    logarithms += std::log(ratio);
    ++count;
  }
  double mean() const { return std::exp(logarithms / count); }
};

study::Check shown(std::string name, std::string unit, double expected, double measured, std::string note) {
  study::Check check{std::move(name), std::move(unit), expected, measured};
  check.note = std::move(note);
  check.judged = false;
  return check;
}

/// One kind of work over all shapes: each shape's time beside the two estimates of the GPU's.
class Work {
 public:
  Work(const char* name, double bytes_a_value, double published)
      : name_(name), bytes_(bytes_a_value), published_(published) {}

  void add(const Shape& shape, double distinct, double seconds, std::vector<study::Check>& to) {
    const double row = static_cast<double>(shape.dim) * bytes_ / kBaselineBytesPerSecond;
    const double least = distinct * row;
    const double uncached = static_cast<double>(shape.tables * shape.batch * shape.bag) * row;
    least_.add(least / seconds);
    uncached_.add(uncached / seconds);
    to.push_back(shown(
        fmt::format("{}, {}", name_, shape.name()), "us", kMicro * least, kMicro * seconds,
        fmt::format("H100 / pilot {:.2f}, without its cache {:.2f}", least / seconds, uncached / seconds)));
  }
  void summarise(std::vector<study::Check>& to) const {
    const auto what = fmt::format("{}, geometric mean of {} shapes: H100 / pilot", name_, least_.count);
    to.push_back(shown(what + ", at least", "", published_, least_.mean(), "published for shapes not given"));
    to.push_back(shown(what + ", without the H100's cache", "", published_, uncached_.mean(), "as above"));
  }

 private:
  static constexpr double kMicro = 1e6;
  const char* name_;
  double bytes_, published_;
  Means least_, uncached_;
};

}  // namespace

study::Suite validate_tbe(bool quick) {
  study::Suite suite{
      "tbe",
      "Rows of fp16 forward; of fp32 with row-wise adagrad, sort included, as the step less the "
      "lookups alone. Expected is no goal but an estimate of the 500 W H100 from below: the "
      "rows that the step names, once, at 2.4 TB/s (read; with the update read and written)",
      {}};
  Work forward("forward", 2, kPublishedForward), update("update", 2 * 4, kPublishedBackward);
  for (const Shape& shape : kShapes) {
    if (quick && shape.tables * shape.batch * shape.bag > kQuickLookups) continue;
    const double distinct = distinct_rows(shape);
    const double seconds = host::record_of(workload(shape, false))["seconds"];
    const double step = host::record_of(workload(shape, true))["seconds"];
    forward.add(shape, distinct, seconds, suite.checks);
    update.add(shape, distinct, step - seconds, suite.checks);
  }
  forward.summarise(suite.checks);
  update.summarise(suite.checks);
  return suite;
}

}  // namespace leto::verbs
