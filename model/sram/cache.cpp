#include "model/sram/cache.h"

#include <algorithm>
#include <numeric>

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
      words_(sectors_ > 32 ? 2 : 1) {
  const auto round_up = [](std::size_t to, std::size_t bytes) { return (bytes + to - 1) / to * to; };
  const std::size_t ways = round_up(kTogether, static_cast<std::size_t>(ways_));
  const std::size_t masks = ways * static_cast<std::size_t>(words_) * sizeof(std::uint32_t);
  ranks_at_ = ways * sizeof(std::uint32_t);
  header_at_ = ranks_at_ + ways * sizeof(Rank);
  valid_at_ = round_up(kHostLine, header_at_ + sizeof(Header));
  dirty_at_ = valid_at_ + masks;
  host_lines_a_set_ = round_up(kHostLine, dirty_at_ + masks) / kHostLine;
  host_lines_.resize(static_cast<std::size_t>(sets()) * host_lines_a_set_);
  for (int set = 0; set < sets(); ++set) {
    std::fill_n(tags_of(set), ways, kNoLine);
    std::fill_n(ranks_of(set), ways, kNoWay);
    std::iota(ranks_of(set), ranks_of(set) + ways_, Rank{0});
    header_of(set) = {0, -1};
  }
}

std::int64_t Cache::sets_a_slice(const SramConfig& sram) {
  return (sram.bytes - scratch_bytes(sram)) / sram.banks / sram.line_bytes / sram.ways;
}

// Where a line that is not there may go: a free way, else that of the least recently used line of those that
// are not being filled; -1 when all are.
int Cache::place_in(int set) {
  if (Header& header = header_of(set); header.taken < ways_) return header.taken++;
  const bool filling = header_of(set).fills >= 0;
  for (int rank = ways_ - 1; rank >= 0; --rank) {
    const int way = way_of(ranks_of(set), static_cast<Rank>(rank));
    if (!filling || fill_of(set, way) < 0) return way;
  }
  return -1;
}

// The way whose number this is, of which no two ways have the same: all are looked at, several at a time and
// without a jump; -1: none.
template <class Number>
int Cache::way_of(const Number* numbers, Number number) const {
  for (int first = 0; first < ways_; first += kTogether) {
    Number found = 0;
    for (int i = 0; i < kTogether; ++i)
      found |= numbers[first + i] == number ? static_cast<Number>(i + 1) : Number{0};
    if (found != 0) return first + static_cast<int>(found) - 1;
  }
  return -1;
}

// From now on the way is the one used last: those used since it was are a rank further.
void Cache::use(int set, int way) {
  Rank* const ranks = ranks_of(set);
  const Rank rank = ranks[way];
  if (rank == 0) return;
  for (int first = 0; first < ways_; first += kTogether)
    for (int i = first; i < first + kTogether; ++i)
      ranks[i] = static_cast<Rank>(ranks[i] + (ranks[i] < rank ? 1 : 0));
  ranks[way] = 0;
}

int Cache::begin_fill(int set, int way) {
  int fill = fill_of(set, way);
  if (fill < 0) {
    fill = fills_.take();
    fills_[fill] = {way, header_of(set).fills, 0, -1};
    header_of(set).fills = fill;
  }
  ++fills_[fill].under_way;
  return fill;
}

int Cache::end_fill(int set, int fill) {
  if (--fills_[fill].under_way > 0) return -1;
  int* before = &header_of(set).fills;
  while (*before != fill) before = &fills_[*before].next;
  *before = fills_[fill].next;
  fills_.give(fill);
  return fills_[fill].waiters;
}

Cache::Access Cache::find(int set, std::uint64_t number) {
  const auto tag = static_cast<std::uint32_t>(number);
  std::uint32_t* const tags = tags_of(set);
  Access access{way_of(tags, tag)};
  if (access.way >= 0) {
    use(set, access.way);
    return access;
  }
  access.way = place_in(set);
  if (access.way < 0) return access;
  access.write_back = sectors_in(dirty_of(set), access.way);
  access.victim = tags[access.way];
  if (access.write_back != 0) ++counts_.write_backs;
  tags[access.way] = tag;
  use(set, access.way);
  put_sectors(valid_of(set), access.way, 0);
  put_sectors(dirty_of(set), access.way, 0);
  return access;
}

Cache::Access Cache::read(int set, std::uint64_t number, Sectors wanted) {
  Access access = find(set, number);
  access.missing = wanted;
  if (access.way >= 0) {
    const Sectors valid = sectors_in(valid_of(set), access.way);
    access.missing = wanted & ~valid;
    if (access.missing != 0) put_sectors(valid_of(set), access.way, valid | wanted);
  }
  ++(access.missing == 0 ? counts_.hits : counts_.misses);
  return access;
}

Cache::Access Cache::write(int set, std::uint64_t number, Sectors written) {
  Access access = find(set, number);
  if (access.way < 0) return access;
  const Sectors dirty = sectors_in(dirty_of(set), access.way) | written;
  put_sectors(valid_of(set), access.way, sectors_in(valid_of(set), access.way) | written);
  access.whole = eager_ && dirty == all_sectors();
  if (access.whole) ++counts_.write_backs;
  put_sectors(dirty_of(set), access.way, access.whole ? 0 : dirty);
  return access;
}

}  // namespace leto::model
