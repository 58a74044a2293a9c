// The levels of a table's update. A tile of sorted lookups adds up the gradients of each of its rows and
// updates those rows that lie in it alone. What it has of a row that began before it or goes on behind it, at
// most two sums, it leaves as two lookups more of a list that is sorted like the first: the next level's,
// until one tile takes all.
#pragma once

#include <functional>

#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// The kernels in their order, made of that of the first level without its seams; `storage` makes room for so
/// many elements.
std::vector<UpdateKernel> with_seams(
    UpdateKernel first, const std::function<StorageId(std::int64_t elements, DType dtype)>& storage);

/// Lookups of a tile, for rows of `width` elements: what the order of the sums follows from, so not the
/// chip's. With `moments`, the tile of the gradient has company: adam's old and new rows.
std::int64_t update_block(std::int64_t width, bool moments = false);

}  // namespace leto::compiler
