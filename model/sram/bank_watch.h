// Who looks on as the banks of the shared SRAM grant requests (model/twin does).
#pragma once

#include <cstdint>

#include "model/kernel/time.h"

namespace leto::model {

/// Who asks a bank: loads and stores, and for the LLC fills and write-backs of dirty lines.
enum class BankPort : std::uint8_t { load, store, fill, write_back };
inline constexpr int kBankPorts = 4;
inline constexpr bool writes(BankPort port) {
  return port == BankPort::store || port == BankPort::fill;
}

class BankWatch {
 public:
  virtual ~BankWatch() = default;
  /// A bank grants a request that came at `asked`, behind all those before: when its last byte has come out
  /// (read) or is accepted (write).
  virtual void granted(int bank, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) = 0;
};

}  // namespace leto::model
