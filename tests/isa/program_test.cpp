#include "isa/program.h"

#include <filesystem>

#include "base/files.h"
#include "base/hash.h"
#include "tests/isa/helpers.h"

using namespace leto;
using namespace leto::isa;
using namespace leto::isa::test;

namespace {

Program sample() {
  Program p;
  p.name = "sa\"mp\\le\n\x01 ;x";
  p.chip = "tiny";
  p.seed = ~std::uint64_t{0};
  p.tokens = -3;
  p.recipe = "lr = 1e-3\n";
  p.memory_fit = "{\"hbm\": 12}";
  p.code[0] = {from_text("set rd=r1 value=-5 @1", "t"),
               from_text("vector op=erf value=-0.1 shape=r3 @0", "t"), from_text("end", "t")};
  p.code[1] = {from_text("barrier scope=all", "t"), from_text("end", "t")};
  p.tensors = {
      {"w", Role::constant, DType::bf16, {2, 3}, 4096, 0, std::vector<std::byte>(12, std::byte{0xa5}), {}},
      {"x y", Role::input, DType::int32, {}, kSramBase + 64, 10, {}, {}},
      {"v", Role::parameter, DType::fp32, {4}, 8192, 0, {}, Draw{-0.25, 1e-3}}};
  p.sources = {{"a", "matmul", "forward", 123456789012, "bf16"}, {"b;", "", "", 0, ""}};
  return p;
}

std::vector<std::byte> resealed(std::vector<std::byte> bytes) {
  const std::uint64_t sum = fnv1a(std::span(bytes).first(bytes.size() - 8));
  std::memcpy(bytes.data() + bytes.size() - 8, &sum, 8);
  return bytes;
}

Caught refused(std::span<const std::byte> bytes) {
  return caught([&] { program_from_bytes(bytes, "p"); });
}

}  // namespace

TEST_CASE("a program survives its file and its text") {
  const Program p = sample();
  CHECK(program_from_bytes(to_bytes(p), "p") == p);
  CHECK(assemble(disassemble(p), "p") == p);
  CHECK(program_from_bytes(to_bytes(Program{}), "p") == Program{});
  const auto path = std::filesystem::temp_directory_path() / "leto_program_test.prog";
  save(p, path);
  CHECK(isa::load(path) == p);
  std::filesystem::remove(path);
}

TEST_CASE("tensors know their size and name") {
  const Program p = sample();
  CHECK(elements(p.tensors[0]) == 6);
  CHECK(bytes(p.tensors[0]) == 12);
  CHECK(elements(p.tensors[1]) == 1);
  CHECK(p.find("x y") == &p.tensors[1]);
  CHECK(p.find("z") == nullptr);
}

TEST_CASE("a file cut anywhere is refused") {
  const auto bytes = to_bytes(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    REQUIRE(refused(std::span(bytes).first(length)).code == ExitCode::bad_input);
}

TEST_CASE("a file with any bit flipped is refused") {
  auto bytes = to_bytes(sample());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    REQUIRE(refused(bytes).code == ExitCode::bad_input);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST_CASE("damage under a matching checksum is an error or another legal program, never a crash") {
  const auto original = to_bytes(sample());
  int refusals = 0;
  for (std::size_t bit = 0; bit < (original.size() - 8) * 8; ++bit) {
    auto bytes = original;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    try {
      program_from_bytes(resealed(bytes), "p");
    } catch (const Error& error) {
      ++refusals;
      REQUIRE((error.code() == ExitCode::bad_input || error.code() == ExitCode::illegal_program));
    }
  }
  CHECK(refusals > 100);
  for (std::size_t length = 28; length < original.size(); ++length)
    refused(resealed(std::vector(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length))));
}

TEST_CASE("what is wrong with a file is said") {
  auto bytes = to_bytes(sample());
  bytes[0] = std::byte{'X'};
  CHECK(refused(bytes).says("not a program file"));
  bytes = to_bytes(sample());
  bytes[8] = std::byte{9};
  CHECK(refused(bytes).says("version 9"));
  bytes = to_bytes(sample());
  bytes[12] ^= std::byte{1};
  CHECK(refused(resealed(bytes)).says("another instruction set"));
  bytes = to_bytes(sample());
  bytes.insert(bytes.end() - 8, std::byte{0});
  CHECK(refused(resealed(bytes)).says("bytes follow the last section"));
  bytes = to_bytes(sample());
  bytes[40] ^= std::byte{1};
  CHECK(refused(bytes).says("checksum"));
}

TEST_CASE("an illegal word is named by core, word and bit") {
  Program p;
  p.code[0] = {from_text("end", "t")};
  auto bytes = to_bytes(p);
  // The word is the last but: core 1's count, two list counts, checksum.
  bytes[bytes.size() - 8 - 8 - 8 - 8 - 16 + 15] = std::byte{0x80};
  const Caught error = refused(resealed(bytes));
  CHECK(error.code == ExitCode::illegal_program);
  CHECK(error.says("core 0 word 0 bit 127"));
}

TEST_CASE("programs that contradict themselves are refused") {
  const auto bad = [](auto change, std::string_view part) {
    Program p = sample();
    change(p);
    const Caught error = refused(to_bytes(p));
    CHECK(error.code == ExitCode::illegal_program);
    CHECK(error.says(part));
  };
  bad([](Program& p) { p.code[0][0].source = 2; }, "source 2");
  bad([](Program& p) { p.tensors[1].name = p.tensors[0].name; }, "two tensors");
  bad([](Program& p) { p.tensors[0].shape = {-1}; }, "impossible shape");
  bad([](Program& p) { p.tensors[0].shape = {1ll << 40, 1ll << 40}; }, "impossible shape");
  bad([](Program& p) { p.tensors[0].data.pop_back(); }, "11 bytes of data");
  bad([](Program& p) { p.tensors[0].address = 2 * kSramBase; }, "outside memory");
}

TEST_CASE("mistakes in assembler source name their line") {
  const auto says = [](std::string_view text, std::string_view part) {
    const Caught error = caught([&] { assemble(text, "f"); });
    CHECK(error.code == ExitCode::illegal_program);
    CHECK_MESSAGE(error.says(part), error.text);
  };
  says("; fine\n.nome \"x\"", "f:2: no directive '.nome'");
  says(".name \"x", "f:1: a string does not end");
  says(".name \"x\" y", "f:1: 'y' is too much");
  says(".core 2", "f:1: core 2");
  says(".data 00", "f:1: data without a tensor");
  says(".tensor \"a\" role=input dtype=bf17 shape=1 address=0 limit=0", "no dtype 'bf17'");
  says(".tensor \"a\" role=input dtype=bf16 shape=1y address=0 limit=0", "'1y' is not a number");
  says(".tensor \"a\" role=inputs dtype=bf16 shape=1 address=0 limit=0", "no role 'inputs'");
  says("end\n\n  nop", "f:3: no instruction 'nop'");
}
