// Hashes that are the same on every machine and in every run: identity (FNV-1a) and damage detection
// (CRC-32). Neither resists an adversary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace leto {

inline constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325u;

/// FNV-1a, 64 bit. Pass an earlier result as `state` to hash a sequence of pieces.
std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t state = kFnvBasis);
std::uint64_t fnv1a(std::string_view text, std::uint64_t state = kFnvBasis);

/// CRC-32 as in zlib and PNG (reflected polynomial 0xedb88320). Pass an earlier result as `state` to
/// continue.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t state = 0);

}  // namespace leto
