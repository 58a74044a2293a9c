#include "model/sram/cache.h"

#include <algorithm>

namespace leto::model {

Cache::Cache(const SramConfig& sram, int sector_bytes)
    : line_bytes_(sram.line_bytes),
      sectors_(sram.line_bytes / sector_bytes),
      ways_(sram.ways),
      eager_(sram.eager_write_back),
      slices_(static_cast<std::uint64_t>(sram.banks)),
      sets_(sets_a_slice(sram)),
      by_line_(static_cast<std::uint64_t>(sram.line_bytes)),
      by_sector_(static_cast<std::uint64_t>(sector_bytes)),
      by_sets_(static_cast<std::uint64_t>(std::max<std::int64_t>(sets_, 1))),
      tags_(capacity(), kNoLine),
      used_(capacity(), 0),
      valid_(capacity(), 0),
      dirty_(capacity(), 0),
      fills_(capacity()),
      clocks_(static_cast<std::size_t>(sets_) * slices_, 0),
      filling_(static_cast<std::size_t>(sets_) * slices_, 0),
      taken_(static_cast<std::size_t>(sets_) * slices_, 0) {}

std::int64_t Cache::sets_a_slice(const SramConfig& sram) {
  return (sram.bytes - scratch_bytes(sram)) / sram.banks / sram.line_bytes / sram.ways;
}

// Where a line that is not there may go: a free way, else that of the least recently used line of those that
// are not being filled; -1 when all are.
int Cache::place_in(int set) {
  const auto first = static_cast<int>(first_of(set));
  if (std::uint32_t& taken = taken_[static_cast<std::size_t>(set)]; taken < static_cast<std::uint32_t>(ways_))
    return first + static_cast<int>(taken++);
  const std::uint32_t* used = used_.data() + first;
  if (filling_[static_cast<std::size_t>(set)] == 0) return first + way_of(used, least(used));
  int oldest = -1;
  std::uint32_t oldest_used = ~std::uint32_t{0};
  for (int line = first; line < first + ways_; ++line)
    if (used_[static_cast<std::size_t>(line)] < oldest_used && !filling(set, line)) {
      oldest = line;
      oldest_used = used_[static_cast<std::size_t>(line)];
    }
  return oldest;
}

// The way whose number this is, of which no two ways have the same: all are looked at, several at a time and
// without a jump; -1: none.
int Cache::way_of(const std::uint32_t* numbers, std::uint32_t number) const {
  std::uint32_t found = 0;
  for (std::uint32_t way = 0; way < static_cast<std::uint32_t>(ways_); ++way)
    found |= numbers[way] == number ? way + 1 : 0;
  return static_cast<int>(found) - 1;
}

// Of clocks, which stay below 2^31.
std::uint32_t Cache::least(const std::uint32_t* clocks) const {
  std::int32_t least = static_cast<std::int32_t>(clocks[0]);
  for (int way = 1; way < ways_; ++way) least = std::min(least, static_cast<std::int32_t>(clocks[way]));
  return static_cast<std::uint32_t>(least);
}

Cache::Access Cache::find(int set, std::uint64_t number) {
  const std::uint32_t now = ++clocks_[static_cast<std::size_t>(set)];
  const auto tag = static_cast<std::uint32_t>(number);
  const std::size_t first = first_of(set);
  if (const int way = way_of(tags_.data() + first, tag); way >= 0) {
    const std::size_t at = first + static_cast<std::size_t>(way);
    used_[at] = now;
    return {static_cast<int>(at)};
  }
  Access access{place_in(set)};
  if (access.line < 0) return access;
  const auto at = static_cast<std::size_t>(access.line);
  access.write_back = dirty_[at];
  access.victim = tags_[at];
  if (access.write_back != 0) ++counts_.write_backs;
  tags_[at] = tag;
  used_[at] = now;
  valid_[at] = dirty_[at] = 0;
  return access;
}

Cache::Access Cache::read(int set, std::uint64_t number, Sectors wanted) {
  Access access = find(set, number);
  access.missing = wanted;
  if (access.line >= 0) {
    Sectors& valid = valid_[static_cast<std::size_t>(access.line)];
    access.missing = wanted & ~valid;
    valid |= wanted;
  }
  ++(access.missing == 0 ? counts_.hits : counts_.misses);
  return access;
}

Cache::Access Cache::write(int set, std::uint64_t number, Sectors written) {
  Access access = find(set, number);
  if (access.line >= 0) {
    valid_[static_cast<std::size_t>(access.line)] |= written;
    Sectors& dirty = dirty_[static_cast<std::size_t>(access.line)];
    dirty |= written;
    access.whole = eager_ && dirty == all_sectors();
    if (access.whole) {
      ++counts_.write_backs;
      dirty = 0;
    }
  }
  return access;
}

}  // namespace leto::model
