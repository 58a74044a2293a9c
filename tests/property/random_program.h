// Random legal programs: a pure function of a seed. A program is a chain of segments with a grid barrier
// between them. In a segment each core runs an arm of its own, in its own half of the local store, of the
// buffers and of the banks; or all cores and PEs take part in one joint arm, which is where they wait for one
// another. Reads go to the source region or to what an earlier segment wrote, writes to the slot of (segment,
// core, PE), so that no two PEs race. Why nothing can deadlock: within a PE every command waits only for
// commands issued before it, and one joint arm at a time waits in one direction.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/rng.h"
#include "isa/command.h"
#include "isa/program.h"

namespace leto::property {

class RandomProgram {
 public:
  static constexpr std::int64_t kSource = 1 << 20;  // bytes of the source region, from address 0
  static constexpr std::int64_t kSlot = 1 << 14;    // bytes that a core writes in a segment
  static constexpr int kPes = 4;                    // of the tiny chip
  static constexpr int kMostSegments = 4;

  explicit RandomProgram(std::uint64_t seed) : seed_(seed) {
    const auto segments = between(1, kMostSegments);
    for (segment_ = 0; segment_ < segments; ++segment_) segment();
    for (auto& text : core_) text += "end\n";
  }

  std::string text() const {
    std::string head = ".name \"random\"\n.chip \"tiny\"\n";
    for (int i = 0; i < 4; ++i)
      head += fmt::format(".source \"op{}\" kind=\"random\" phase=\"forward\" useful_macs=0 dtype=\"\"\n", i);
    return head + ".core 0\n" + core_[0] + ".core 1\n" + core_[1];
  }
  /// Bytes from 0 that hold everything the program writes.
  static constexpr std::int64_t memory_bytes() { return kSource + kMostSegments * 2 * kPes * kSlot; }

 private:
  using Shape = std::array<std::int64_t, 6>;
  static constexpr int kAddress = 1, kTarget = 2, kCount = 3, kIndex = 4, kScratch = 5;  // registers
  static constexpr std::int64_t kHalf = 65536;  // bytes of the local store that a core uses

  // ---- draws ----

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(
                     uniform_below(seed_, 0, draws_++, static_cast<std::uint64_t>(high - low + 1)));
  }
  template <class T>
  T one_of(std::initializer_list<T> items) {
    return items.begin()[between(0, std::ssize(items) - 1)];
  }

  // ---- text ----

  template <class... Args>
  void line(fmt::format_string<Args...> form, Args&&... args) {
    core_[at_] += fmt::format(form, std::forward<Args>(args)...) + fmt::format(" @{}\n", between(0, 3));
  }
  std::string b(int i) const { return fmt::format("b{}", 16 * at_ + static_cast<std::size_t>(i)); }
  int bank() const { return static_cast<int>(at_) * 8; }
  void shape(int first, const Shape& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      line("set rd=r{} value={}", first + static_cast<int>(i), values[i]);
  }
  /// Both cores: every tile that the segment uses, then the barrier that makes the definitions good.
  void define(int i, std::int64_t base, std::int64_t bytes, std::int64_t depth) {
    line("buffer id={} base={} bytes={} depth={}", b(i), static_cast<std::int64_t>(at_) * kHalf + base, bytes,
         depth);
  }
  void ready() { core_[at_] += "barrier scope=pe\n"; }

  /// kAddress: somewhere to read up to `bytes` from; a shared address is the same on all PEs.
  void set_source(std::int64_t bytes, bool shared) {
    if (segment_ > 0 && between(0, 2) == 0) {
      const auto written = slot(segment_, 0, 0) - kSource;
      line("set rd=r{} value={}", kAddress,
           kSource + between(0, std::max<std::int64_t>(written - bytes, 0) / 4) * 4);
      return;
    }
    line("set rd=r{} value={}", kAddress, between(0, (kSource / 2 - bytes) / 4) * 4);
    if (shared) return;
    line("where rd=r{} which=index", kIndex);
    line("muli rd=r{0} ra=r{0} value={1}", kIndex, between(0, kSource / 2 / kPes / 4) * 4);
    line("add rd=r{0} ra=r{0} rb=r{1}", kAddress, kIndex);
  }
  static std::int64_t slot(std::int64_t segment, std::int64_t core, std::int64_t pe) {
    return kSource + ((segment * 2 + core) * kPes + pe) * kSlot;
  }
  /// kTarget: this core's slot.
  void set_target() {
    line("where rd=r{} which=index", kTarget);
    line("muli rd=r{0} ra=r{0} value={1}", kTarget, kSlot);
    line("addi rd=r{0} ra=r{0} value={1}", kTarget, slot(segment_, static_cast<std::int64_t>(at_), 0));
  }
  /// A loop of `most` iterations at most, fewer on some PEs, none at times; `body` instructions follow.
  void loop(std::int64_t most, int body, bool uniform) {
    line("set rd=r{} value={}", kCount, most);
    if (!uniform && between(0, 1) == 0) {
      line("where rd=r{} which={}", kIndex, one_of<const char*>({"row", "column", "index"}));
      line("sub rd=r{0} ra=r{0} rb=r{1}", kCount, kIndex);
    }
    line("loop count=r{} length={}", kCount, body);
  }
  std::string load(int i, std::string_view multicast = "none") {
    return fmt::format("load dst={} reserve=1 push=1 address=r{} shape=r10 multicast={}", b(i), kAddress,
                       multicast);
  }
  std::string store(int i) {
    return fmt::format("store src={} wait=1 pop=1 address=r{} shape=r16", b(i), kTarget);
  }

