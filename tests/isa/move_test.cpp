#include <map>

#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

std::vector<std::byte> noise(std::size_t bytes, std::uint64_t seed) {
  Random random{seed};
  std::vector<std::byte> out(bytes);
  for (std::byte& b : out) b = static_cast<std::byte>(random.bits());
  return out;
}

}  // namespace

TEST_CASE("memory keeps what is written across pages and is zero elsewhere") {
  Memory memory;
  const auto data = noise(200000, 1);
  memory.write(kSramBase - 1000, data.data(), data.size());
  std::vector<std::byte> back(data.size() + 2, std::byte{1});
  memory.read(kSramBase - 1001, back.data(), back.size());
  CHECK(back.front() == std::byte{0});
  CHECK(back.back() == std::byte{0});
  CHECK(std::equal(data.begin(), data.end(), back.begin() + 1));
}

TEST_CASE("load and store move planes of rows, byte for byte") {
  Random random{9};
  for (int i = 0; i < 200; ++i) {
    const std::int64_t bytes = random.below(20), rows = random.below(6), planes = random.below(4);
    const std::int64_t pitch = bytes + random.below(3),
                       row_stride = random.below(2) ? bytes : bytes + random.below(30) - 10;
    const std::int64_t plane_stride = random.below(500) - 100, base = 100000;
    Bench b;
    b.define(0, 0, 4096, 1);
    const auto content = noise(4096, 100 + static_cast<std::uint64_t>(i));
    b.memory.write(98000, content.data(), content.size());
    const std::vector<std::int64_t> shape{bytes, rows, row_stride, planes, plane_stride, pitch};
    b.run(command("load dst=b0 reserve=1 push=1 address=r20 shape=r10", shape, {base}));
    std::map<std::int64_t, std::byte> written;
    for (std::int64_t p = 0; p < planes; ++p)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t x = 0; x < bytes; ++x) {
          const std::byte want =
              content[static_cast<std::size_t>(base - 98000 + p * plane_stride + r * row_stride + x)];
          REQUIRE(b.bytes(0, 4096)[(p * rows + r) * pitch + x] == want);
        }
    const auto tile = noise(4096, 500 + static_cast<std::uint64_t>(i));
    std::copy(tile.begin(), tile.end(), b.bytes(0, 4096));
    b.run(command("store src=b0 wait=1 pop=1 address=r20 shape=r10", shape, {base}));
    for (std::int64_t p = 0; p < planes; ++p)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t x = 0; x < bytes; ++x)
          written[base + p * plane_stride + r * row_stride + x] =
              tile[static_cast<std::size_t>((p * rows + r) * pitch + x)];
    for (std::int64_t a = 98000; a < 98000 + 4096; ++a) {
      std::byte got;
      b.memory.read(static_cast<std::uint64_t>(a), &got, 1);
      REQUIRE(got == (written.contains(a) ? written[a] : content[static_cast<std::size_t>(a - 98000)]));
    }
  }
}

TEST_CASE("runs cover exactly the bytes a transfer touches") {
  const Command c = command("load address=r20 shape=r10", {16, 4, 16, 2, 100, 16}, {1000});
  const auto runs = runs_of(c);
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].address == 1000);
  CHECK(runs[0].bytes == 64);
  CHECK(runs[1].address == 1100);
  CHECK(runs_of(command("load address=r20 shape=r10", {0, 4, 16, 2, 100, 16}, {1000})).empty());
  CHECK(runs_of(command("store address=r20 shape=r10", {8, 3, 24, 1, 0, 8}, {0})).size() == 3);
}

