// count, offsets, group, spread: the steps of a radix sort; number: what follows from its pairs. Places and
// counts are int32.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/errors.h"
#include "isa/ops/ops.h"

namespace leto::isa {
namespace {

std::int32_t int_at(const std::byte* list, std::int64_t i) {
  std::int32_t x;
  std::memcpy(&x, list + i * kIndexBytes, sizeof x);
  return x;
}

void put(std::byte* list, std::int64_t i, std::int64_t value) {
  const auto x = static_cast<std::int32_t>(value);
  std::memcpy(list + i * kIndexBytes, &x, sizeof x);
}

void add_to(std::byte* list, std::int64_t i, std::int64_t value) {
  put(list, i, int_at(list, i) + value);
}

const std::byte* source(const Command& command, const PeState& pe) {
  return pe.at(operands_of(command).item[1], footprint(command, 1));
}
std::byte* result(const Command& command, PeState& pe) {
  return pe.at(operands_of(command).item[0], footprint(command, 0));
}

/// The digits of a list of records.
class Digits {
 public:
  explicit Digits(const Command& command, const std::byte* records)
      : records_(records),
        stride_(command.shape[1]),
        shift_(static_cast<int>(command.shape[2])),
        mask_((std::uint32_t{1} << command.shape[3]) - 1) {}
  /// An int64 key's low half comes first.
  std::int32_t key(std::int64_t i) const {
    std::int32_t x;
    std::memcpy(&x, records_ + i * stride_, sizeof x);
    return x;
  }
  std::uint32_t digit(std::int64_t i) const { return static_cast<std::uint32_t>(key(i)) >> shift_ & mask_; }
  std::int32_t payload(std::int64_t i) const { return int_at(records_ + i * stride_, 1); }

 private:
  const std::byte* records_;
  std::int64_t stride_;
  int shift_;
  std::uint32_t mask_;
};

}  // namespace

namespace ops {

void count(const Command& command, PeState& pe) {
  const std::byte* records = source(command, pe);
  std::byte* to = result(command, pe);
  const std::int64_t counts = std::int64_t{1} << command.shape[3];
  put(to, 0, command.shape[4]);
  put(to, 1, 1);
  std::byte* list = to + kPairBytes;
  if (command[count_t::accumulate] == 0) std::memset(list, 0, static_cast<std::size_t>(counts * kIndexBytes));
  const Digits digits(command, records);
  for (std::int64_t i = 0; i < command.shape[0]; ++i) add_to(list, digits.digit(i), 1);
}

void offsets(const Command& command, PeState& pe) {
  const std::byte* lists = source(command, pe);
  std::byte* to = result(command, pe);
  const std::int64_t many = command.shape[0], counts = command.shape[1], number = command.shape[2];
  std::int64_t smaller = 0;
  for (std::int64_t d = 0; d < counts; ++d) {
    std::int64_t before = 0, all = 0;
    for (std::int64_t list = 0; list < many; ++list) {
      const std::int32_t x = int_at(lists, list * counts + d);
      if (list < number) before += x;
      all += x;
    }
    put(to, d, smaller + before);
    smaller += all;
  }
}

void group(const Command& command, PeState& pe) {
  const Digits from(command, source(command, pe));
  std::byte* header = result(command, pe);
  std::byte* places = pe.at(operands_of(command).item[2], footprint(command, 2));
  const std::int64_t n = command.shape[0], digits = std::int64_t{1} << command.shape[3];
  const std::int64_t first = command.shape[4], share = command.shape[5];
  std::vector<std::int64_t> next(static_cast<std::size_t>(digits) + 1, 0);
  for (std::int64_t i = 0; i < n; ++i) ++next[from.digit(i) + 1];
  for (std::int64_t d = 0; d < digits; ++d) {
    const std::int64_t records = next[static_cast<std::size_t>(d) + 1];
    put(header, 2 * d, int_at(places, d));
    put(header, 2 * d + 1, records);
    add_to(places, d, records);
    next[static_cast<std::size_t>(d) + 1] += next[static_cast<std::size_t>(d)];
  }
  std::byte* pairs = header + digits * kPairBytes;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t at = next[from.digit(i)]++;
    put(pairs, 2 * at, from.key(i));
    put(pairs, 2 * at + 1, share == 0 ? from.payload(i) : (first + i) / share);
  }
}

void number(const Command& command, PeState& pe) {
  enum What : std::uint8_t { slots, keys, payloads, seams, run };
  const auto what = static_cast<What>(command[number_t::what]);
  const std::byte* loaded = source(command, pe);
  std::byte* to = result(command, pe);
  const std::int64_t number = command.shape[1], before = command.shape[2], behind = command.shape[3];
  const std::int64_t share = std::max<std::int64_t>(command.shape[4], 1);
  const std::byte* pairs = loaded + before * kPairBytes;
  const std::int64_t n = numbered_pairs(command);
  const auto key = [&](std::int64_t i) { return int_at(pairs, 2 * i); };
  // The keys that the neighbours have in common with the tile.
  const std::int32_t begun = n > 0 && before > 0 && key(-1) == key(0) ? key(0) : -1;
  const std::int32_t goes_on = n > 0 && behind > 0 && key(n) == key(n - 1) ? key(n - 1) : -1;
  if (what == run) {
    const std::int64_t place = 2 * number, entries[] = {place, 2, begun, place, goes_on, place + 1};
    for (std::int64_t i = 0; i < std::ssize(entries); ++i) put(to, i, entries[i]);
    return;
  }
  std::int64_t start = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t k = key(i);
    if (i == 0 || k != key(i - 1)) start = i;
    const std::int64_t seam = k < 0 ? -1 : k == begun ? 0 : k == goes_on ? 1 : -1;
    const std::int64_t slot = k < 0 || seam >= 0 ? -1 : start;
    const std::int64_t by_what[] = {slot, slot == i ? k : -1, k < 0 ? -1 : int_at(pairs, 2 * i + 1) / share,
                                    seam};
    put(to, i, by_what[what]);
  }
}