  // ---- segments ----

  void segment() {
    const auto kind = between(0, 7);
    if (kind == 0) return joint(&RandomProgram::handoff);
    if (kind == 1) return joint(&RandomProgram::chain);
    if (kind == 2) return joint(&RandomProgram::ring);
    if (kind == 3) return joint(&RandomProgram::multicast);
    for (at_ = 0; at_ < 2; ++at_) arm();
    close();
  }
  void joint(void (RandomProgram::*both)()) {
    (this->*both)();
    close();
  }
  void close() {
    for (auto& text : core_) text += "barrier scope=all\n";
  }

  void arm() {
    switch (between(0, 8)) {
      case 0:
        return copies();
      case 1:
        return vector();
      case 2:
        return layout();
      case 3:
        return matmul();
      case 4:
        return gather();
      case 5:
        return scatter();
      case 6:
        return sort();
      case 7:
        return collect();
      default:
        return scalar();
    }
  }

  /// Rows of memory through a ring, to rows closer together.
  void copies() {
    const auto bytes = 4 * between(1, 64), rows = between(1, 8), planes = between(1, 2),
               tiles = between(1, 4);
    const auto pitch = bytes + 4 * between(0, 4), tile = rows * planes * pitch;
    define(0, 0, tile, between(1, 3));
    ready();
    set_source(32768, false);
    set_target();
    shape(10, {bytes, rows, bytes * between(1, 3), planes, 8192, pitch});
    shape(16, {bytes, rows, bytes, planes, bytes * rows, pitch});
    loop(tiles, 4, false);
    line("{}", load(0));
    line("{}", store(0));
    line("addi rd=r{0} ra=r{0} value={1}", kAddress, 4 * between(0, 64));
    line("addi rd=r{0} ra=r{0} value={1}", kTarget, std::min(kSlot / 4, bytes * rows * planes));
  }

  /// Loads one tile of `bytes` into buffer i, in one piece.
  void fetch(int i, std::int64_t bytes) {
    set_source(bytes, false);
    shape(10, {bytes, 1, bytes, 1, 0, bytes});
    line("{}", load(i));
  }
  void put(int i, std::int64_t bytes) {
    set_target();
    shape(16, {bytes, 1, bytes, 1, 0, bytes});
    line("{}", store(i));
  }

  /// One pass of the vector engine over operands of their own types and modes. Only what the pass reads is
  /// loaded.
  void vector() {
    const auto rows = between(1, 24), columns = between(1, 40);
    const auto tile = rows * columns * 8;  // int64 is the widest
    const std::string op(enumerator(isa::FieldKind::vector_op));
    const std::string a_mode(enumerator(isa::FieldKind::broadcast)),
        b_mode(enumerator(isa::FieldKind::broadcast));
    for (int i = 0; i < 3; ++i) define(i, i * 8192, tile, 1);
    ready();
    const auto operand = [&](int i, char name, std::string_view mode) {
      return fmt::format("{0}={1} {0}_wait=1 {0}_pop=1 {0}_type={2} {0}_mode={3}", name, b(i), type(), mode);
    };
    const auto pass =
        fmt::format("vector op={} {} {} dst={} reserve=1 push=1 dst_type={} reduce={} value={} shape=r22", op,
                    operand(0, 'a', a_mode), operand(1, 'b', b_mode), b(2), type(),
                    enumerator(isa::FieldKind::reduce), static_cast<double>(between(-64, 64)) / 16);
    const auto command =
        isa::capture(isa::from_text(pass, "pass"), std::vector<std::int64_t>(isa::kRegisters), 0, 0);
    if (isa::reads_a(command)) fetch(0, tile);
    if (isa::reads_b(command)) fetch(1, tile);
    shape(22, {rows, columns, columns * 8, columns * 8, columns * 8, between(0, 9)});
    line("{}", pass);
    put(2, tile);
  }
  std::string_view enumerator(isa::FieldKind kind) {
    const auto names = isa::enumerators(kind);
    return names[static_cast<std::size_t>(between(0, std::ssize(names) - 1))];
  }
  std::string_view type() { return enumerator(isa::FieldKind::dtype); }