TEST_CASE("gather brings the indexed rows, scatter adds them in order") {
  for (bool wide : {false, true}) {
    Bench b;
    b.define(0, 0, 256, 0);
    b.define(1, 256, 256, 0);
    const std::int64_t indices[] = {2, 0, 2, 3};
    for (int i = 0; i < 4; ++i) {
      if (wide)
        b.as<std::int64_t>(1, 4)[i] = indices[i];
      else
        b.as<std::int32_t>(1, 4)[i] = static_cast<std::int32_t>(indices[i]);
    }
    std::vector<float> table(4 * 4);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
    b.memory.write(4096, reinterpret_cast<const std::byte*>(table.data()), 64);
    const std::string type = wide ? "int64" : "int32";
    // Three of four columns, so that stride and pitch differ.
    b.run(command("gather dst=b0 index=b1 index_type=" + type + " address=r20 shape=r10",
                  {12, 4, 16, 4, 0, 20}, {4096}));
    for (int i = 0; i < 4; ++i)
      for (int c = 0; c < 3; ++c)
        CHECK(b.as<float>(0, 20)[i * 5 + c] == static_cast<float>(indices[i] * 4 + c));
    Bench s;
    s.define(0, 0, 256, 0);
    s.define(1, 256, 256, 0);
    std::copy_n(b.bytes(1, 64), 64, s.bytes(1, 64));
    const float rows[4] = {1e8f, 5, 1, -1e8f};
    for (int i = 0; i < 4; ++i) s.as<float>(0, 4)[i] = rows[i];
    s.run(command("scatter src=b0 index=b1 index_type=" + type + " address=r20 shape=r10",
                  {4, 4, 16, 4, 0, 4}, {4096}));
    float got[4];
    for (int i = 0; i < 4; ++i)
      s.memory.read(4096 + static_cast<std::uint64_t>(i) * 16, reinterpret_cast<std::byte*>(&got[i]), 4);
    CHECK(got[0] == 5);
    CHECK(got[1] == 0);
    CHECK(got[2] == 1e8f + 1.0f);
    CHECK(got[3] == -1e8f);
  }
}

TEST_CASE("an index outside the table is named") {
  for (std::int32_t bad : {-1, 4, 1 << 30}) {
    Bench b;
    b.define(0, 0, 256, 0);
    b.define(1, 256, 256, 0);
    b.as<std::int32_t>(1, 2)[1] = bad;
    const Caught error = caught([&] {
      b.run(command("gather dst=b0 index=b1 index_type=int32 address=r20 shape=r10 @77", {4, 2, 4, 4, 0, 4},
                    {0}));
    });
    CHECK(error.code == ExitCode::illegal_program);
    CHECK(error.says(fmt::format("index {} at position 1", bad)));
    CHECK(error.says("@77"));
    CHECK(error.says("pc 0"));
  }
}

TEST_CASE("transpose and copy move elements of every size, bits untouched") {
  for (DType type : {DType::int8, DType::bf16, DType::fp32, DType::int64}) {
    Bench b;
    b.define(0, 0, 2048, 0);
    b.define(1, 2048, 2048, 0);
    b.define(2, 4096, 2048, 0);
    const auto size = static_cast<std::int64_t>(size_of(type));
    const std::int64_t rows = 5, columns = 7, from = columns * size + 3, to = rows * size + 1;
    const auto data = noise(2048, 11);
    std::copy(data.begin(), data.end(), b.bytes(0, 2048));
    b.run(command(fmt::format("transpose dst=b1 src=b0 type={} shape=r10", name_of(type)),
                  {rows, columns, from, to, 0, 0}));
    b.run(command(fmt::format("copy dst=b2 src=b0 type={} shape=r10", name_of(type)),
                  {rows, columns, from, from + 2, 0, 0}));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::byte* source = data.data() + r * from + c * size;
        REQUIRE(std::memcmp(b.bytes(1, 2048) + c * to + r * size, source, static_cast<std::size_t>(size)) ==
                0);
        REQUIRE(std::memcmp(b.bytes(2, 2048) + r * (from + 2) + c * size, source,
                            static_cast<std::size_t>(size)) == 0);
      }
    CHECK(b.bytes(1, 2048)[columns * to] == std::byte{0});
  }
}
