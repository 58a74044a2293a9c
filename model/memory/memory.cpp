#include "model/memory/memory.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "isa/instruction.h"

namespace leto::model {

Memory::Memory(const ChipConfig& chip, bool unlimited_hbm, const Noc& noc, Pool<Piece>& pieces,
               Client& client)
    : pieces_(pieces),
      client_(client),
      sram_(chip.sram, chip.pe.clock_mhz),
      hbm_(chip, unlimited_hbm),
      cache_(chip.sram, chip.dram.burst_bytes),
      by_line_(static_cast<std::uint64_t>(chip.sram.line_bytes)),
      lines_a_block_(hbm_.interleave().divisor() / by_line_.divisor()),
      serve_at_(static_cast<std::size_t>(chip.hbm.channels), kNever) {
  const int banks = sram_.banks(), channels = hbm_.channels();
  for (int bank = 0; bank < banks; ++bank) sram_router_.push_back(noc.router_of_memory(bank, banks));
  for (int channel = 0; channel < channels; ++channel)
    hbm_router_.push_back(noc.router_of_memory(channel, channels));
  // Banks and channels lie along the same edges: a channel's slices are those beside it.
  const auto beside = [banks, channels](int channel) {
    return static_cast<int>(std::int64_t{channel} * banks / channels);
  };
  std::vector<std::uint64_t> sharing(static_cast<std::size_t>(banks), 0);
  for (int channel = 0; channel < channels; ++channel) {
    const int first = beside(channel);
    slices_.push_back(
        {first, std::max(1, beside(channel + 1) - first), 0, sharing[static_cast<std::size_t>(first)]++});
  }
  for (Slices& slices : slices_) slices.sharing = sharing[static_cast<std::size_t>(slices.first)];
}

void Memory::load(int id, Cycle now) {
  Piece& piece = pieces_[id];
  piece.writes = 0;
  piece.fill = {};
  if (piece.scratch()) return client_.loaded(id, sram_.read(BankPort::load, piece.unit, piece.bytes, now));
  const auto tag = static_cast<std::uint32_t>(id);
  if (!cache_.present()) return transfer(piece.address, piece.bytes, false, tag, now);

  const std::uint64_t number = by_line_.quotient(piece.address);
  const Cache::Access access = cache_.read(piece.set, number, cache_.touched(piece.address, piece.bytes));
  if (access.write_back != 0) write_back(piece.unit, access.victim, access.write_back, kNobody, now);
  if (access.missing != 0) {
    if (access.way >= 0) piece.fill.number = cache_.begin_fill(piece.set, access.way);
    const int first = std::countr_zero(access.missing), end = 64 - std::countl_zero(access.missing);
    const std::int64_t sector = cache_.sector_bytes();
    transfer(number * by_line_.divisor() + static_cast<std::uint64_t>(first * sector), (end - first) * sector,
             false, tag, now);
    return;
  }
  if (const int fill = cache_.fill_of(piece.set, access.way); fill >= 0) return wait(id, fill);
  client_.loaded(id, sram_.read(BankPort::load, piece.unit, piece.bytes, now));
}

void Memory::store(int id, Cycle now) {
  Piece& piece = pieces_[id];
  piece.writes = 1;
  piece.ready = 0;
  const auto tag = static_cast<std::uint32_t>(id);
  if (!piece.scratch() && !cache_.present()) return transfer(piece.address, piece.bytes, true, tag, now);
  piece.ready = sram_.write(BankPort::store, piece.unit, piece.bytes, now);
  if (piece.scratch()) return client_.stored(id, piece.ready);

  const std::uint64_t number = by_line_.quotient(piece.address);
  const Cache::Access access = cache_.write(piece.set, number, cache_.touched(piece.address, piece.bytes));
  if (access.way < 0) return transfer(piece.address, piece.bytes, true, tag, now);
  if (access.write_back == 0 && !access.whole) return client_.stored(id, piece.ready);
  write_back(piece.unit, access.victim, access.write_back, access.whole ? kNobody : tag, now);
  if (access.whole) write_back(piece.unit, number, cache_.all_sectors(), tag, now);
}

// The dirty bursts of a line that leaves, one request a run of neighbours; the last one answers.
void Memory::write_back(int slice, std::uint64_t line, Sectors dirty, std::uint32_t tag, Cycle now) {
  const std::int64_t sector = cache_.sector_bytes();
  while (dirty != 0) {
    const int first = std::countr_zero(dirty), count = std::countr_one(dirty >> first);
    dirty &= ~sectors(first, first + count - 1);
    sram_.read(BankPort::write_back, slice, count * sector, now);
    transfer(line * by_line_.divisor() + static_cast<std::uint64_t>(first * sector), count * sector, true,
             dirty == 0 ? tag : kNobody, now);
  }
}

void Memory::fetched(int id, Cycle now) {
  Piece& piece = pieces_[id];
  if (piece.fill.number < 0) return;
  sram_.write(BankPort::fill, piece.unit, piece.bytes, now);
  const int fill = std::exchange(piece.fill.number, -1);
  release(cache_.end_fill(piece.set, fill), now);
}

void Memory::wait(int id, int fill) {
  pieces_[id].fill.next = cache_.waiters(fill);
  cache_.waiters(fill) = id;
}

// In order of arrival: the list has the last one first.
void Memory::release(int last, Cycle now) {
  int reversed = -1;
  for (int id = last; id >= 0;) {
    const int next = pieces_[id].fill.next;
    pieces_[id].fill.next = reversed;
    reversed = id;
    id = next;
  }
  for (int id = reversed; id >= 0;) {
    Piece& piece = pieces_[id];
    const int next = std::exchange(piece.fill.next, -1);
    client_.loaded(id, sram_.read(BankPort::load, piece.unit, piece.bytes, now));
    id = next;
  }
}

void Memory::pass(const Piece& piece, bool write, bool sampled) {
  if (!piece.scratch() && !cache_.present()) return hbm_.count(piece.address, piece.bytes, write, 1);
  if (write || piece.scratch()) sram_.count(piece.bytes, write);
  if (piece.scratch() || (sampled && !samples(piece))) return;
  const std::uint64_t times = sampled && cache_.sets() >= kFewestSampled ? kSampled : 1;
  const std::uint64_t number = by_line_.quotient(piece.address);
  const Sectors touched = cache_.touched(piece.address, piece.bytes);
  const Cache::Counts before = cache_.counts();
  const Cache::Access access =
      write ? cache_.write(piece.set, number, touched) : cache_.read(piece.set, number, touched);
  cache_.repeat_since(before, times - 1);
  if (access.way < 0 && write) return hbm_.count(piece.address, piece.bytes, true, times);
  const auto leave = [&](std::uint64_t line, Sectors dirty) {
    sram_.count(static_cast<std::int64_t>(times) * std::popcount(dirty) * cache_.sector_bytes(), false);
    count_device(line, dirty, true, times);
  };
  leave(access.victim, access.write_back);
  if (access.whole) leave(number, cache_.all_sectors());
  if (access.missing == 0) {
    if (!write) sram_.count(static_cast<std::int64_t>(times) * piece.bytes, false);
    return;
  }
  count_device(number, sectors(std::countr_zero(access.missing), 63 - std::countl_zero(access.missing)),
               false, times);
  if (access.way >= 0) sram_.count(static_cast<std::int64_t>(times) * piece.bytes, true);
}

// Traffic of the sectors of a line, run by run.
void Memory::count_device(std::uint64_t line, Sectors touched, bool write, std::uint64_t times) {
  const std::int64_t sector = cache_.sector_bytes();
  while (touched != 0) {
    const int first = std::countr_zero(touched), count = std::countr_one(touched >> first);
    touched &= ~sectors(first, first + count - 1);
    hbm_.count(line * by_line_.divisor() + static_cast<std::uint64_t>(first * sector), count * sector, write,
               times);
  }
}

void Memory::clean(Cycle now) {
  cleaned_ = now;
  cache_.clean(
      [&](int slice, std::uint64_t line, Sectors dirty) { write_back(slice, line, dirty, kCleaner, now); });
}

void Memory::transfer(std::uint64_t address, std::int64_t bytes, bool write, std::uint32_t tag, Cycle now) {
  if (outside_) return outside_->submit(address, bytes, write, tag);
  const Hbm::Place place = hbm_.place_of(address);
  if (const auto at = hbm_.submit(place, bytes, write, tag, now))
    done(tag, *at);
  else
    look_ahead(place.channel, now);
}

void Memory::look_ahead(int channel, Cycle now) {
  const Cycle due = hbm_.due(channel);
  Cycle& at = serve_at_[static_cast<std::size_t>(channel)];
  if (due >= at) return;
  at = std::max(due, now + 1);
  client_.serve_at(channel, at);
}

void Memory::serve(int channel, Cycle now) {
  Cycle& at = serve_at_[static_cast<std::size_t>(channel)];
  if (at != now) return;
  at = kNever;
  hbm_.serve(channel, now, [this](std::uint32_t tag, Cycle when) { done(tag, when); });
  look_ahead(channel, now);
}

void Memory::done(std::uint32_t tag, Cycle at) {
  if (tag == kNobody) return;
  if (tag == kCleaner) {
    cleaned_ = std::max(cleaned_, at);
    return;
  }
  const auto id = static_cast<int>(tag);
  const Piece& piece = pieces_[id];
  if (piece.writes)
    client_.stored(id, std::max(piece.ready, at));
  else
    client_.fetching(id, at);
}

}  // namespace leto::model
