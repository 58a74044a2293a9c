// The RTL of an SRAM bank and its arbiter in lock-step with model/sram: which request is granted when, every
// beat of it, and when it is acknowledged or its bytes come out.
//
// A request reaches the RTL's port in the cycle in which it reaches the model's bank. The model takes any
// number of them in one cycle, in an order of its own, and lets them wait without a bound; the RTL takes one
// a port and clock in the order of its ports, as long as its queue has room. What is not taken yet waits
// outside, in the model's order. Since a request takes a beat at least and one is taken a clock, no grant
// comes later for it. Compared, every cycle in which the bank has anything to do: q_ready, m_valid, a_valid,
// r_valid; port, tag, first, last and bytes of each beat; port, tag and last of each beat that comes out.
// Outside: bytes and addresses (the model's bank has none), which bank serves a piece, what the LLC decides.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "model/sram/bank_watch.h"
#include "model/twin/blocks.h"
#include "model/twin/command_log.h"
#include "model/twin/twin.h"

namespace leto::model {

/// A request and when the model answers it.
struct SramBankRun {
  BankPort port = BankPort::load;
  std::uint8_t tag = 0;
  std::uint32_t size = 0;  // bytes
  Cycle at = 0, done = 0;
  std::uint64_t clocks = 0;  // that were compared since the one before

  std::size_t bytes() const { return sizeof *this; }
  std::uint64_t cycles() const { return clocks; }
};

class SramBankChecker : public Twin {
 public:
  static constexpr int kTags = 16, kDepth = 8;  // as in sram_bank.sv

  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  SramBankChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                  std::uint64_t seed, std::unique_ptr<rtl::Block> block = nullptr);

  /// The model has granted a request; `asked` and `done` as BankWatch has them.
  void granted(BankPort port, std::int64_t bytes, Cycle asked, Cycle done);
  /// Requests in the order of grants. Throws Error(mismatch) with the first difference.
  void add(SramBankRun run);
  void flush() override;

  using Log = CommandLog<SramBankRun>;
  const Log& log() const { return log_; }
  void log(TwinLog& log) const override;
  void replay(const Log& log);

  Comparison& comparison() override { return comparison_; }
  const Comparison& comparison() const { return comparison_; }
  /// Requests that were not taken in the cycle of their coming; cycles in which one found no room.
  std::uint64_t late() const { return late_; }
  std::uint64_t full() const { return full_; }

 private:
  struct Request {
    SramBankRun run;
    Cycle begin, end;  // its beats are in the cycles after begin, up to end
  };

  Request dated(const SramBankRun& run) const;
  void occupy(Cycle from, Cycle until);
  bool idle() const { return outside_.empty() && bank_.empty() && reads_.empty(); }
  void reset();
  void cycle();
  bool room_for(const Request& request) const;
  std::size_t offer();
  void take(std::size_t offered);
  void check_ready();
  void check_beat();
  void check_read();
  void compare(int pin, std::uint64_t model);
  Story story() const;

  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  Cycle width_, latency_;  // bytes of a beat; cycles
  std::uint32_t most_;     // bytes of a request
  Cycle now_ = 0;          // of the RTL
  bool fresh_ = false;     // the RTL is as after a reset, or has come from there
  std::uint8_t next_tag_ = 0;
  std::deque<Request> outside_;  // have come and were not taken yet
  std::deque<Request> bank_;     // in the RTL's queue; the first one has the grant
  std::deque<Request> reads_;    // taken, and not all of it has come out
  std::uint64_t clocks_ = 0, late_ = 0, full_ = 0;
  Log log_;
};

}  // namespace leto::model
