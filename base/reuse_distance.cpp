#include "base/reuse_distance.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

namespace leto {
namespace {

/// Prefix sums under changes, both in logarithmic time (a Fenwick tree).
class Marks {
 public:
  explicit Marks(std::size_t count) : sums_(count + 1, 0) {}
  void add(std::size_t place, int change) {
    for (++place; place < sums_.size(); place += place & (~place + 1)) sums_[place] += change;
  }
  std::int64_t before(std::size_t place) const {
    std::int64_t sum = 0;
    for (; place > 0; place -= place & (~place + 1)) sum += sums_[place];
    return sum;
  }

 private:
  std::vector<std::int64_t> sums_;
};

}  // namespace

double lru_hit_rate(std::span<const std::int64_t> lookups, std::int64_t capacity) {
  Marks last(lookups.size());  // a mark at the last lookup of each row so far
  std::unordered_map<std::int64_t, std::size_t> at;
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (const auto found = at.find(lookups[i]); found != at.end()) {
      const std::int64_t others = last.before(i) - last.before(found->second + 1);
      hits += others < capacity;
      last.add(found->second, -1);
    }
    last.add(i, 1);
    at[lookups[i]] = i;
  }
  return lookups.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(lookups.size());
}

double che_hit_rate(std::span<const std::int64_t> lookups, std::int64_t capacity) {
  std::vector<std::int64_t> rows(lookups.begin(), lookups.end());
  std::sort(rows.begin(), rows.end());
  std::vector<double> frequencies;  // by row
  for (auto at = rows.begin(); at != rows.end();) {
    const auto end = std::upper_bound(at, rows.end(), *at);
    frequencies.push_back(static_cast<double>(end - at) / static_cast<double>(rows.size()));
    at = end;
  }
  if (std::ssize(frequencies) <= capacity) return rows.empty() ? 0 : 1;
  const auto present = [&](double t) {
    double sum = 0;
    for (const double p : frequencies) sum += -std::expm1(-p * t);
    return sum;
  };
  double low = 0, high = 1;
  while (present(high) < static_cast<double>(capacity)) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (present(middle) < static_cast<double>(capacity) ? low : high) = middle;
  }
  double hits = 0;
  for (const double p : frequencies) hits += p * -std::expm1(-p * low);
  return hits;
}

}  // namespace leto
