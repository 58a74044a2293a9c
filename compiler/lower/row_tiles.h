// How many rows of a table a tile of the local store has room for.
#pragma once

#include <algorithm>
#include <string>

#include "arch/chip_config.h"

namespace leto::compiler {

/// For the alignment of a kernel's buffers.
inline constexpr std::int64_t kSpare = 1024;

/// Rows of a tile so that `row_bytes` a row fit the local store beside `taken` bytes, at most `rows`.
/// Error(does_not_fit) when not even one does; `what` names the kernel.
std::int64_t rows_that_fit(const ChipConfig& chip, std::int64_t row_bytes, std::int64_t rows,
                           const std::string& what, std::int64_t taken = 0);

}  // namespace leto::compiler
