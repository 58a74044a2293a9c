// A Verilated matrix engine behind matrix_engine_rtl.h; one class a parameter set (rtl/CMakeLists.txt).
#pragma once

#include <verilated.h>

#include <cstring>

#include "rtl/matrix_engine/matrix_engine_rtl.h"
#include "rtl/verilated_context.h"

namespace leto::rtl {

// Verilator keeps a wide port as 32-bit words, lowest first: on a little-endian host that is the order of our
// lanes.
template <class Port, class Element>
void put(Port& port, const std::vector<Element>& from) {
  std::memcpy(port.data(), from.data(), from.size() * sizeof(Element));
}

template <class Verilated, int Tiles, int Lanes>
class MatrixEngine final : public MatrixEngineRtl {
 public:
  MatrixEngine() : top_(&context_) {
    in.h_data.resize(Tiles * Lanes);
    in.s_data.resize(Lanes);
    in.a_data.resize(Tiles * 32);
    out.c_data.resize(Tiles * 32);
  }

  ~MatrixEngine() override { write_coverage(context_); }

  void reset() override {
    top_.rst_ni = 1;
    top_.clk_i = 0;
    top_.eval();
    top_.rst_ni = 0;
    top_.eval();
    top_.clk_i = 1;
    top_.eval();
    top_.clk_i = 0;
    top_.eval();
    top_.rst_ni = 1;
    evaluate();
  }

  void evaluate() override {
    top_.clk_i = 0;
    top_.cmd_valid_i = in.cmd_valid;
    top_.cmd_held_type_i = static_cast<unsigned>(in.cmd_held_type);
    top_.cmd_stream_type_i = static_cast<unsigned>(in.cmd_stream_type);
    top_.cmd_m_i = in.cmd_m;
    top_.cmd_n_i = in.cmd_n;
    top_.cmd_k_i = in.cmd_k;
    top_.cmd_first_i = in.cmd_first;
    top_.h_valid_i = in.h_valid;
    top_.h_type_i = static_cast<unsigned>(in.h_type);
    top_.s_valid_i = in.s_valid;
    if (in.h_valid) put(top_.h_data_i, in.h_data);
    if (in.s_valid) put(top_.s_data_i, in.s_data);
    top_.eval();
    read();
  }

  void clock() override {
    if (in.s_valid) put(top_.a_data_i, in.a_data);
    top_.clk_i = 1;
    top_.eval();
    read();
  }

 private:
  void read() {
    out.cmd_ready = top_.cmd_ready_o;
    out.h_ready = top_.h_ready_o;
    out.s_ready = top_.s_ready_o;
    out.a_index = top_.a_index_o;
    out.c_valid = top_.c_valid_o;
    out.c_index = top_.c_index_o;
    out.done = top_.done_o;
    if (out.c_valid) std::memcpy(out.c_data.data(), top_.c_data_o.data(), Tiles * 32 * 4);
  }

  Context context_;
  Verilated top_;
};

}  // namespace leto::rtl
