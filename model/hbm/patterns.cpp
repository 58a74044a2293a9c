#include "model/hbm/patterns.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <queue>
#include <vector>

#include <fmt/format.h>

#include "base/errors.h"

namespace leto::model {
namespace {

constexpr std::uint64_t kFootprint = std::uint64_t{1} << 28;  // bytes

std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

class Requests {
 public:
  Requests(const PatternLoad& load, int burst_bytes)
      : load_(load), slots_(kFootprint / static_cast<unsigned>(burst_bytes)) {}

  Run operator()(std::uint64_t i) const {
    const auto tag = static_cast<std::uint32_t>(i);
    const bool third = i % 3 == 2;
    switch (load_.pattern) {
      case Pattern::seq:
        return {i & (slots_ - 1), 1, false, tag};
      case Pattern::rand:
        return {splitmix64(load_.seed, i) & (slots_ - 1), 1, false, tag};
      case Pattern::seq21:
        return {i & (slots_ - 1), 1, third, tag};
      case Pattern::rand21:
        return {splitmix64(load_.seed, i) & (slots_ - 1), 1, third, tag};
      case Pattern::add3:
        break;
    }
    return {i % 3 * (slots_ / 4) + (i / 3 & (slots_ / 4 - 1)), 1, third, tag};
  }

 private:
  PatternLoad load_;
  std::uint64_t slots_;
};

// A paced interval printed with six digits stands for ninths of a tick where it looks like one.
double interval(double parameter) {
  const double ninths = std::round(parameter * 9) / 9;
  return std::abs(ninths - parameter) < 1e-5 ? ninths : parameter;
}

class Driver {
 public:
  Driver(const ControllerSpec& spec, int burst_bytes, const PatternLoad& load)
      : load_(load), request_(load, burst_bytes), controller_(spec) {}

  void run() {
    if (load_.issue == Issue::dep)
      run_dependent();
    else
      run_open();
    drain();
  }
  Tick end() const { return end_; }
  const ControllerCounts& counts() const { return controller_.counts(); }

 private:
  void advance(Tick to) {
    controller_.advance(to, [this](std::uint32_t, Tick tick, bool write) {
      end_ = std::max(end_, tick);
      if (load_.issue == Issue::dep && !write) back_.push_back(tick);
    });
    now_ = to;
  }
  void drain() {
    while (controller_.next() != Controller::kNever) advance(controller_.next());
    end_ = std::max(end_, now_);  // the last command may be a write's
  }
  void submit(Tick at) { controller_.submit(request_(submitted_++), at); }

  // The FIFO is kept from running dry: it gives at most kIntake bursts a tick.
  void run_open() {
    constexpr std::uint64_t kAhead = 4096;
    while (submitted_ < load_.requests) {
      while (submitted_ < load_.requests && controller_.backlog() < kAhead)
        load_.issue == Issue::pace ? submit_paced() : submit_run();
      advance(now_ + kAhead / Controller::kIntake);
    }
  }
  void submit_paced() {
    submit(static_cast<Tick>(std::ceil(interval(load_.parameter) * static_cast<double>(submitted_))));
  }
  // Requests offered at once: those in a row are one run.
  void submit_run() {
    constexpr std::int32_t kLongest = 32;
    Run run = next_;
    for (;;) {
      next_ = request_(++submitted_);
      if (submitted_ == load_.requests || run.bursts == kLongest || next_.write != run.write ||
          next_.first_burst != run.first_burst + static_cast<unsigned>(run.bursts))
        break;
      ++run.bursts;
    }
    controller_.submit(run, 0);
  }

  // A read may follow at the tick at which one before it is back.
  void run_dependent() {
    const auto window = static_cast<std::uint64_t>(load_.parameter);
    std::size_t reads = 0;
    while (submitted_ < load_.requests) {
      const bool write = request_(submitted_).write;
      Tick at = 0;
      if (reads >= window) {
        while (back_.size() <= reads - window) advance(controller_.next());
        at = back_[reads - window];
      }
      reads += !write;
      submit(at);
    }
  }

  PatternLoad load_;
  Requests request_;
  Controller controller_;
  std::uint64_t submitted_ = 0;
  Run next_ = request_(0);  // to be submitted
  Tick now_ = 0, end_ = 0;
  std::vector<Tick> back_;  // ticks at which reads came back, ascending
};

template <typename Enum, std::size_t N>
Enum by_name(const std::string& name, const std::array<const char*, N>& names, const char* what) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(ExitCode::bad_input, fmt::format("no {} '{}'", what, name),
                fmt::format("one of {}", fmt::join(names, ", ")));
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

Pattern pattern_of(const std::string& name) {
  return by_name<Pattern>(name, std::array{"seq", "rand", "seq21", "rand21", "add3"}, "request pattern");
}

Issue issue_of(const std::string& name) {
  return by_name<Issue>(name, std::array{"sat", "pace", "dep"}, "issue mode");
}

PatternResult run_pattern(const ControllerSpec& spec, int burst_bytes, const PatternLoad& load) {
  const auto start = std::chrono::steady_clock::now();
  Driver driver(spec, burst_bytes, load);
  driver.run();
  const std::chrono::duration<double> host = std::chrono::steady_clock::now() - start;
  PatternResult result;
  result.end = driver.end();
  result.counts = driver.counts();
  const auto reads = static_cast<double>(result.counts.reads + result.counts.forwarded);
  result.read_latency = static_cast<double>(result.counts.read_ticks) / std::max(reads, 1.0);
  result.bytes_per_second = static_cast<double>(load.requests) * burst_bytes /
                            (static_cast<double>(result.end) * spec.timing.tick_ns * 1e-9);
  result.host_seconds = host.count();
  return result;
}

}  // namespace leto::model
