// Closed forms: what the chip reaches when nothing but the named resource limits it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/chip_config.h"
#include "base/errors.h"

namespace leto {

double peak_flops(const ChipConfig& chip, int element_bytes) {
  if (element_bytes != 1 && element_bytes != 2)
    throw Error(ExitCode::internal, fmt::format("no matrix-engine peak for {}-byte elements", element_bytes),
                "report this: the matrix engines take 8- and 16-bit operands");
  constexpr int kTileRows = 32, kFlopsPerMac = 2;
  const double macs_per_cycle =
      double(chip.matrix_engine.tiles) * kTileRows * chip.matrix_engine.inner_bytes / 2;
  const double rate = element_bytes == 1 && chip.matrix_engine.double_rate_8bit ? 2 : 1;
  return chip.pes() * macs_per_cycle * kFlopsPerMac * rate * chip.hertz();
}

double hbm_bytes_per_second(const ChipConfig& chip) {
  return chip.hbm.channels * (chip.dram.burst_bytes / chip.dram.burst_ns) * 1e9;
}

double sram_bytes_per_second(const ChipConfig& chip) {
  return double(chip.sram.banks) * chip.sram.bank_bytes_per_cycle * chip.sram.clock_mhz * 1e6;
}

double exchange_seconds(const ChipConfig& chip, double bytes, std::int64_t chips) {
  if (chips < 2) return 0;
  const NetworkConfig& network = chip.network;
  const auto others = double(chips - 1);
  const double near = std::min<double>(others, network.scale_up_chips - 1), far = others - near;
  const double up = bytes * near / others / (network.scale_up_gbps * 1e9);
  const double out = bytes * far / others / (network.scale_out_gbps * 1e9);
  return std::max(up, out) + network.latency_us * 1e-6;
}

std::int64_t exchange_cycles(const ChipConfig& chip, std::int64_t bytes, std::int64_t chips) {
  return std::int64_t(std::ceil(exchange_seconds(chip, double(bytes), chips) * chip.hertz()));
}

std::int64_t scratch_bytes(const SramConfig& sram) {
  return static_cast<std::int64_t>(static_cast<double>(sram.bytes) * sram.scratch_fraction);
}

}  // namespace leto