void spread(const Command& command, PeState& pe, Memory& memory) {
  const std::byte* tile = pe.at(operands_of(command).item[0], footprint(command, 0));
  const std::byte* records = tile + command.shape[1] * kPairBytes;
  for (const Run& run : indexed_runs(command, pe)) {
    memory.write(run.address, records, static_cast<std::size_t>(run.bytes));
    records += run.bytes;
  }
}

}  // namespace ops

namespace {

std::vector<Run> spread_runs(const Command& command, const PeState& pe) {
  const std::byte* header = pe.at(operands_of(command).item[0], footprint(command, 0));
  const std::int64_t bytes = command.shape[0], places = command.shape[2];
  const auto base = static_cast<std::uint64_t>(command[spread_t::address]);
  std::vector<Run> runs;
  std::int64_t records = 0;
  for (std::int64_t run = 0; run < command.shape[1]; ++run) {
    const std::int64_t place = int_at(header, 2 * run), many = int_at(header, 2 * run + 1);
    records += many;
    if (place < 0 || many < 0 || place + many > places || records > command.shape[3])
      throw Error(ExitCode::illegal_program,
                  fmt::format("{}: run {} of {} records at place {} goes beyond {} places or {} records",
                              describe(command), run, many, place, places, command.shape[3]),
                  "spread what group, count or number left in the tile");
    if (many > 0 && bytes > 0)
      runs.push_back({base + static_cast<std::uint64_t>(place * bytes), many * bytes});
  }
  return runs;
}

}  // namespace

std::vector<Run> indexed_runs(const Command& command, const PeState& pe) {
  if (command.opcode == Opcode::spread) return spread_runs(command, pe);
  return runs_of(command, index_rows(command, pe));
}

}  // namespace leto::isa
