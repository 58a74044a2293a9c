#include "compiler/lower/update_plan.h"

#include <algorithm>

#include "compiler/lower/rounding.h"

namespace leto::compiler {
namespace {

// Every tile leaves two lookups to the next level: at eight a tile the levels still shrink fast. More than
// 256 only delay the first sum.
constexpr std::int64_t kTileElements = 8192, kLeast = 8, kMost = 256;
constexpr std::int64_t kTilesOfMoments = 4;  // to a tile without

}  // namespace

std::int64_t update_block(std::int64_t width, bool moments) {
  const std::int64_t tile = kTileElements / (moments ? kTilesOfMoments : 1);
  return std::clamp(tile / std::max<std::int64_t>(width, 1), kLeast, kMost);
}

std::vector<UpdateKernel> with_seams(
    UpdateKernel first, const std::function<StorageId(std::int64_t elements, DType dtype)>& storage) {
  std::vector<UpdateKernel> levels{std::move(first)};
  for (;;) {
    UpdateKernel& now = levels.back();
    const std::int64_t tiles = ceil_div(now.pairs.view.shape[0], now.block);
    if (tiles <= 1) return levels;
    const auto room = [&](const Dims& shape, DType dtype) {
      return Place{dense_view(storage(product(shape), dtype), shape), dtype};
    };
    now.seams = {room({2 * tiles, 2}, DType::int32),
                 room({2 * tiles, now.gradients.view.shape[1]}, DType::fp32)};
    UpdateKernel next = now;
    next.pairs = now.seams->pairs;
    next.gradients = now.seams->rows;
    next.seams.reset();
    next.weights.reset();  // the sums have them
    levels.push_back(std::move(next));
  }
}

}  // namespace leto::compiler
