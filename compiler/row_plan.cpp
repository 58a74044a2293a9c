#include "compiler/row_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace leto::compiler {
namespace {

using Part = PlannedInput::Part;
constexpr std::pair<std::string_view, Part> kParts[] = {
    {".hot.", Part::hot}, {".cold.", Part::cold}, {".pinned.", Part::pinned}, {".local.", Part::local}};

std::string planned_name(std::string_view index_input, Part part, std::int64_t most, std::int64_t copies) {
  const auto* named =
      std::find_if(std::begin(kParts), std::end(kParts), [&](const auto& p) { return p.second == part; });
  return fmt::format("{}{}{}.{}", index_input, named->first, most, copies);
}

/// "64.12".
bool read_sizes(std::string_view text, PlannedInput& to) {
  const char* end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, to.most);
  if (error != std::errc{} || dot == end || *dot != '.' || to.most < 1) return false;
  const auto [last, second] = std::from_chars(dot + 1, end, to.copies);
  return second == std::errc{} && last == end && to.copies >= 1;
}

struct Popular {
  std::int64_t row, lookups;
};

/// The rows of a list that are looked up more than `least` times, the most popular first.
std::vector<Popular> popular_rows(std::span<const std::int64_t> lookups, std::int64_t least) {
  std::vector<std::int64_t> sorted(lookups.begin(), lookups.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<Popular> out;
  for (auto at = std::lower_bound(sorted.begin(), sorted.end(), 0); at != sorted.end();) {
    const auto end = std::upper_bound(at, sorted.end(), *at);
    if (end - at > least) out.push_back({*at, end - at});
    at = end;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Popular& a, const Popular& b) { return a.lookups > b.lookups; });
  return out;
}

}  // namespace

HotPlan plan_hot_rows(std::span<const std::int64_t> lookups, std::int64_t most, std::int64_t copies) {
  const auto popular = popular_rows(lookups, copies);
  HotPlan plan;
  for (std::size_t i = 0; i < popular.size() && std::ssize(plan.hot) < most; ++i)
    plan.hot.push_back(popular[i].row);
  // By row, to be found in.
  std::vector<std::pair<std::int64_t, std::int64_t>> slots;
  for (std::int64_t slot = 0; slot < std::ssize(plan.hot); ++slot)
    slots.emplace_back(plan.hot[static_cast<std::size_t>(slot)], slot);
  std::sort(slots.begin(), slots.end());
  std::vector<std::int64_t> next(slots.size(), 0);  // copy, by slot
  plan.cold.assign(lookups.begin(), lookups.end());
  plan.pinned.assign(lookups.size(), -1);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const auto found = std::lower_bound(slots.begin(), slots.end(), std::pair(lookups[i], std::int64_t{0}));
    if (found == slots.end() || found->first != lookups[i]) continue;
    std::int64_t& copy = next[static_cast<std::size_t>(found->second)];
    plan.pinned[i] = copy * most + found->second;
    plan.cold[i] = -1;
    copy = (copy + 1) % copies;
  }
  plan.hot.resize(static_cast<std::size_t>(most), -1);
  return plan;
}

std::string hot_of(std::string_view index_input, std::int64_t most, std::int64_t copies) {
  return planned_name(index_input, Part::hot, most, copies);
}
std::string cold_of(std::string_view index_input, std::int64_t most, std::int64_t copies) {
  return planned_name(index_input, Part::cold, most, copies);
}
std::string pinned_of(std::string_view index_input, std::int64_t most, std::int64_t copies) {
  return planned_name(index_input, Part::pinned, most, copies);
}

std::string local_of(std::string_view index_input, std::int64_t rows, std::int64_t chips) {
  return planned_name(index_input, Part::local, rows, chips);
}

std::vector<std::int64_t> PlannedInput::from(std::span<const std::int64_t> lookups) const {
  switch (part) {
    case Part::hot: {
      const auto hot = plan_hot_rows(lookups, most, copies).hot;
      std::vector<std::int64_t> all;
      for (std::int64_t copy = 0; copy < copies; ++copy) all.insert(all.end(), hot.begin(), hot.end());
      return all;
    }
    case Part::cold:
      return plan_hot_rows(lookups, most, copies).cold;
    case Part::pinned:
      return plan_hot_rows(lookups, most, copies).pinned;
    case Part::local: {
      std::vector<std::int64_t> own(lookups.begin(), lookups.end());
      std::replace_if(
          own.begin(), own.end(), [&](std::int64_t row) { return row >= most; }, std::int64_t{-1});
      return own;
    }
  }
  return {};
}

std::optional<PlannedInput> planned_input(std::string_view name) {
  for (const auto& [infix, part] : kParts) {
    const auto at = name.rfind(infix);
    if (at == std::string_view::npos || at == 0) continue;
    PlannedInput planned{std::string(name.substr(0, at)), part};
    if (read_sizes(name.substr(at + infix.size()), planned)) return planned;
  }
  return std::nullopt;
}

}  // namespace leto::compiler
