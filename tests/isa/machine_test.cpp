#include "isa/machine.h"

#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;
using Cause = PeState::Hold::Cause;

namespace {

// A copy between two buffers of 64-byte tiles with the flags given.
Command move(std::string_view flags, int core = 0) {
  return command(fmt::format("copy dst=b1 src=b0 type=fp32 {} shape=r10", flags), {1, 16, 64, 64, 0, 0}, {},
                 core);
}

Command loading(std::string_view flags, int core = 0) {
  return command(fmt::format("load dst=b0 address=r20 {} shape=r10", flags), {64, 1, 0, 1, 0, 64}, {4096},
                 core);
}

struct Ring : Bench {
  explicit Ring(int depth = 2) {
    define(0, 0, 64, depth);
    define(1, 1024, 64, depth);
  }
};

Command scratch_vector(std::string_view fields) {
  return command(fmt::format("vector op=copy dst=b2 a=b2 {} shape=r10", fields), {1, 4, 16, 16, 16, 0});
}

Command banked(std::string_view text) {
  return command(std::string(text) + " shape=r10", {33, 33, 0, 2, 2, 0});
}

void illegal(Bench& bench, Command c, std::string_view part) {
  const Caught error = caught([&] { bench.pe.begin(c); });
  CHECK(error.code == ExitCode::illegal_program);
  CHECK_MESSAGE(error.says(part), error.text);
  CHECK(error.says("core "));
  CHECK_FALSE(error.remedy.empty());
}

}  // namespace

TEST_CASE("a tile goes from writer to reader and its space comes back") {
  Ring r;
  CHECK(r.pe.hold(move("wait=1")).cause == Cause::data);
  r.run(loading("reserve=1 push=1"));
  r.run(loading("reserve=1 push=1"));
  CHECK(r.pe.hold(loading("reserve=1 push=1")).cause == Cause::space);
  CHECK(r.pe.hold(loading("reserve=1")).buffer == 0);
  r.run(move("wait=1 pop=1 reserve=1 push=1"));
  CHECK(r.pe.buffer(0).full() == 1);
  CHECK(r.pe.buffer(1).full() == 1);
  CHECK(r.pe.hold(loading("reserve=1 push=1")).cause == Cause::none);
}

TEST_CASE("a tile may be written and read by several commands of one unit") {
  Ring r;
  r.run(loading("reserve=1"));
  CHECK(r.pe.hold(move("wait=1")).cause == Cause::data);
  r.run(loading("push=1"));
  r.run(move("wait=1 reserve=1 push=1"));
  r.run(move("reserve=1 push=1"));
  CHECK(r.pe.buffer(0).full() == 1);
  CHECK(r.pe.hold(move("pop=1 reserve=1 push=1")).cause == Cause::space);
}

TEST_CASE("missing waits and reserves are errors whatever the timing") {
  Ring r;
  illegal(r, loading("push=1"), "writes b0 without a reserved tile");
  r.run(loading("reserve=1 push=1"));
  illegal(r, loading(""), "without a reserved tile");
  illegal(r, move("reserve=1"), "reads b0 without waiting");
  Ring s;
  s.run(loading("reserve=1 push=1"));
  s.run(loading("reserve=1 push=1"));
  s.run(move("wait=1 pop=1 reserve=1 push=1"));
  illegal(s, move("reserve=1 push=1"), "reads b0 without waiting");
  Ring t;
  t.run(loading("reserve=1"));
  illegal(t, loading("reserve=1"), "reserved again");
}

TEST_CASE("a second unit or core on one side of a buffer is an error until a barrier") {
  Ring r;
  r.pe.barrier_passed();
  r.run(loading("reserve=1 push=1"));
  illegal(r, loading("reserve=1 push=1", 1), "written by load of core 0");
  Ring s;
  s.run(loading("reserve=1 push=1"));
  const Command vector =
      command("vector op=copy dst=b0 reserve=1 push=1 a_mode=immediate shape=r10", {1, 4, 16, 0, 0, 0});
  illegal(s, vector, "written by load of core 0");
  s.pe.barrier_passed();
  s.run(vector);
  CHECK(s.pe.buffer(0).full() == 2);
}

