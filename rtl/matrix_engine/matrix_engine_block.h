// A matrix engine with the pins of ports.inc, behind matrix_engine_rtl.h: one that others wrote
// (rtl/foreign.h).
#pragma once

#include <algorithm>
#include <cstring>

#include "rtl/block.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

namespace leto::rtl {

class MatrixEngineBlock final : public MatrixEngineRtl {
 public:
  explicit MatrixEngineBlock(std::unique_ptr<Block> block) : block_(std::move(block)) {
    const auto bits = [&](int pin) {
      return static_cast<std::size_t>(block_->ports()[static_cast<std::size_t>(pin)].bits);
    };
    in.h_data.resize(bits(h_data) / 16);
    in.s_data.resize(bits(s_data) / 16);
    in.a_data.resize(bits(a_data) / 32);
    out.c_data.resize(bits(c_data) / 32);
  }

  void reset() override {
    block_->reset();
    evaluate();
  }
  void evaluate() override {
    block_->set(cmd_valid, in.cmd_valid);
    block_->set(cmd_held_type, static_cast<unsigned>(in.cmd_held_type));
    block_->set(cmd_stream_type, static_cast<unsigned>(in.cmd_stream_type));
    block_->set(cmd_m, static_cast<unsigned>(in.cmd_m));
    block_->set(cmd_n, static_cast<unsigned>(in.cmd_n));
    block_->set(cmd_k, static_cast<unsigned>(in.cmd_k));
    block_->set(cmd_first, in.cmd_first);
    block_->set(h_valid, in.h_valid);
    block_->set(h_type, static_cast<unsigned>(in.h_type));
    block_->set(s_valid, in.s_valid);
    if (in.h_valid)
      std::memcpy(block_->pin(h_data), in.h_data.data(), in.h_data.size() * sizeof in.h_data[0]);
    if (in.s_valid)
      std::memcpy(block_->pin(s_data), in.s_data.data(), in.s_data.size() * sizeof in.s_data[0]);
    if (in.s_valid) std::copy(in.a_data.begin(), in.a_data.end(), block_->pin(a_data));
    block_->evaluate();
    read();
  }
  void clock() override {
    block_->clock();
    read();
  }

 private:
  enum Pin : int {
#define IN(name, bits) name,
#define OUT(name, bits) name,
#include "rtl/matrix_engine/ports.inc"
#undef IN
#undef OUT
  };

  void read() {
    out.cmd_ready = block_->value(cmd_ready) != 0;
    out.h_ready = block_->value(h_ready) != 0;
    out.s_ready = block_->value(s_ready) != 0;
    out.a_index = static_cast<int>(block_->value(a_index));
    out.c_valid = block_->value(c_valid) != 0;
    out.c_index = static_cast<int>(block_->value(c_index));
    out.done = block_->value(done) != 0;
    if (out.c_valid) std::copy_n(block_->pin(c_data), out.c_data.size(), out.c_data.begin());
  }

  std::unique_ptr<Block> block_;
};

}  // namespace leto::rtl
