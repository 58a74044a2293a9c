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

#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/kernel/divider.h"

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
  int sets() const { return static_cast<int>(clocks_.size()); }
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
    int line = -1;             // -1: every way waits for a fill, nothing was allocated
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
  /// Asks the host to have at hand soon what a read, or a write, of a set needs.
  void prefetch(int set, bool write) const {
    constexpr std::size_t kHostLine = 64;
    const std::size_t first = first_of(set), ways = static_cast<std::size_t>(ways_);
    for (std::size_t way = 0; way < ways; way += kHostLine / sizeof tags_[0]) {
      __builtin_prefetch(tags_.data() + first + way);
      __builtin_prefetch(used_.data() + first + way, 1);
    }
    for (std::size_t way = 0; way < ways; way += kHostLine / sizeof valid_[0]) {
      __builtin_prefetch(valid_.data() + first + way, 1);
      if (write) __builtin_prefetch(dirty_.data() + first + way, 1);
    }
  }
  void prefetch_fill(int line) const { __builtin_prefetch(fills_.data() + line, 1); }

  /// Every dirty line becomes clean: write_back(slice, number, its dirty sectors), set by set.
  template <class WriteBack>
  void clean(WriteBack&& write_back) {
    const auto slice_lines = static_cast<std::size_t>(sets_ * ways_);
    for (std::size_t at = 0; at < dirty_.size(); ++at) {
      if (dirty_[at] == 0) continue;
      ++counts_.write_backs;
      write_back(static_cast<int>(at / slice_lines), std::uint64_t{tags_[at]}, dirty_[at]);
      dirty_[at] = 0;
    }
  }

  /// Bytes are on their way into a line of a set; they have come: the last ones?
  void begin_fill(int set, int line) {
    ++filling_[static_cast<std::size_t>(set)];
    ++fills_[static_cast<std::size_t>(line)].under_way;
  }
  bool end_fill(int set, int line) {
    --filling_[static_cast<std::size_t>(set)];
    return --fills_[static_cast<std::size_t>(line)].under_way == 0;
  }
  bool filling(int set, int line) const {
    return filling_[static_cast<std::size_t>(set)] != 0 &&
           fills_[static_cast<std::size_t>(line)].under_way != 0;
  }
  /// The head of the caller's list of those who wait for a line (-1: none).
  int& waiters(int line) { return fills_[static_cast<std::size_t>(line)].waiters; }

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

  void state(Snapshot& s) { s(tags_, used_, valid_, dirty_, fills_, clocks_, filling_, taken_, counts_); }

 private:
  struct Fill {
    int under_way = 0, waiters = -1;
  };

  std::size_t first_of(int set) const {
    return static_cast<std::size_t>(set) * static_cast<std::size_t>(ways_);
  }
  /// The tag of a way that holds no line: of a byte that no device memory has.
  static constexpr std::uint32_t kNoLine = ~std::uint32_t{0};
  Access find(int set, std::uint64_t number);
  int way_of(const std::uint32_t* numbers, std::uint32_t number) const;
  std::uint32_t least(const std::uint32_t* clocks) const;
  int place_in(int set);

  int line_bytes_, sectors_, ways_;
  bool eager_;
  std::uint64_t slices_;
  std::int64_t sets_;  // a slice
  Divider by_line_, by_sector_, by_sets_;
  // By line, the ways of a set side by side; apart, since few accesses need more than the first three, and
  // all of it exceeds the host's second caches.
  std::vector<std::uint32_t> tags_;  // line numbers
  std::vector<std::uint32_t> used_;  // the set's clock when last touched
  std::vector<Sectors> valid_, dirty_;
  std::vector<Fill> fills_;
  // By set.
  std::vector<std::uint32_t> clocks_;   // accesses
  std::vector<std::uint32_t> filling_;  // fills under way
  std::vector<std::uint32_t> taken_;    // ways that hold a line: the first ones
  Counts counts_;
};

}  // namespace leto::model
