// The cache part of the shared SRAM (LLC), in front of device memory: which lines are where, never their
// bytes.
//
// Models: sectored lines of a power of two of bytes, a sector a DRAM burst; set associative, true LRU, write
// back, allocated by reads and writes alike, filled only with the sectors asked for. Eager: a line of which
// stores have written every sector goes to memory at once. Lines sit in slices, one an SRAM bank; within a
// slice consecutive lines go to consecutive sets, so that a contiguous working set of the cache's size fits
// exactly. A line whose fill is under way is never evicted. A write of part of a sector is merged by byte
// masks, without reading. Leaves out: tag look-up as a resource of its own (it is part of the bank's
// latency).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/divider.h"
#include "model/kernel/pool.h"

namespace leto::model {

/// One bit a sector of a line, bit 0 the lowest address.
using Sectors = std::uint64_t;
inline constexpr Sectors sectors(int first, int last) {
  return (~Sectors{0} >> (63 - (last - first))) << first;
}

class Cache {
 public:
  /// All of the SRAM that is not scratch. Too small for a line a slice: no cache, present() is false.
  Cache(const SramConfig& sram, int sector_bytes);

  bool present() const { return sets_ > 0; }
  /// 0: no cache.
  static std::int64_t sets_a_slice(const SramConfig& sram);
  int line_bytes() const { return line_bytes_; }
  /// Over all slices.
  int sets() const { return static_cast<int>(sets_) * static_cast<int>(slices_); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(capacity()) * line_bytes_; }
  int sector_bytes() const { return line_bytes_ / sectors_; }
  /// Lines that fit, over all slices.
  std::uint64_t capacity() const { return static_cast<std::uint64_t>(sets_ * ways_) * slices_; }
  Sectors all_sectors() const { return sectors(0, sectors_ - 1); }

  /// The sectors of a line that `bytes` from byte `address` on touch; they must lie in one line.
  Sectors touched(std::uint64_t address, std::int64_t bytes) const {
    const std::uint64_t offset = by_line_.remainder(address);
    return sectors(static_cast<int>(by_sector_.quotient(offset)),
                   static_cast<int>(by_sector_.quotient(offset + static_cast<std::uint64_t>(bytes) - 1)));
  }

  struct Access {
    int way = -1;              // of its set; -1: every way waits for a fill, nothing was allocated
    Sectors missing = 0;       // of those asked for (reads)
    Sectors write_back = 0;    // dirty sectors of the line that had to leave …
    std::uint64_t victim = 0;  // … and its number
    bool whole = false;        // eager: this write made all of the line dirty; it is clean now
  };
  /// The set of the `index`-th line of a slice.
  int set_of(int slice, std::uint64_t index) const {
    return slice * static_cast<int>(sets_) + static_cast<int>(by_sets_.remainder(index));
  }
  /// Line `number` (address / line_bytes) of a set is read or written.
  Access read(int set, std::uint64_t number, Sectors wanted);
  Access write(int set, std::uint64_t number, Sectors written);
  /// Asks the host to have at hand soon what a read or a write of a set needs.
  void prefetch(int set) const {
    const HostLine* const first = host_lines_.data() + first_of(set);
    for (std::size_t i = 0; i < host_lines_a_set_; ++i) __builtin_prefetch(first + i, 1);
  }

  /// The same for the end of a fill.
  void prefetch_fill(int set, int fill) const {
    __builtin_prefetch(&header_of(set), 1);
    fills_.prefetch(fill);
  }

  /// Every dirty line becomes clean: write_back(slice, number, its dirty sectors), set by set.
  template <class WriteBack>
  void clean(WriteBack&& write_back) {
    for (int set = 0; set < sets(); ++set)
      for (int way = 0; way < ways_; ++way) {
        const Sectors dirty = sectors_in(dirty_of(set), way);
        if (dirty == 0) continue;
        ++counts_.write_backs;
        write_back(set / static_cast<int>(sets_), std::uint64_t{tags_of(set)[way]}, dirty);
        put_sectors(dirty_of(set), way, 0);
      }
  }

  /// Bytes are on their way into a line of a set: the number of its fill.
  int begin_fill(int set, int way);
  /// Bytes of a fill have come. Were they the last ones: the head of the caller's list of those who wait for
  /// its line (-1: none).
  int end_fill(int set, int fill);
  /// The line's fill; -1: there is none under way.
  int fill_of(int set, int way) const {
    int fill = header_of(set).fills;
    while (fill >= 0 && fills_[fill].way != way) fill = fills_[fill].next;
    return fill;
  }
  /// The head of the caller's list of those who wait for a fill (-1: none).
  int& waiters(int fill) { return fills_[fill].waiters; }

