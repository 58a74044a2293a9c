#include "compiler/lower/row_tiles.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace leto::compiler {

std::int64_t rows_that_fit(const ChipConfig& chip, std::int64_t row_bytes, std::int64_t rows,
                           const std::string& what, std::int64_t taken) {
  const std::int64_t fit = (chip.local_store.bytes - kSpare - taken) / std::max<std::int64_t>(1, row_bytes);
  if (fit < 1)
    throw Error(ExitCode::does_not_fit,
                fmt::format("{}: one row of {} bytes does not fit the local store of {} bytes", what,
                            row_bytes, chip.local_store.bytes),
                "use a chip with a larger local_store.bytes");
  return std::clamp<std::int64_t>(rows, 1, fit);
}

}  // namespace leto::compiler
