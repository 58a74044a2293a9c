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

}  // namespace leto::rtl