  struct Counts {
    std::uint64_t hits = 0, misses = 0, write_backs = 0;
  };
  const Counts& counts() const { return counts_; }
  std::uint64_t hits() const { return counts_.hits; }
  std::uint64_t misses() const { return counts_.misses; }
  std::uint64_t write_backs() const { return counts_.write_backs; }
  /// As if what was counted since `before` had happened `times` times more.
  void repeat_since(const Counts& before, std::uint64_t times) {
    const Counts now = counts_;
    counts_.hits += (now.hits - before.hits) * times;
    counts_.misses += (now.misses - before.misses) * times;
    counts_.write_backs += (now.write_backs - before.write_backs) * times;
  }

  void state(Snapshot& s) { s(host_lines_, fills_, counts_); }

 private:
  /// Bytes on their way into a line. There are few at a time, so they lie apart from the lines.
  struct Fill {
    int way, next;  // next: fill of the same set; -1: none
    int under_way;  // requests
    int waiters;
  };
  // All of a set side by side, from the begin of one of the host's lines on, since all of it exceeds the
  // host's second caches: by way the tags (line numbers), by way the ranks (0: the way used last), a header,
  // by way the valid and the dirty sectors. Ways are made up to a multiple of kTogether, so that they can be
  // looked at so many at a time.
  static constexpr std::size_t kHostLine = 64;
  static constexpr int kTogether = 16;
  struct alignas(kHostLine) HostLine {
    std::array<std::byte, kHostLine> bytes;
  };
  using Rank = std::uint16_t;
  struct Header {
    int taken;  // ways that hold a line: the first ones
    int fills;  // under way: the first one; -1: none
  };

  std::size_t first_of(int set) const { return static_cast<std::size_t>(set) * host_lines_a_set_; }
  template <class T>
  T* part(int set, std::size_t offset) {
    return reinterpret_cast<T*>(host_lines_[first_of(set)].bytes.data() + offset);
  }
  template <class T>
  const T* part(int set, std::size_t offset) const {
    return reinterpret_cast<const T*>(host_lines_[first_of(set)].bytes.data() + offset);
  }
  std::uint32_t* tags_of(int set) { return part<std::uint32_t>(set, 0); }
  Rank* ranks_of(int set) { return part<Rank>(set, ranks_at_); }
  Header& header_of(int set) { return *part<Header>(set, header_at_); }
  const Header& header_of(int set) const { return *part<Header>(set, header_at_); }
  std::uint32_t* valid_of(int set) { return part<std::uint32_t>(set, valid_at_); }
  std::uint32_t* dirty_of(int set) { return part<std::uint32_t>(set, dirty_at_); }
  // Of a line of up to 32 sectors one word, else two.
  Sectors sectors_in(const std::uint32_t* of, int way) const {
    if (words_ == 1) return of[way];
    return of[2 * way] | std::uint64_t{of[2 * way + 1]} << 32;
  }
  void put_sectors(std::uint32_t* of, int way, Sectors sectors) const {
    of[words_ * way] = static_cast<std::uint32_t>(sectors);
    if (words_ == 2) of[2 * way + 1] = static_cast<std::uint32_t>(sectors >> 32);
  }

  /// The tag of a way that holds no line: of a byte that no device memory has.
  static constexpr std::uint32_t kNoLine = ~std::uint32_t{0};
  /// The rank of a way that is none.
  static constexpr Rank kNoWay = ~Rank{0};
  Access find(int set, std::uint64_t number);
  template <class Number>
  int way_of(const Number* numbers, Number number) const;
  void use(int set, int way);
  int place_in(int set);

  int line_bytes_, sectors_, ways_;
  bool eager_;
  std::uint64_t slices_;
  std::int64_t sets_;  // a slice
  Divider by_line_, by_sector_, by_sets_;
  int words_;                                               // of a line's sectors
  std::size_t ranks_at_, header_at_, valid_at_, dirty_at_;  // in a set, in bytes
  std::size_t host_lines_a_set_;
  std::vector<HostLine> host_lines_;  // by set
  Pool<Fill> fills_;
  Counts counts_;
};

}  // namespace leto::model
