#include "rtl/block.h"

namespace leto::rtl {

Block::Block(std::vector<Port> ports) : ports_(std::move(ports)) {
  std::size_t words = 0;
  for (const Port& port : ports_) {
    at_.push_back(words);
    words += static_cast<std::size_t>(port.bits + 31) / 32;
  }
  words_.resize(words);
}

std::uint64_t Block::value(int port) const {
  const std::uint32_t* words = pin(port);
  const bool wide = ports_[static_cast<std::size_t>(port)].bits > 32;
  return wide ? words[0] | std::uint64_t{words[1]} << 32 : words[0];
}

void Block::set(int port, std::uint64_t value) {
  std::uint32_t* words = pin(port);
  const int bits = ports_[static_cast<std::size_t>(port)].bits;
  value &= ~std::uint64_t{0} >> (64 - bits);
  words[0] = static_cast<std::uint32_t>(value);
  if (bits > 32) words[1] = static_cast<std::uint32_t>(value >> 32);
}

}  // namespace leto::rtl