  void layout() {
    const auto rows = between(1, 40), columns = between(1, 40);
    const auto [name, size] = one_of<std::pair<const char*, int>>(
        {{"fp32", 4}, {"bf16", 2}, {"int8", 1}, {"int64", 8}, {"fp8_e5m2", 1}});
    const bool turned = between(0, 1) == 0;
    const auto source = columns * size + 4 * between(0, 2),
               target = (turned ? rows : columns) * size + 4 * between(0, 2);
    const auto bytes = rows * source, result = (turned ? columns : rows) * target;
    define(0, 0, bytes, 1);
    define(1, 32768, result, between(1, 2));
    ready();
    fetch(0, bytes);
    shape(22, {rows, columns, source, target, 0, 0});
    line("{} dst={} reserve=1 push=1 src={} wait=1 pop=1 type={} shape=r22", turned ? "transpose" : "copy",
         b(1), b(0), name);
    put(1, result);
  }

  /// k in blocks; at times the sums go out to the local store and come back before the last one.
  void matmul() {
    const auto m = between(1, 64), n = between(1, 64), k = between(1, 32), blocks = between(1, 3);
    const bool spilled = blocks > 1 && between(0, 1) == 0;
    operands(m, n, k);
    define(2, 16384, m * n * 4, 1);
    define(3, 40960, m * n * 4, 1);
    ready();
    shape(34, {m, n, n * 4, 0, 0, 0});
    for (std::int64_t block = 0; block < blocks; ++block) {
      const bool last = block + 1 == blocks;
      feed(m, n, k);
      multiply(block == 0, last || (spilled && block == 0));
      if (!spilled || block != 0 || last) continue;
      drain(2);
      line("fill bank={} src={} wait=1 pop=1 shape=r34", bank(), b(2));
    }
    drain(3);
    put(3, m * n * 4);
  }
  void operands(std::int64_t m, std::int64_t n, std::int64_t k) {
    held_ = one_of<const char*>({"bf16", "fp16", "fp8_e4m3", "fp8_e5m2"});
    streamed_ = one_of<const char*>({"bf16", "fp16", "fp8_e4m3", "fp8_e5m2"});
    define(0, 0, m * k * 2, between(1, 2));
    define(1, 8192, n * k * 2, between(1, 2));
  }
  void feed(std::int64_t m, std::int64_t n, std::int64_t k) {
    fetch(0, m * k * 2);
    fetch(1, n * k * 2);
    shape(28, {m, n, k, k * 2, k * 2, 0});
  }
  void multiply(bool first, bool last) {
    line(
        "matmul held={} held_wait=1 held_pop=1 stream={} stream_wait=1 stream_pop=1 held_type={} "
        "stream_type={} bank={} first={} last={} shape=r28",
        b(0), b(1), held_, streamed_, bank(), int{first}, int{last});
  }
  void drain(int i) { line("drain bank={} dst={} reserve=1 push=1 dst_type=fp32 shape=r34", bank(), b(i)); }

  /// An index list in memory is the source's small numbers: they are below 64.
  std::int64_t indices(int i) {
    const auto count = between(1, 16);
    define(i, 32768, count * 8, 1);
    return count;
  }
  void fetch_indices(int i, std::int64_t count) {
    line("set rd=r{} value={}", kAddress, kSource / 2 + 8 * between(0, 500));
    shape(10, {count * 8, 1, count * 8, 1, 0, count * 8});
    line("{}", load(i));
  }
  void gather() {
    const auto bytes = 4 * between(1, 32);
    const auto count = indices(1);
    define(0, 0, count * bytes, 1);
    ready();
    fetch_indices(1, count);
    set_source(64 * 256, false);
    shape(22, {bytes, count, between(0, 1) * 4 + bytes, 64, 0, bytes});
    line("gather dst={} reserve=1 push=1 index={} wait=1 pop=1 index_type=int64 address=r{} shape=r22", b(0),
         b(1), kAddress);
    put(0, count * bytes);
  }
  void scatter() {
    const auto bytes = 4 * between(1, 32);
    const auto count = indices(1);
    define(0, 0, count * bytes, 1);
    ready();
    fetch_indices(1, count);
    fetch(0, count * bytes);
    set_target();
    shape(22, {bytes, count, bytes, 64, 0, bytes});
    line(
        "scatter src={} wait=1 pop=1 index={} index_wait=1 index_pop=1 index_type=int64 address=r{} "
        "shape=r22",
        b(0), b(1), kTarget);
  }

