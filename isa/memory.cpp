#include <algorithm>
#include <cstring>

#include "isa/machine.h"

namespace leto::isa {

void Memory::read(std::uint64_t address, std::byte* to, std::size_t bytes) const {
  while (bytes > 0) {
    const std::uint64_t inside = address % kPage;
    const std::size_t piece = std::min<std::size_t>(bytes, kPage - inside);
    if (const auto page = pages_.find(address / kPage); page != pages_.end())
      std::memcpy(to, page->second.get() + inside, piece);
    else
      std::memset(to, 0, piece);
    address += piece;
    to += piece;
    bytes -= piece;
  }
}

void Memory::write(std::uint64_t address, const std::byte* from, std::size_t bytes) {
  while (bytes > 0) {
    const std::uint64_t inside = address % kPage;
    const std::size_t piece = std::min<std::size_t>(bytes, kPage - inside);
    auto& page = pages_[address / kPage];
    if (!page) page = std::make_unique<std::byte[]>(kPage);
    std::memcpy(page.get() + inside, from, piece);
    address += piece;
    from += piece;
    bytes -= piece;
  }
}

}  // namespace leto::isa