TEST_CASE("an acquired tile stays with its reader across a barrier") {
  Ring r;
  r.run(loading("reserve=1 push=1"));
  r.run(move("wait=1 reserve=1 push=1"));
  r.pe.barrier_passed();
  r.run(move("pop=1 reserve=1 push=1", 1));
  CHECK(r.pe.buffer(0).full() == 0);
}

TEST_CASE("scratch is private to the unit that touches it first") {
  Bench b;
  b.define(2, 0, 64, 0);
  b.run(scratch_vector("a_mode=immediate value=1"));
  illegal(b, command("copy dst=b2 src=b2 shape=r10", {1, 4, 16, 16, 0, 0}), "used as scratch by vector");
  illegal(b, scratch_vector("a_wait=1"), "scratch");
  illegal(b, scratch_vector("push=1"), "scratch");
  b.pe.barrier_passed();
  illegal(b, command("copy dst=b2 src=b2 shape=r10", {1, 4, 16, 16, 0, 0}), "used as scratch by vector");
  b.define(2, 0, 64, 0);
  b.run(command("copy dst=b2 src=b2 shape=r10", {1, 4, 16, 16, 0, 0}));
}

TEST_CASE("two operands may share a head tile, one of them pops") {
  const auto square = [](std::string_view flags) {
    return command(fmt::format("vector op=multiply dst=b1 reserve=1 push=1 a=b0 b=b0 {} shape=r10", flags),
                   {1, 4, 16, 16, 16, 0});
  };
  Ring r;
  const float x[4] = {1, 2, 3, 4};
  r.memory.write(4096, reinterpret_cast<const std::byte*>(x), 16);
  r.run(loading("reserve=1 push=1"));
  r.run(square("a_wait=1 a_pop=1 b_wait=1"));
  CHECK(r.as<float>(1, 4)[3] == 16);
  r.run(loading("reserve=1 push=1"));
  illegal(r, square("a_wait=1 a_pop=1 b_pop=1"), "pops b0 twice");
}

TEST_CASE("buffers must fit, be defined, and not lie over tiles in use") {
  Bench b;
  CHECK(caught([&] { b.define(0, 65536 - 63, 64, 1); }).says("reaches to byte 65537"));
  CHECK(caught([&] { b.define(0, 0, 1 << 12, 17); }).code == ExitCode::illegal_program);
  illegal(b, loading("reserve=1"), "b0 is not defined");
  b.define(0, 0, 64, 2);
  b.run(loading("reserve=1 push=1"));
  b.pe.barrier_passed();
  CHECK(caught([&] { b.define(1, 127, 64, 1); }).says("overlaps b0, which still holds 1 tiles"));
  CHECK(caught([&] { b.define(0, 4096, 64, 1); }).says("still holds"));
  b.define(1, 128, 64, 1);
}

TEST_CASE("a definition drops the empty ones it overlaps") {
  Bench b;
  b.define(0, 0, 64, 2);
  b.define(1, 64, 64, 1);
  illegal(b, loading("reserve=1"), "b0 is not defined, or a later definition took its bytes");
}

TEST_CASE("definitions are ordered by barriers alone, not by idle units") {
  Ring r;
  Command c = loading("reserve=1 push=1");
  illegal(r, loading("reserve=1 push=1", 1), "which the other core defined, with no barrier between");
  r.pe.begin(c);
  CHECK(caught([&] { r.define(5, 4096, 64, 1); }).says("while units may be busy"));
  r.pe.finish(c);
  CHECK(caught([&] { r.define(5, 4096, 64, 1); }).says("while units may be busy"));
  r.pe.barrier_passed();
  r.define(5, 4096, 64, 1);
}

TEST_CASE("a pipelined unit may begin its next command before the last has finished") {
  Ring r;
  Command first = loading("reserve=1 push=1"), second = loading("reserve=1 push=1");
  r.pe.begin(first);
  CHECK(r.pe.hold(second).cause == Cause::none);
  r.pe.begin(second);
  CHECK(first.tile[0] == 0);
  CHECK(second.tile[0] == 64);
  CHECK(r.pe.hold(loading("reserve=1")).cause == Cause::space);
  CHECK(r.pe.hold(move("wait=1")).cause == Cause::data);
  r.pe.finish(first);
  CHECK(r.pe.hold(move("wait=1")).cause == Cause::none);
  Command reader = move("wait=1 pop=1 reserve=1 push=1");
  r.pe.begin(reader);
  CHECK(r.pe.hold(loading("reserve=1")).cause == Cause::space);
  r.pe.finish(reader);
  CHECK(r.pe.hold(loading("reserve=1")).cause == Cause::none);
  r.pe.finish(second);
  CHECK(r.pe.buffer(0).full() == 1);
}

