#include "model/sram/cache.h"

#include <algorithm>

namespace leto::model {

Cache::Cache(const SramConfig& sram, int sector_bytes)
    : line_bytes_(sram.line_bytes),
      sectors_(sram.line_bytes / sector_bytes),
      ways_(sram.ways),
      slices_(static_cast<std::uint64_t>(sram.banks)),
      sets_((sram.bytes - scratch_bytes(sram)) / sram.banks / sram.line_bytes / sram.ways),
      by_line_(static_cast<std::uint64_t>(sram.line_bytes)),
      by_sector_(static_cast<std::uint64_t>(sector_bytes)),
      by_sets_(static_cast<std::uint64_t>(std::max<std::int64_t>(sets_, 1))),
      tags_(capacity(), kEmpty),
      lines_(capacity()),
      clocks_(static_cast<std::size_t>(sets_) * slices_, 0) {}

Sectors Cache::touched(std::uint64_t address, std::int64_t bytes) const {
  const std::uint64_t offset = by_line_.remainder(address);
  return sectors(static_cast<int>(by_sector_.quotient(offset)),
                 static_cast<int>(by_sector_.quotient(offset + static_cast<std::uint64_t>(bytes) - 1)));
}

// Least recently used of the lines that are not being filled; -1 when all are.
int Cache::victim_of(std::size_t set) const {
  int oldest = -1;
  for (int way = 0; way < ways_; ++way) {
    const std::size_t at = set * static_cast<std::size_t>(ways_) + static_cast<std::size_t>(way);
    if (tags_[at] == kEmpty) return static_cast<int>(at);
    const bool older = oldest < 0 || lines_[at].used < lines_[static_cast<std::size_t>(oldest)].used;
    if (older && lines_[at].fill.under_way == 0) oldest = static_cast<int>(at);
  }
  return oldest;
}

Cache::Access Cache::find(int slice, std::uint64_t index, std::uint64_t number) {
  const std::size_t set = static_cast<std::size_t>(slice) * static_cast<std::size_t>(sets_) +
                          static_cast<std::size_t>(by_sets_.remainder(index));
  const std::uint32_t now = ++clocks_[set];
  const auto tag = static_cast<std::uint32_t>(number);
  const std::uint32_t* ways = tags_.data() + set * static_cast<std::size_t>(ways_);
  for (int way = 0; way < ways_; ++way)
    if (ways[way] == tag) {
      const auto at = static_cast<int>(set * static_cast<std::size_t>(ways_)) + way;
      lines_[static_cast<std::size_t>(at)].used = now;
      return {at};
    }
  Access access{victim_of(set)};
  if (access.line < 0) return access;
  const auto at = static_cast<std::size_t>(access.line);
  access.write_back = lines_[at].dirty;
  access.victim = tags_[at];
  if (access.write_back != 0) ++write_backs_;
  tags_[at] = tag;
  lines_[at] = {};
  lines_[at].used = now;
  return access;
}

Cache::Access Cache::read(int slice, std::uint64_t index, std::uint64_t number, Sectors wanted) {
  Access access = find(slice, index, number);
  access.missing = wanted;
  if (access.line >= 0) {
    Line& line = lines_[static_cast<std::size_t>(access.line)];
    access.missing = wanted & ~line.valid;
    line.valid |= wanted;
  }
  ++(access.missing == 0 ? hits_ : misses_);
  return access;
}

Cache::Access Cache::write(int slice, std::uint64_t index, std::uint64_t number, Sectors written) {
  Access access = find(slice, index, number);
  if (access.line >= 0) {
    Line& line = lines_[static_cast<std::size_t>(access.line)];
    line.valid |= written;
    line.dirty |= written;
  }
  return access;
}

}  // namespace leto::model
