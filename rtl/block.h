// A block built from RTL as its twin drives it: pins as plain words, one clock. Which pins it has stands in
// its folder's ports.inc, once for both sides. No header of Verilator or SystemC is behind this.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "arch/chip_config.h"

namespace leto::rtl {

struct Port {
  std::string_view name;  // without _i or _o
  int bits;
  bool input;
};

class Block {
 public:
  explicit Block(std::vector<Port> ports);
  virtual ~Block() = default;

  virtual void reset() = 0;
  /// Outputs of this cycle under its inputs.
  virtual void evaluate() = 0;
  /// Afterwards outputs that depend on registers only are those of the next cycle; others wait for
  /// evaluate().
  virtual void clock() = 0;

  const std::vector<Port>& ports() const { return ports_; }
  /// By the port's place in ports.inc; wide ones lie in 32-bit words, lowest first.
  std::uint32_t* pin(int port) { return words_.data() + at_[static_cast<std::size_t>(port)]; }
  const std::uint32_t* pin(int port) const { return words_.data() + at_[static_cast<std::size_t>(port)]; }
  /// The same of one up to 64 bits wide; what is set is taken modulo its width.
  std::uint64_t value(int port) const;
  void set(int port, std::uint64_t value);

 private:
  std::vector<Port> ports_;
  std::vector<std::size_t> at_;
  std::vector<std::uint32_t> words_;
};

/// `block` is a folder of rtl/. Null when this build has no RTL for the chip's parameters (LETO_RTL, cmake).
std::unique_ptr<Block> make_block(std::string_view block, const ChipConfig& chip);
/// A hash of the SystemVerilog that this build was made from.
std::uint64_t rtl_hash();

}  // namespace leto::rtl
