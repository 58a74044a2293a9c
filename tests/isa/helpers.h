// Shared by the tests of isa: commands from assembler lines, errors caught, buffers defined in one line.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/rng.h"
#include "isa/machine.h"

namespace leto::isa::test {

/// A command from its text. The six values become registers r10 to r15 (name shape=r10), `registers` r20,
/// r21, ….
inline Command command(std::string_view text, std::vector<std::int64_t> shape = {},
                       std::vector<std::int64_t> registers = {}, int core = 0) {
  std::array<std::int64_t, kRegisters> file{};
  std::copy(shape.begin(), shape.end(), file.begin() + 10);
  std::copy(registers.begin(), registers.end(), file.begin() + 20);
  return capture(from_text(text, "test"), file, core, 0);
}

/// What f throws: code and text; fails the test when it throws nothing.
struct Caught {
  ExitCode code = ExitCode::ok;
  std::string text, remedy;
  bool says(std::string_view part) const { return text.find(part) != std::string::npos; }
};
inline Caught caught(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return {error.code(), error.what(), error.remedy()};
  }
  FAIL("no error");
  return {};
}

/// A PE of 64 KiB and 8 banks, its memory, and one-line steps.
struct Bench {
  PeState pe{1 << 16, 8, true};
  Memory memory;

  void define(int id, int base, int bytes, int depth) {
    pe.define(command(fmt::format("buffer id=b{} base={} bytes={} depth={}", id, base, bytes, depth)));
  }
  void run(Command c, const Partials* incoming = nullptr, Partials* outgoing = nullptr) {
    REQUIRE(pe.hold(c).cause == PeState::Hold::Cause::none);
    pe.begin(c);
    execute(c, pe, memory, incoming, outgoing);
    pe.finish(c);
  }
  /// The bytes of scratch or of tile 0 of a buffer.
  std::byte* bytes(int id, std::int64_t count) {
    return pe.at({id, 0, false, false, false, pe.buffer(id).base}, count);
  }
  template <typename T>
  T* as(int id, std::int64_t count) {
    return reinterpret_cast<T*>(bytes(id, count * static_cast<std::int64_t>(sizeof(T))));
  }
};

/// Deterministic draws for a test.
struct Random {
  std::uint64_t seed;
  std::uint64_t next = 0;
  std::uint64_t bits() { return random_bits(seed, 0, next++); }
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(limit));
  }
  float real() { return static_cast<float>(normal(seed, 1, next++)); }
};

inline bool same_bits(float x, float y) {
  return std::memcmp(&x, &y, 4) == 0;
}

}  // namespace leto::isa::test