  /// Slots are the index list's halves: small numbers and zeros in turn.
  void collect() {
    const auto columns = between(1, 24), rows = indices(1), slots = std::int64_t{64};
    define(0, 0, rows * columns * 4, 1);
    define(2, 16384, slots * columns * 4, 1);
    ready();
    fetch_indices(1, rows);
    fetch(0, rows * columns * 4);
    shape(22, {rows, columns, slots, columns * 4, 0, 0});
    line(
        "collect dst={} reserve=1 push=1 src={} wait=1 pop=1 src_type=fp32 slots={} slots_wait=1 slots_pop=1 "
        "shape=r22",
        b(2), b(0), b(1));
    put(2, slots * columns * 4);
  }

  /// A radix pass over a list of keys, which nothing writes (with values off it has to be there): its pairs
  /// or their seams go to memory.
  void sort() {
    const auto records = between(1, 16), bits = between(1, 4), digits = std::int64_t{1} << bits;
    const auto shift = between(0, 8);
    const bool numbers = between(0, 1) == 0;
    define(0, 0, records * 8, 1);
    define(1, 4096, 8 + 4 * digits, 1);
    define(2, 8192, digits * 8 + records * 8, 1);
    define(3, 16384, 4 * digits, 0);
    define(4, 20480, 24, 1);
    ready();
    fetch_indices(0, records);
    set_target();
    shape(22, {records, 8, shift, bits, 0, 0});
    line("count dst={} reserve=1 push=1 src={} wait=1 pop=0 type=int64 shape=r22", b(1), b(0));
    shape(28, {1, digits, 0, 0, 0, 0});
    line("set rd=r43 value=8");
    line("offsets dst={} src={} src_offset=r43 wait=1 pop=1 shape=r28", b(3), b(1));
    shape(34, {records, 8, shift, bits, between(0, 9), between(0, 3)});
    line("group dst={} reserve=1 push=1 src={} pop=1 places={} type=int64 shape=r34", b(2), b(0), b(3));
    if (!numbers) return spread(2, 8, digits, records);
    shape(28, {records, 0, between(0, 1), 0, 0, 0});
    line("set rd=r43 value={}", digits * 8);
    line("number dst={} reserve=1 push=1 src={} src_offset=r43 wait=1 pop=1 what=4 shape=r28", b(4), b(2));
    spread(4, 8, 1, 2);
  }
  void spread(int i, std::int64_t bytes, std::int64_t runs, std::int64_t records) {
    shape(16, {bytes, runs, records, records, 0, 0});
    line("spread src={} wait=1 pop=1 address=r{} shape=r16", b(i), kTarget);
  }

  /// Arithmetic on coordinates and nested loops; what comes out is an address offset that a store shows.
  void scalar() {
    define(0, 0, 64, 1);
    ready();
    fetch(0, 64);
    line("where rd=r{} which={}", kScratch,
         one_of<const char*>({"row", "column", "index", "rows", "columns", "count"}));
    line("set rd=r40 value={}", between(1, 7));
    loop(between(0, 5), 4, false);
    line("set rd=r41 value={}", between(0, 4));
    line("loop count=r41 length=2");
    line("addi rd=r{0} ra=r{0} value={1}", kScratch, between(-50, 50));
    line("{} rd=r{} ra=r{} rb=r40", one_of<const char*>({"add", "sub", "mul", "div", "rem", "min", "max"}),
         kScratch, kScratch);
    line("set rd=r42 value={}", 64);
    line("rem rd=r{0} ra=r{0} rb=r42", kScratch);
    line("muli rd=r{0} ra=r{0} value=64", kScratch);
    set_target();
    line("add rd=r{0} ra=r{0} rb=r{1}", kTarget, kScratch);
    shape(16, {64, 1, 64, 1, 0, 64});
    line("{}", store(0));
  }

  // ---- joint arms ----

