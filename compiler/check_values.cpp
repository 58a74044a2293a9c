#include "compiler/check_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/errors.h"
#include "compiler/reference/initial.h"

namespace leto::compiler {
namespace {

constexpr std::uint64_t kSeed = 1;
// Roundings of constants that one result may hang on.
constexpr double kRoundings = 16;
// What long sums of order 1 leave in fp64 where they cancel: a difference this small is none.
constexpr double kNone = 1e-13;

/// What storing a number near 1 in this type may change.
double rounding(DType type) {
  switch (type) {
    case DType::bf16:
      return std::ldexp(1.0, -9);
    case DType::fp16:
      return std::ldexp(1.0, -12);
    case DType::e4m3:
      return std::ldexp(1.0, -4);
    case DType::e5m2:
      return std::ldexp(1.0, -3);
    default:
      return std::ldexp(1.0, -24);
  }
}

struct Difference {
  double worst = 0;  // against the largest number of what it should be
  std::size_t at = 0;
};

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

Difference difference_of(const std::vector<double>& got, const std::vector<double>& want) {
  double largest = 0;
  for (const double x : want) {
    if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
  }
  Difference out;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double apart = std::fabs(got[i] - want[i]);
    if (same(got[i], want[i]) || apart <= kNone) continue;
    const double d = std::isfinite(apart) && largest > 0 ? apart / largest : HUGE_VAL;
    if (d > out.worst) out = {d, i};
  }
  return out;
}

[[noreturn]] void fail(std::string_view pass, const std::string& what) {
  throw Error(
      ExitCode::internal, fmt::format("after pass '{}': {}", pass, what),
      "this is a defect of the pass; --print-after shows the graph after it and after the one before");
}

}  // namespace

ValueCheck::ValueCheck(const Graph& first, const Options& options) : on_(options.check_values) {
  if (!on_) return;
  allowed(first);
  before_ = results(first);
}

double ValueCheck::allowed(const Graph& graph) {
  double most = rounding(DType::fp32);
  for (const Value& v : graph.values) {
    if (v.role == Role::constant && constants_.insert(v.name).second)
      most = std::max(most, rounding(v.type.dtype));
  }
  return kRoundings * most;
}

WideValues ValueCheck::results(const Graph& graph) {
  for (const Value& v : graph.values) {
    if (v.role == Role::constant || v.role == Role::intermediate || contents_.contains(v.name)) continue;
    const std::vector<float> drawn = initial_content(v, kSeed);
    contents_[v.name].assign(drawn.begin(), drawn.end());
  }
  return evaluate_wide(graph, contents_);
}

void ValueCheck::after(std::string_view pass, const Graph& graph) {
  if (!on_) return;
  WideValues now = results(graph);
  const double limit = allowed(graph);
  double worst = 0;
  for (const auto& [name, want] : before_) {
    const auto got = now.find(name);
    if (got == now.end()) fail(pass, fmt::format("the result '{}' is gone", name));
    if (got->second.size() != want.size())
      fail(pass, fmt::format("'{}' has {} numbers, had {}", name, got->second.size(), want.size()));
    const Difference d = difference_of(got->second, want);
    if (d.worst > limit)
      fail(pass, fmt::format("'{}' differs: element {} is {}, was {}; that is {:.2g} of the largest, {:.2g} "
                             "is allowed",
                             name, d.at, got->second[d.at], want[d.at], d.worst, limit));
    worst = std::max(worst, d.worst);
  }
  fmt::print(stderr, "// after {}: {} results as before, to {:.2g}\n", pass, before_.size(), worst);
  before_ = std::move(now);
}

}  // namespace leto::compiler
