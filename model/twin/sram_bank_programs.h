// Random requests of all ports to one bank of the model, whose grants its checker sees.
#pragma once

#include <map>
#include <random>

#include "model/sram/sram.h"
#include "model/twin/sram_bank_checker.h"

namespace leto::model {

/// Programs of requests to one bank of the model, whose grants its twin sees. Counts what kinds came.
class SramBankPrograms : private BankWatch {
 public:
  SramBankPrograms(const ChipConfig& chip, const TwinSpec& spec, std::uint64_t seed,
                   std::unique_ptr<rtl::Block> block = nullptr);

  /// Requests at once, in neighbouring cycles or now and then; afterwards a pause in which the bank may
  /// become idle.
  void program();

  std::map<std::string, int> arms;
  int made = 0;
  SramBankChecker checker;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  std::size_t size();
  void request(BankPort port, std::size_t size);
  void granted(int, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) override;

  std::size_t width_, most_;
  Cycle latency_;
  std::mt19937_64 random_;
  Sram sram_;
  Cycle now_ = 100, free_ = 0, last_at_ = 0;
  BankPort last_ = BankPort::load;
};

}  // namespace leto::model
