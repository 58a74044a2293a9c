#include "study/decide/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"

namespace leto::study {
namespace {

/// Inverse of the triangular distribution: most likely at the value, nothing beyond the ends.
double triangular(const Input& input, double u) {
  const double width = input.high - input.low;
  const double rising = (input.value - input.low) / width;
  return u < rising ? input.low + std::sqrt(u * width * (input.value - input.low))
                    : input.high - std::sqrt((1 - u) * width * (input.high - input.value));
}

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::llround(share * double(sorted.size() - 1)))];
}

}  // namespace

double Values::operator()(const std::string& id) const {
  const Input* input = sheet_.find(id);
  if (!input) throw Missing(id);
  if (used_ && std::ranges::find(*used_, id) == used_->end()) used_->push_back(id);
  return choose_(*input);
}

bool Values::has(const std::string& id) const {
  return sheet_.find(id) != nullptr;
}

double Values::ratio(const std::string& above, const std::string& below) const {
  const double a = (*this)(above), b = (*this)(below);
  const Input &x = *sheet_.find(above), &y = *sheet_.find(below);
  if (x.precision != y.precision || x.unit != y.unit)
    throw Error(ExitCode::internal,
                fmt::format("{} ({} {}) over {} ({} {}) crosses units or precisions", above, x.unit,
                            x.precision, below, y.unit, y.precision),
                "report this");
  return a / b;
}

double Swing::width() const {
  return std::abs(high - low);
}

void Sheet::add(Input input) {
  inputs_.emplace(input.id, std::move(input));
}

const Input* Sheet::find(const std::string& id) const {
  const auto found = inputs_.find(id);
  return found == inputs_.end() ? nullptr : &found->second;
}

/// A draw depends on the seed and the input's name alone: another criterion or another input moves none.
double Sheet::drawn(const Input& input, std::int64_t draw) const {
  if (input.certain()) return input.value;
  return triangular(input, uniform(seed_, fnv1a(input.id), static_cast<std::uint64_t>(draw)));
}

Quantity Sheet::evaluate(const std::string& unit, const Formula& formula) const {
  Quantity out;
  out.unit = unit;
  out.value = formula(Values(
      *this, [](const Input& i) { return i.value; }, &out.from));
  for (std::int64_t draw = 0; draw < draws_; ++draw)
    out.draws.push_back(formula(Values(
        *this, [&](const Input& i) { return drawn(i, draw); }, nullptr)));
  std::vector<double> sorted = out.draws;
  std::ranges::sort(sorted);
  out.low = std::min(out.value, at_share(sorted, 0.05));
  out.high = std::max(out.value, at_share(sorted, 0.95));
  return out;
}

std::vector<Swing> Sheet::tornado(const Formula& formula, const Quantity& quantity) const {
  std::vector<Swing> out;
  for (const std::string& id : quantity.from) {
    if (find(id)->certain()) continue;
    const auto at = [&](double Input::*end) {
      return formula(Values(
          *this, [&](const Input& i) { return i.id == id ? i.*end : i.value; }, nullptr));
    };
    if (const Swing swing{id, at(&Input::low), at(&Input::high)}; swing.width() > 0) out.push_back(swing);
  }
  std::ranges::stable_sort(out, std::greater<>{}, &Swing::width);
  return out;
}

}  // namespace leto::study
