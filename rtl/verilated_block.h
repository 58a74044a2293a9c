// A Verilated class behind block.h. `Pins` (rtl/block.cpp.in) knows its ports by name.
#pragma once

#include <verilated.h>

#include <bit>
#include <cstring>

#include "rtl/block.h"
#include "rtl/verilated_context.h"

namespace leto::rtl {

// Verilator keeps a wide port as 32-bit words, lowest first, and a narrow one as an integer.
template <class Pin>
void write_pin(Pin& pin, const std::uint32_t* words) {
  if constexpr (std::is_integral_v<Pin>)
    pin = static_cast<Pin>(sizeof(Pin) > 4 ? words[0] | std::uint64_t{words[1]} << 32 : words[0]);
  else
    std::memcpy(pin.data(), words, sizeof pin.m_storage);
}

template <class Pin>
void read_pin(const Pin& pin, std::uint32_t* words) {
  if constexpr (std::is_integral_v<Pin>) {
    words[0] = static_cast<std::uint32_t>(pin);
    if constexpr (sizeof(Pin) > 4) words[1] = static_cast<std::uint32_t>(pin >> 32);
  } else {
    std::memcpy(words, pin.data(), sizeof pin.m_storage);
  }
}

template <class Top, class Pins>
class VerilatedBlock final : public Block {
 public:
  VerilatedBlock() : Block(Pins::ports()), top_(&context_) {}
  ~VerilatedBlock() override { write_coverage(context_); }

  void reset() override {
    for (const int level : {1, 0, 1}) {
      top_.rst_ni = level;
      edge(0);
      if (level == 0) edge(1);
    }
    evaluate();
  }
  void evaluate() override {
    Pins::write(top_, *this);
    edge(0);
    Pins::read(top_, *this);
  }
  void clock() override {
    edge(1);
    Pins::read(top_, *this);
  }

 private:
  void edge(int level) {
    top_.clk_i = level;
    top_.eval();
  }

  Context context_;
  Top top_;
};

}  // namespace leto::rtl
