#include "model/twin/stream_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace leto::model {

// Empty: it cannot be read.
std::vector<LoopOrder::Loop> LoopOrder::loops_of(std::string_view text) {
  std::vector<Loop> loops;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    Loop loop{kDims.find(text.front()), 1};
    if (loop.dim == std::string_view::npos) return {};
    text.remove_prefix(1);
    if (text.starts_with('/')) {
      const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), loop.block);
      if (error != std::errc{} || loop.block < 1 || loop.block > 65535) return {};
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    loops.push_back(loop);
  }
  return loops;
}

std::string LoopOrder::fault(std::string_view text, std::string_view dims) {
  const std::vector<Loop> loops = loops_of(text);
  if (loops.empty()) return fmt::format("\"{}\" is no order of loops over m, n and k", text);
  for (std::size_t i = 0; i < loops.size(); ++i)
    for (std::size_t j = i + 1; j < loops.size(); ++j)
      if (loops[i].dim == loops[j].dim && loops[j].block >= loops[i].block)
        return fmt::format("\"{}\" goes over {} again within it", text, kDims[loops[i].dim]);
  for (const char dim : dims)
    if (std::none_of(loops.begin(), loops.end(),
                     [&](const Loop& loop) { return kDims[loop.dim] == dim && loop.block == 1; }))
      return fmt::format("\"{}\" does not go over {} one by one", text, dim);
  if (dims.find(kDims[loops.back().dim]) == std::string_view::npos)
    return fmt::format("\"{}\" repeats each element at once", text);
  return "";
}

LoopOrder::LoopOrder(std::string_view text) : loops_(loops_of(text)) {}

void LoopOrder::walk(std::size_t loop, Place& place,
                     const std::function<void(const Place&, bool)>& visit) const {
  const auto [dim, block] = loops_[loop];
  const Range all = place[dim];
  for (int at = all.from; at < all.to; at += block) {
    place[dim] = {at, std::min(at + block, all.to)};
    if (loop + 1 < loops_.size())
      walk(loop + 1, place, visit);
    else
      visit(place, place[dim].to == all.to);
  }
  place[dim] = all;
}

void LoopOrder::each(const std::array<int, 3>& sizes,
                     const std::function<void(const Place&, bool)>& visit) const {
  Place place;
  for (std::size_t i = 0; i < sizes.size(); ++i) place[i] = {0, sizes[i]};
  walk(0, place, visit);
}

}  // namespace leto::model
