#include "rtl/pins.h"

#include <bit>

namespace leto::rtl {

// Constants are named as the parameters in ports.inc, and not every block has every one.
std::vector<Port> pins_of(std::string_view block, const ChipConfig& chip) {
  [[maybe_unused]] const int Tiles = chip.matrix_engine.tiles, InnerBytes = chip.matrix_engine.inner_bytes,
                             FragmentBytes = static_cast<int>(chip.fabric_interface.fragment_bytes),
                             OutstandingBytes = static_cast<int>(chip.fabric_interface.outstanding_bytes),
                             PortBytes = static_cast<int>(chip.fabric_interface.bytes_per_cycle),
                             LineBytes = static_cast<int>(chip.sram.line_bytes),
                             ScratchBytes = static_cast<int>(chip.sram.interleave_bytes),
                             InterleaveBytes = ScratchBytes,
                             BankBytes = static_cast<int>(chip.sram.bank_bytes_per_cycle),
                             BufferBytes = static_cast<int>(chip.noc.buffer_bytes),
                             ClusterRows = chip.noc.cluster_rows, ClusterColumns = chip.noc.cluster_columns;
  const bool DoubleRate8Bit = chip.matrix_engine.double_rate_8bit;
#define IN(name, bits) {#name, bits, true},
#define OUT(name, bits) {#name, bits, false},
  if (block == "matrix_engine")
    return {
#include "rtl/matrix_engine/ports.inc"
    };
  if (block == "reduction_engine") {
    const int Rate = chip.reduction_engine.elements_per_cycle,
              LinkBytes = chip.reduction_engine.link_bytes_per_cycle;
    return {
#include "rtl/reduction_engine/ports.inc"
    };
  }
  if (block == "buffer_manager")
    return {
#include "rtl/buffer_manager/ports.inc"
    };
  if (block == "address_generator")
    return {
#include "rtl/address_generator/ports.inc"
    };
  if (block == "vector_lookup") {
    const int Rate = chip.vector_engine.elements_per_cycle;
    return {
#include "rtl/vector_lookup/ports.inc"
    };
  }
  if (block == "sram_bank")
    return {
#include "rtl/sram_bank/ports.inc"
    };
  return {
#include "rtl/router/ports.inc"
  };
#undef IN
#undef OUT
}

}  // namespace leto::rtl
