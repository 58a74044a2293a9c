#include "model/sram/sram.h"

#include <algorithm>

#include "model/noc/interleave.h"

namespace leto::model {

Sram::Sram(const SramConfig& config)
    : interleave_(static_cast<std::uint64_t>(config.interleave_bytes)),
      width_(static_cast<std::uint64_t>(config.bank_bytes_per_cycle)),
      banks_(static_cast<std::uint64_t>(config.banks)),
      latency_(static_cast<Cycle>(config.latency_cycles)),
      free_(static_cast<std::size_t>(config.banks), 0) {}

int Sram::bank_of(std::uint64_t offset) const {
  const std::uint64_t block = interleave_.quotient(offset);
  return static_cast<int>(banks_.remainder(block + rotation(banks_.quotient(block))));
}

Cycle Sram::occupy(int bank, std::int64_t bytes, Cycle at) {
  Cycle& free = free_[static_cast<std::size_t>(bank)];
  const Cycle start = std::max(at, free);
  free = start + width_.ceiling(static_cast<Cycle>(bytes));
  return free;
}

Cycle Sram::read(int bank, std::int64_t bytes, Cycle at) {
  read_ += static_cast<std::uint64_t>(bytes);
  return occupy(bank, bytes, at) + latency_;
}

Cycle Sram::write(int bank, std::int64_t bytes, Cycle at) {
  written_ += static_cast<std::uint64_t>(bytes);
  return occupy(bank, bytes, at);
}

}  // namespace leto::model
