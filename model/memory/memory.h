// Everything behind the edge of the NoC: SRAM banks (scratch and LLC) and device memory, as one thing at
// which pieces of transfers arrive.
//
// A scratch piece holds its bank. A device piece goes to the LLC slice beside its channel: a hit holds the
// bank; a miss fetches the missing bursts from the channel, which go out as they come in and are written to
// the bank as well; whoever asks for bytes that are on their way waits for them. A store is taken by the
// bank; when it sends a dirty line to memory, one that has to leave for it or (eager) its own, it is
// acknowledged when the channel has accepted that line. At the end of a job the dirty lines are written back:
// what a program has stored ends in device memory. Where the chip file leaves no room for a cache, pieces go
// to their channel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "base/snapshot.h"
#include "model/hbm/hbm.h"
#include "model/kernel/pool.h"
#include "model/memory/piece.h"
#include "model/noc/interleave.h"
#include "model/noc/noc.h"
#include "model/sram/cache.h"
#include "model/sram/sram.h"
#include "model/tlm/memory_socket.h"

namespace leto::model {

class Memory {
 public:
  /// Where the answers go; `at` is never earlier than the call that caused it.
  class Client {
   public:
    virtual ~Client() = default;
    /// The last byte of a load leaves memory's router at `at`.
    virtual void loaded(int piece, Cycle at) = 0;
    /// The same, from device memory: fetched(piece, at) is due then.
    virtual void fetching(int piece, Cycle at) = 0;
    /// Memory has accepted a store.
    virtual void stored(int piece, Cycle at) = 0;
    /// serve(channel) is due at `at`, unless a later call asks for an earlier time.
    virtual void serve_at(int channel, Cycle at) = 0;
  };

  /// `unlimited_hbm`: device memory answers at once.
  Memory(const ChipConfig& chip, bool unlimited_hbm, const Noc& noc, Pool<Piece>& pieces, Client& client);
  /// From now on `outside` answers in place of Hbm, through answered().
  void replace_hbm(MemorySocket& outside) { outside_ = &outside; }
  void answered(std::uint32_t tag, Cycle at) { done(tag, at); }

  /// Tells `observer` of every access from now on; may be null.
  void watch(Observer* observer) {
    sram_.watch(observer);
    hbm_.watch(observer);
  }
  /// Tells `watch` of every request to an SRAM bank from now on; may be null.
  void watch_banks(BankWatch* watch) { sram_.watch_banks(watch); }

  /// Cuts what lies from an address on into pieces, one after the other.
  class Cutter {
   public:
    Cutter(const Memory& memory, std::uint64_t address);
    /// The next piece, of at most `most` bytes. `fragment` and `modify` of it are the caller's.
    void next(Piece& piece, std::int64_t most, int fragment = 0, bool modify = false);

   private:
    const Memory& memory_;
    std::uint64_t base_, offset_;  // of scratch or device memory, and in it
    bool cached_;
    const Divider &grain_, &block_;  // pieces lie in one grain; a block is one grain or more
    std::uint64_t in_block_;         // bytes of it before offset_
    BlockWalk blocks_;
  };

  /// A piece is about to be loaded, stored or passed: asks the host to have what it needs at hand.
  void prefetch(const Piece& piece) const {
    if (cache_.present() && !piece.scratch()) cache_.prefetch(piece.set);
  }
  /// The same, before it is fetched.
  void prefetch_fetched(const Piece& piece) const {
    if (piece.fill.number >= 0) cache_.prefetch_fill(piece.set, piece.fill.number);
  }
  /// A piece's request, or its bytes, have come to its unit.
  void load(int piece, Cycle now);
  void store(int piece, Cycle now);
  /// Its bytes have come from device memory.
  void fetched(int piece, Cycle now);
  /// A piece that is counted and not simulated: it moves the LLC's content, and takes no time. `sampled`:
  /// only where its set is one of those that stand for kSampled each; what it does there counts so many
  /// times.
  void pass(const Piece& piece, bool write, bool sampled);
  bool samples(const Piece& piece) const { return cache_.sets() < kFewestSampled || is_sample(piece.set); }

  /// The device memory's channel answers.
  void serve(int channel, Cycle now);
  /// Writes all dirty lines back from `now` on; they stay in the cache.
  void clean(Cycle now);
  /// When the channels had accepted them.
  Cycle cleaned() const { return cleaned_; }

  const Sram& sram() const { return sram_; }
  const Cache& cache() const { return cache_; }
  const Hbm& hbm() const { return hbm_; }

  void state(Snapshot& s) { s(sram_, hbm_, cache_, serve_at_, cleaned_); }