  /// Core 0 loads, core 1 stores, through one ring.
  void handoff() {
    const auto bytes = 4 * between(1, 200), tiles = between(1, 6);
    at_ = 0;
    define(0, 0, bytes, between(1, 4));
    ready();
    set_source(bytes + 4 * tiles, false);
    shape(10, {bytes, 1, bytes, 1, 0, bytes});
    loop(tiles, 2, true);
    line("{}", load(0));
    line("addi rd=r{0} ra=r{0} value=4", kAddress);
    const auto ring = b(0);
    at_ = 1;
    ready();
    set_target();
    shape(16, {bytes, 1, bytes, 1, 0, bytes});
    loop(tiles, 2, true);
    line("store src={} wait=1 pop=1 address=r{} shape=r16", ring, kTarget);
    line("addi rd=r{0} ra=r{0} value={1}", kTarget, bytes);
  }

  /// Partial sums run along a row or a column of the grid: the far PE keeps the total.
  void chain() {
    const auto [from, to, axis] =
        one_of<std::array<const char*, 3>>({{"west", "east", "column"}, {"north", "south", "row"}});
    const auto m = between(1, 64), n = between(1, 64), k = between(1, 32);
    at_ = 0;
    ready();
    at_ = 1;
    operands(m, n, k);
    define(3, 40960, m * n * 4, 1);
    ready();
    shape(34, {m, n, n * 4, 0, 0, 0});
    feed(m, n, k);
    multiply(true, true);
    line("where rd=r{} which={}", kIndex, axis);  // 0 sends, 1 receives: the tiny grid is two by two
    line("loop count=r{} length=1", kIndex);
    line("merge bank={} from={} shape=r34", bank(), from);
    line("set rd=r{} value=1", kCount);
    line("sub rd=r{0} ra=r{0} rb=r{1}", kCount, kIndex);
    line("loop count=r{} length=1", kCount);
    line("pass bank={} to={} shape=r34", bank(), to);
    set_target();
    shape(16, {m * n * 4, 1, m * n * 4, 1, 0, m * n * 4});
    line("loop count=r{} length=2", kIndex);
    drain(3);
    line("{}", store(3));
  }

  /// Every PE reads what its neighbour has just written, ordered by a semaphore alone.
  void ring() {
    const auto bytes = 4 * between(1, 64);
    const auto semaphore = between(0, 15), count = between(1, 3);
    at_ = 1;
    ready();
    at_ = 0;
    define(0, 0, bytes, 1);
    define(1, 4096, bytes, 1);
    ready();
    fetch(0, bytes);
    put(0, bytes);
    line("where rd=r{} which=index", kIndex);
    line("addi rd=r{0} ra=r{0} value=1", kIndex);
    line("set rd=r40 value={}", kPes);
    line("rem rd=r{0} ra=r{0} rb=r40", kIndex);
    line("post pe=r{} semaphore={} count={}", kIndex, semaphore, count);
    line("wait semaphore={} count={}", semaphore, count);
    line("where rd=r{} which=index", kIndex);
    line("addi rd=r{0} ra=r{0} value={1}", kIndex, kPes - 1);
    line("rem rd=r{0} ra=r{0} rb=r40", kIndex);
    line("muli rd=r{0} ra=r{0} value={1}", kIndex, kSlot);
    line("addi rd=r{} ra=r{} value={}", kAddress, kIndex, slot(segment_, 0, 0));
    line("{}", load(1));
    line("addi rd=r{0} ra=r{0} value=8192", kTarget);
    line("{}", store(1));
  }

  /// Core 0 of all PEs issues the same loads; core 1 of all does something of its own.
  void multicast() {
    const auto bytes = 4 * between(1, 500), tiles = between(1, 4);
    const auto group = one_of<const char*>({"row", "column", "all"});
    at_ = 0;
    define(0, 0, bytes, between(1, 3));
    ready();
    set_source(bytes + 4 * tiles, true);
    set_target();
    shape(10, {bytes, 1, bytes, 1, 0, bytes});
    shape(16, {bytes, 1, bytes, 1, 0, bytes});
    loop(tiles, 4, true);
    line("{}", load(0, group));
    line("{}", store(0));
    line("addi rd=r{0} ra=r{0} value=4", kAddress);
    line("addi rd=r{0} ra=r{0} value={1}", kTarget, bytes);
    at_ = 1;
    arm();
  }

  std::uint64_t seed_, draws_ = 0;
  std::int64_t segment_ = 0;
  std::size_t at_ = 0;  // the core that is being written
  std::string core_[2];
  const char *held_ = "", *streamed_ = "";
};

}  // namespace leto::property
