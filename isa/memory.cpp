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

// In the order of addresses: a table's own order is not the same in two processes.
void Memory::state(Snapshot& s) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, page] : pages_) numbers.push_back(number);
  std::ranges::sort(numbers);
  s(numbers);
  if (s.loads()) pages_.clear();
  for (const std::uint64_t number : numbers) {
    auto& page = pages_[number];
    if (!page) page = std::make_unique<std::byte[]>(kPage);
    s.bytes({page.get(), kPage});
  }
}

}  // namespace leto::isa
