// The blocks that have a twin: their names, behind that of what they are part of, and the signals that are
// compared and can be given a fault.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/twin/window.h"
#include "rtl/block.h"

namespace leto::model {

enum class TwinBlock : std::uint8_t {
  matrix_engine,
  reduction_engine,
  buffer_manager,
  load_address_generator,
  store_address_generator,
  vector_lookup,
  sram_bank,
  router
};

struct TwinBlockRow {
  std::string_view name, rtl;  // as --twin says; the folder of rtl/
  std::span<const std::string_view> signals;
  bool of_pe = true;  // once a PE; else numbered across the chip
};

inline constexpr std::array<std::string_view, 6> kMatrixSignals = {"cmd_ready", "s_ready", "c_valid",
                                                                   "c_index",   "c_data",  "done"};
inline constexpr std::array<std::string_view, 11> kReductionSignals = {
    "cmd_ready", "f_ready", "g_ready", "b_index", "w_valid", "d_valid",
    "p_valid",   "index",   "count",   "data",    "done"};
inline constexpr std::array<std::string_view, 4> kBufferSignals = {"beg_ready", "beg_operand", "beg_tile",
                                                                   "full"};

inline constexpr std::array<std::string_view, 9> kAddressSignals = {
    "cmd_ready", "r_ready", "p_valid", "p_address", "p_bytes", "p_fragment", "p_first", "p_last", "p_delay"};

inline constexpr std::array<std::string_view, 4> kLookupSignals = {"x_ready", "y_valid", "y_count", "y_data"};

inline constexpr std::array<std::string_view, 13> kSramBankSignals = {
    "q_ready", "m_valid", "m_write", "m_port", "m_tag", "m_first", "m_last",
    "m_bytes", "a_valid", "r_valid", "r_port", "r_tag", "r_last"};
inline constexpr std::array<std::string_view, 7> kRouterSignals = {"h_ready", "g_ways", "g_beats", "g_cycles",
                                                                   "g_head",  "g_tail", "u_wait"};

/// By TwinBlock.
inline constexpr std::array<TwinBlockRow, 8> kTwinBlocks = {
    {{"matrix_engine", "matrix_engine", kMatrixSignals},
     {"reduction_engine", "reduction_engine", kReductionSignals},
     {"buffer_manager", "buffer_manager", kBufferSignals},
     {"load_address_generator", "address_generator", kAddressSignals},
     {"store_address_generator", "address_generator", kAddressSignals},
     {"vector_lookup", "vector_lookup", kLookupSignals},
     {"sram.bank", "sram_bank", kSramBankSignals, false},
     {"noc.router", "router", kRouterSignals, false}}};

/// "pe[2].matrix_engine", "sram.bank[2]", "noc.router[5]".
std::string instance_of(int number, TwinBlock block);
/// How many the chip has.
int instances(TwinBlock block, const ChipConfig& chip);

/// The block's RTL for this chip, out of reset: `other` with the same pins (rtl/pins.h) where there is one,
/// else rtl/'s. Throws Error(unsupported) when this build has none.
std::unique_ptr<rtl::Block> built_block(TwinBlock block, const ChipConfig& chip, const std::string& instance,
                                        std::unique_ptr<rtl::Block> other);

/// What the RTL was given in this cycle, for blocks whose pins have at most 64 bits.
void show_inputs(TwinWindow& window, Cycle now, rtl::Block& rtl);

}  // namespace leto::model