 private:
  /// The LLC slices of a channel, or the channel's part of a slice it shares.
  struct Slices {
    int first, count;                // slices
    std::uint64_t sharing, ordinal;  // channels on the slice, and which of them this is
  };
  struct Line {
    int slice;
    std::uint64_t index;  // in the slice
  };
  /// Tags of requests that belong to no piece: nobody waits, or clean() does.
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0}, kCleaner = kNobody - 1;

  /// Of the LLC's sets, one in so many is a sample, spread so that no stride of addresses meets only them;
  /// a cache of fewer sets has none.
  static constexpr int kSampledBits = 4, kSampled = 1 << kSampledBits, kFewestSampled = 1024;
  static bool is_sample(int set) {
    return static_cast<std::uint32_t>(set) * 0x9e3779b9u >> (32 - kSampledBits) == 0;
  }
  Line line_of(int channel, std::uint64_t line_of_channel) const;
  const Divider& grain(bool scratch) const {
    return scratch ? sram_.interleave() : cache_.present() ? by_line_ : hbm_.interleave();
  }
  void transfer(std::uint64_t address, std::int64_t bytes, bool write, std::uint32_t tag, Cycle now);
  void done(std::uint32_t tag, Cycle at);
  void look_ahead(int channel, Cycle now);
  void write_back(int slice, std::uint64_t line, Sectors dirty, std::uint32_t tag, Cycle now);
  void count_device(std::uint64_t line, Sectors touched, bool write, std::uint64_t times);
  void wait(int piece, int fill);
  void release(int last, Cycle now);

  Pool<Piece>& pieces_;
  Client& client_;
  Sram sram_;
  Hbm hbm_;
  MemorySocket* outside_ = nullptr;
  Cache cache_;
  Divider by_line_;
  std::uint64_t lines_a_block_;                // of device memory's interleaving
  std::vector<int> sram_router_, hbm_router_;  // by bank, by channel
  std::vector<Slices> slices_;                 // by channel
  std::vector<Cycle> serve_at_;                // by channel: the call that is due
  Cycle cleaned_ = 0;
};

// A channel's lines take turns on its slices; the channels of a shared slice take turns on its lines.
inline Memory::Line Memory::line_of(int channel, std::uint64_t line) const {
  const Slices& slices = slices_[static_cast<std::size_t>(channel)];
  if (slices.count == 1) return {slices.first, line * slices.sharing + slices.ordinal};
  const auto count = static_cast<std::uint64_t>(slices.count);
  return {slices.first + static_cast<int>(line % count), line / count};
}

inline Memory::Cutter::Cutter(const Memory& memory, std::uint64_t address)
    : memory_(memory),
      base_(address >= isa::kSramBase ? isa::kSramBase : 0),
      offset_(address - base_),
      cached_(base_ == 0 && memory.cache_.present()),
      grain_(memory.grain(base_ != 0)),
      block_(base_ != 0 ? memory.sram_.interleave() : memory.hbm_.interleave()),
      in_block_(block_.remainder(offset_)),
      blocks_(base_ != 0 ? memory.sram_.spread() : memory.hbm_.spread(), block_.quotient(offset_)) {}

inline void Memory::Cutter::next(Piece& piece, std::int64_t most, int fragment, bool modify) {
  const std::uint64_t grain = grain_.quotient(in_block_);
  const std::uint64_t bytes =
      std::min(static_cast<std::uint64_t>(most), (grain + 1) * grain_.divisor() - in_block_);
  auto unit = static_cast<int>(blocks_.unit());
  int set = 0;
  if (cached_) {
    const Line line = memory_.line_of(unit, blocks_.above() * memory_.lines_a_block_ + grain);
    unit = line.slice;
    set = memory_.cache_.set_of(line.slice, line.index);
  }
  const bool bank = base_ != 0 || cached_;
  const int router = (bank ? memory_.sram_router_ : memory_.hbm_router_)[static_cast<std::size_t>(unit)];
  // At once, not reading what the host may not have at hand.
  piece = {.address = base_ + offset_,
           .bytes = static_cast<std::uint32_t>(bytes),
           .modify = modify ? 1u : 0u,
           .writes = 0,
           .fragment = fragment,
           .set = set,
           .unit = static_cast<std::uint16_t>(unit),
           .router = static_cast<std::uint16_t>(router),
           .fill = {}};
  offset_ += bytes;
  in_block_ += bytes;
  if (in_block_ < block_.divisor()) return;
  in_block_ = 0;
  blocks_.next();
}

}  // namespace leto::model
