#include "base/hash.h"

#include <doctest/doctest.h>

#include <string>

using namespace leto;

namespace {
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("hash: FNV-1a known answers") {
  CHECK(fnv1a("") == 0xcbf29ce484222325u);
  CHECK(fnv1a("a") == 0xaf63dc4c8601ec8cu);
  CHECK(fnv1a("foobar") == 0x85944171f73967e8u);
}

TEST_CASE("hash: CRC-32 known answers") {
  CHECK(crc32(bytes_of("")) == 0);
  CHECK(crc32(bytes_of("123456789")) == 0xcbf43926u);
  CHECK(crc32(bytes_of("The quick brown fox jumps over the lazy dog")) == 0x414fa339u);
}

TEST_CASE("hash: pieces hash as the whole, wherever it is cut") {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string left = text.substr(0, cut), right = text.substr(cut);
    CHECK(crc32(bytes_of(right), crc32(bytes_of(left))) == crc32(bytes_of(text)));
    CHECK(fnv1a(right, fnv1a(left)) == fnv1a(text));
  }
}

TEST_CASE("hash: CRC-32 sees every single-bit error") {
  std::string text(100, 'x');
  const auto good = crc32(bytes_of(text));
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    CHECK(crc32(bytes_of(text)) != good);
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  }
}