TEST_CASE("accesses outside a tile are errors, to the byte") {
  Ring r;
  const auto reaching = [](std::int64_t bytes, std::int64_t rows, std::int64_t pitch, std::int64_t offset) {
    return command("load dst=b0 dst_offset=r21 reserve=1 push=1 address=r20 shape=r10",
                   {bytes, rows, 0, 1, 0, pitch}, {0, offset});
  };
  illegal(r, reaching(65, 1, 0, 0), "touches bytes 0 to 65");
  illegal(r, reaching(32, 2, 33, 0), "touches");
  illegal(r, reaching(32, 1, 0, 33), "touches bytes 33 to 65");
  r.run(reaching(32, 2, 32, 0));
  r.run(reaching(31, 2, 33, 0));
  Ring s;
  s.run(reaching(0, 100, 1000, 64));
  CHECK(s.pe.buffer(0).full() == 1);
}

TEST_CASE("extents, types and addresses beyond the encoding's meaning are errors") {
  Bench b;
  b.define(0, 0, 64, 0);
  const auto load = [](std::vector<std::int64_t> shape, std::int64_t address) {
    return command("load dst=b0 address=r20 shape=r10", std::move(shape), {address});
  };
  const auto huge = std::numeric_limits<std::int64_t>::max(), tiny = std::numeric_limits<std::int64_t>::min();
  illegal(b, load({-1, 1, 0, 1, 0, 0}, 0), "bytes per row is -1");
  illegal(b, load({1, huge, 0, 1, 0, 0}, 0), "rows is");
  illegal(b, load({1, 1, 0, 1, 0, tiny}, 0), "pitch is");
  illegal(b, load({1, 2, huge, 1, 0, 1}, 0), "leaves memory");
  illegal(b, load({1, 2, tiny, 1, 0, 1}, 0), "leaves memory");
  illegal(b, load({1, 2, 0, 2, huge, 1}, 0), "leaves memory");
  illegal(b, load({1, 1, 0, 1, 0, 0}, -1), "leaves memory");
  illegal(b, load({1, 1 << 20, 0, 1 << 20, 0, 0}, 0), "multiply to more");
  illegal(b, command("load dst=b0 dst_offset=r20 shape=r10", {1, 1, 0, 1, 0, 0}, {-4}),
          "offset into b0 is -4");
  illegal(b, command("gather dst=b0 index=b0 index_type=fp32 shape=r10", {4, 1, 4, 1, 0, 4}),
          "index_type cannot be fp32");
  illegal(b, command("scatter src=b0 index=b0 index_type=int32 shape=r10", {6, 1, 8, 1, 0, 8}),
          "row of 6 bytes");
  illegal(b,
          command("matmul held=b0 stream=b0 held_type=fp32 stream_type=bf16 shape=r10", {1, 1, 1, 0, 0, 0}),
          "held_type cannot be fp32");
  illegal(b,
          command("matmul held=b0 stream=b0 held_type=bf16 stream_type=int8 shape=r10", {1, 1, 1, 0, 0, 0}),
          "stream_type cannot be int8");
  illegal(b, command("matmul held_type=bf16 stream_type=bf16 shape=r10", {65, 1, 1, 0, 0, 0}), "m is 65");
  illegal(b, command("matmul held_type=bf16 stream_type=bf16 shape=r10", {1, huge, 1, 0, 0, 0}), "n is");
  illegal(b, command("drain dst=b0 dst_type=int32 shape=r10", {1, 1, 4, 0, 0, 0}),
          "dst_type cannot be int32");
  illegal(b, command("vector op=copy accumulate=1 shape=r10", {1, 1, 4, 4, 4, 0}),
          "accumulate without a reduction");
  illegal(b, command("transpose shape=r10", {1, -7, 4, 4, 0, 0}), "columns is -7");
}

