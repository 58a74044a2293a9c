#include "base/hash.h"

#include <array>

namespace leto {
namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3u;
constexpr std::uint32_t kCrcPolynomial = 0xedb88320u;

constexpr std::uint32_t crc_of_byte(std::uint32_t byte) {
  for (int bit = 0; bit < 8; ++bit) byte = (byte >> 1) ^ ((byte & 1) ? kCrcPolynomial : 0);
  return byte;
}

/// tables[k][b]: the effect of byte b followed by k zero bytes, so that eight bytes are folded at once.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) tables[0][b] = crc_of_byte(b);
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t before = tables[k - 1][b];
      tables[k][b] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr CrcTables kCrc = make_crc_tables();

std::uint32_t fold_eight(std::uint32_t crc, const std::byte* p) {
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint32_t entering = i < 4 ? (crc >> (8 * i)) & 0xff : 0;
    next ^= kCrc[7 - i][entering ^ std::to_integer<std::uint32_t>(p[i])];
  }
  return next;
}

}  // namespace

std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t state) {
  for (const std::byte b : bytes) state = (state ^ std::to_integer<std::uint64_t>(b)) * kFnvPrime;
  return state;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t state) {
  return fnv1a(std::as_bytes(std::span(text.data(), text.size())), state);
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t state) {
  std::uint32_t crc = ~state;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) crc = fold_eight(crc, bytes.data() + i);
  for (; i < bytes.size(); ++i) {
    crc = (crc >> 8) ^ kCrc[0][(crc ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xff];
  }
  return ~crc;
}

}  // namespace leto
