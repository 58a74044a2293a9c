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
      last_way_(static_cast<std::size_t>(sets_) * slices_, 0) {}

Sectors Cache::touched(std::uint64_t address, std::int64_t bytes) const {
  const std::uint64_t offset = by_line_.remainder(address);
  return sectors(static_cast<int>(by_sector_.quotient(offset)),
                 static_cast<int>(by_sector_.quotient(offset + static_cast<std::uint64_t>(bytes) - 1)));
}

void Cache::prefetch(int set) const {
  const std::size_t first = first_of(set);
  __builtin_prefetch(tags_.data() + first);
  __builtin_prefetch(lines_.data() + first + last_way_[static_cast<std::size_t>(set)]);
}

// Least recently used of the lines that are not being filled; -1 when all are.
int Cache::victim_of(int set) const {
  int oldest = -1;
  for (std::size_t at = first_of(set), end = at + static_cast<std::size_t>(ways_); at < end; ++at) {
    if (tags_[at] == kEmpty) return static_cast<int>(at);
    const bool older = oldest < 0 || lines_[at].used < lines_[static_cast<std::size_t>(oldest)].used;
    if (older && lines_[at].fill.under_way == 0) oldest = static_cast<int>(at);
  }
  return oldest;
}

// The way that holds a line; the number of ways when none does.
std::uint32_t Cache::way_of(int set, std::uint32_t tag) const {
  const std::uint32_t* tags = tags_.data() + first_of(set);
  const std::uint32_t last = last_way_[static_cast<std::size_t>(set)];
  if (tags[last] == tag) return last;
  const auto ways = static_cast<std::uint32_t>(ways_);
  std::uint32_t way = 0;
  while (way < ways && tags[way] != tag) ++way;
  return way;
}

Cache::Access Cache::find(int set, std::uint64_t number) {
  const std::uint64_t now = ++accesses_;
  const auto tag = static_cast<std::uint32_t>(number);
  if (const std::uint32_t way = way_of(set, tag); way < static_cast<std::uint32_t>(ways_)) {
    last_way_[static_cast<std::size_t>(set)] = static_cast<std::uint8_t>(way);
    const std::size_t at = first_of(set) + way;
    lines_[at].used = now;
    return {static_cast<int>(at)};
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
  last_way_[static_cast<std::size_t>(set)] = static_cast<std::uint8_t>(at - first_of(set));
  return access;
}

Cache::Access Cache::read(int set, std::uint64_t number, Sectors wanted) {
  Access access = find(set, number);
  access.missing = wanted;
  if (access.line >= 0) {
    Line& line = lines_[static_cast<std::size_t>(access.line)];
    access.missing = wanted & ~line.valid;
    line.valid |= wanted;
  }
  ++(access.missing == 0 ? hits_ : misses_);
  return access;
}

Cache::Access Cache::write(int set, std::uint64_t number, Sectors written) {
  Access access = find(set, number);
  if (access.line >= 0) {
    Line& line = lines_[static_cast<std::size_t>(access.line)];
    line.valid |= written;
    line.dirty |= written;
  }
  return access;
}

}  // namespace leto::model
