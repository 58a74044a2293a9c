// Where a value lives: a strided window onto a storage. Movement operations (reshape, transpose, slice,
// expand) are views and move nothing; a copy is made only when strides cannot say what an operation asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/dtypes.h"

namespace leto::compiler {

using StorageId = std::int32_t;
using Dims = std::vector<std::int64_t>;

/// Elements at offset + sum(index[i] * strides[i]) of a storage; a stride of 0 repeats the element.
struct View {
  StorageId storage = -1;
  std::int64_t offset = 0;  // elements
  Dims shape;
  Dims strides;  // elements, one a dim
  bool operator==(const View&) const = default;
};

std::int64_t product(const Dims& dims);
View dense_view(StorageId storage, const Dims& shape);
/// Row-major without gaps?
bool is_dense(const View& view);
View transposed(const View& view, const Dims& perm);
View sliced(const View& view, const Dims& starts, const Dims& sizes, const Dims& steps);
/// ONNX broadcasting: leading dims added, size-1 dims repeated by stride 0.
View broadcast(const View& view, const Dims& shape);
/// The same elements in the same order under another shape, if strides can say it.
std::optional<View> reshaped(const View& view, const Dims& shape);

/// Dims shared by several views of one iteration space, adjacent ones merged where every view allows it.
/// `keep_last` leaves the last dim alone (it has a meaning of its own: columns).
void collapse(std::vector<View>& views, bool keep_last);

}  // namespace leto::compiler
