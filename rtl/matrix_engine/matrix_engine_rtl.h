// A matrix engine built from RTL (this folder), as model/twin drives it: pins as plain values, one
// clock. No header of Verilator or SystemC is behind this.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/chip_config.h"
#include "base/dtypes.h"

namespace leto::rtl {

class MatrixEngineRtl {
 public:
  struct Inputs {
    bool cmd_valid = false, cmd_first = false, h_valid = false, s_valid = false;
    DType cmd_held_type = DType::bf16, cmd_stream_type = DType::bf16, h_type = DType::bf16;
    int cmd_m = 0, cmd_n = 0, cmd_k = 0;
    std::vector<std::uint16_t> h_data;  // [tile][lane]
    std::vector<std::uint16_t> s_data;  // [lane]
    std::vector<std::uint32_t> a_data;  // [row]
  };
  struct Outputs {
    bool cmd_ready = false, h_ready = false, s_ready = false, c_valid = false, done = false;
    int a_index = 0, c_index = 0;
    std::vector<std::uint32_t> c_data;  // [row]; only while c_valid
  };

  virtual ~MatrixEngineRtl() = default;
  virtual void reset() = 0;
  /// Outputs of this cycle under `in`; a_data may still change before the clock.
  virtual void evaluate() = 0;
  /// Afterwards `out` is that of the next cycle, but for cmd_ready, which waits for its `in`.
  virtual void clock() = 0;

  Inputs in;
  Outputs out;
};

inline int lanes_of(const MatrixEngineConfig& engine) {
  return engine.double_rate_8bit ? engine.inner_bytes : engine.inner_bytes / 2;
}

/// Null when this build has no RTL for these parameters (LETO_RTL, cmake).
std::unique_ptr<MatrixEngineRtl> make_matrix_engine_rtl(const MatrixEngineConfig& engine);
/// Was any RTL built in?
bool has_rtl();

}  // namespace leto::rtl
