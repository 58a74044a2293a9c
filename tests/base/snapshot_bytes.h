// A snapshot in memory.
#pragma once

#include <algorithm>

#include "base/snapshot.h"

namespace leto {

template <class Block>
std::vector<std::byte> save(Block& block) {
  std::vector<std::byte> bytes;
  Snapshot snapshot = Snapshot::saving(
      [&](std::span<const std::byte> some) { bytes.insert(bytes.end(), some.begin(), some.end()); });
  snapshot(block);
  return bytes;
}

template <class Block>
void load(const std::vector<std::byte>& bytes, Block& block) {
  std::size_t at = 0;
  Snapshot snapshot = Snapshot::loading(
      [&](std::span<std::byte> some) {
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), some.size(), some.begin());
        at += some.size();
      },
      bytes.size());
  snapshot(block);
}

}  // namespace leto