TEST_CASE("banks go from free to open to full to free") {
  Bench b;
  b.define(0, 0, 4096, 0);
  b.define(1, 4096, 1 << 14, 4 - 1);
  const auto matmul = [](std::string_view flags) {
    return banked(fmt::format("matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 bank=2 {}", flags));
  };
  const Command drain =
      command("drain bank=2 dst=b1 reserve=1 push=1 dst_type=fp32 shape=r10", {33, 33, 256, 0, 0, 0});
  CHECK(b.pe.hold(matmul("first=0")).cause == Cause::banks_full);
  CHECK(b.pe.hold(drain).cause == Cause::banks_full);
  b.run(matmul("first=1"));
  CHECK(b.pe.bank(2) == BankState::open);
  CHECK(b.pe.bank(5) == BankState::open);
  CHECK(b.pe.bank(6) == BankState::free);
  CHECK(b.pe.hold(matmul("first=1")).cause == Cause::banks_free);
  CHECK(b.pe.hold(drain).cause == Cause::banks_full);
  Command last = matmul("last=1");
  b.pe.begin(last);
  CHECK(b.pe.hold(drain).cause == Cause::banks_full);
  b.pe.finish(last);
  CHECK(b.pe.bank(5) == BankState::full);
  Command draining = drain;
  b.pe.begin(draining);
  CHECK(b.pe.hold(matmul("first=1")).cause == Cause::banks_free);
  b.pe.finish(draining);
  CHECK(b.pe.bank(2) == BankState::free);
  illegal(b, banked("matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 bank=5 first=1"),
          "uses banks 5 to 8, the PE has 8");
}

TEST_CASE("a filled bank opens when the fill is done and a merge keeps it full") {
  Bench b;
  b.define(0, 0, 8192, 2);
  b.define(1, 16384, 4096, 0);
  b.run(command("load dst=b0 reserve=1 push=1 address=r20 shape=r10", {8192, 1, 0, 1, 0, 0}, {0}));
  Command fill = command("fill bank=0 src=b0 wait=1 pop=1 shape=r10", {33, 33, 132, 0, 0, 0});
  const Command go_on = banked("matmul held=b1 stream=b1 held_type=bf16 stream_type=bf16 last=1");
  b.pe.begin(fill);
  CHECK(b.pe.hold(go_on).cause == Cause::banks_full);
  b.pe.finish(fill);
  b.run(go_on);
  const Partials theirs{std::vector<float>(33 * 33, 1.0f), 33, 33};
  b.run(banked("merge bank=0 from=west"), &theirs);
  CHECK(b.pe.bank(0) == BankState::full);
  Partials out;
  b.run(banked("pass bank=0 to=east"), nullptr, &out);
  CHECK(b.pe.bank(0) == BankState::free);
  CHECK(out.values.size() == 33 * 33);
}

TEST_CASE("a vector command names only the operands it reads") {
  const auto count = [](std::string_view text) { return operands_of(command(text)).count; };
  CHECK(count("vector op=add") == 3);
  CHECK(count("vector op=erf") == 2);
  CHECK(count("vector op=add b_mode=immediate") == 2);
  CHECK(count("vector op=copy a_mode=immediate") == 1);
  CHECK(count("vector op=column_is") == 2);
  CHECK(operands_of(command("vector op=column_is a=b4 b=b5")).item[1].buffer == 5);
}

TEST_CASE("with values off the local store still holds what index loads bring") {
  PeState pe(4096, 2, false);
  CHECK_FALSE(pe.values());
  Memory memory;
  const std::int32_t list[2] = {3, 1};
  memory.write(64, reinterpret_cast<const std::byte*>(list), 8);
  pe.define(command("buffer id=b0 base=0 bytes=64 depth=1"));
  pe.define(command("buffer id=b1 base=64 bytes=64 depth=1"));
  Command load = command("load dst=b0 reserve=1 push=1 address=r20 shape=r10", {8, 1, 0, 1, 0, 0}, {64});
  pe.begin(load);
  execute(load, pe, memory, nullptr, nullptr);
  pe.finish(load);
  const auto gather = [](std::int64_t rows) {
    return command("gather dst=b1 reserve=1 push=1 index=b0 wait=1 index_type=int32 shape=r10",
                   {4, 2, 4, rows, 0, 4});
  };
  Command legal = gather(4);
  pe.begin(legal);
  CHECK(index_rows(legal, pe) == std::vector<std::int64_t>{3, 1});
  Command outside = gather(3);
  outside.tile = legal.tile;
  CHECK(caught([&] { index_rows(outside, pe); }).says("index 3 at position 0"));
}
