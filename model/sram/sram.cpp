#include "model/sram/sram.h"

#include "model/noc/interleave.h"

namespace leto::model {

Sram::Sram(const SramConfig& config, double pe_mhz)
    : interleave_(static_cast<std::uint64_t>(config.interleave_bytes)),
      banks_(static_cast<std::uint64_t>(config.banks)),
      width_(ClockDomain(pe_mhz, config.clock_mhz), config.bank_bytes_per_cycle),
      latency_(ClockDomain(pe_mhz, config.clock_mhz).cycles(static_cast<Cycle>(config.latency_cycles))),
      free_(static_cast<std::size_t>(config.banks), 0) {}

int Sram::bank_of(std::uint64_t offset) const {
  const std::uint64_t block = interleave_.quotient(offset);
  return static_cast<int>(banks_.remainder(block + rotation(banks_.quotient(block))));
}

void Sram::observe(bool write, int bank, std::int64_t bytes, Cycle asked, Cycle done) const {
  observer_->on_memory({SharedMemory::sram, write, bank, static_cast<std::uint64_t>(bytes), asked, done});
}

}  // namespace leto::model
