// The twins of a chip, and how a PE hands them what its engines do.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "isa/machine.h"
#include "isa/program.h"
#include "model/twin/address_twin.h"
#include "model/twin/buffer_twin.h"
#include "model/twin/router_twin.h"
#include "model/twin/sram_bank_checker.h"
#include "model/twin/twin.h"

namespace leto::model {

/// Of one engine of a PE.
class EngineTwin : public Twin {
 public:
  struct Timing {
    Cycle start, finish, held_ready, stall;
  };
  /// Around isa::execute of a begun command; `incoming` is what a merge takes, `outgoing` what a pass leaves.
  virtual void before(const isa::Command& command, isa::PeState& pe, const isa::Partials& incoming,
                      const Timing& timing) = 0;
  virtual void after(const isa::Command& command, isa::PeState& pe, isa::Partials& outgoing) = 0;
};

class Twins : private IssueWatch, private BankWatch {
 public:
  /// Throws Error(usage) on a pattern that fits no instance, Error(unsupported) when values are off or there
  /// is no RTL. The last pattern that fits an instance counts.
  /// `chip_macs`: begun by the whole chip so far, for the budget of the default sampling.
  Twins(const std::vector<TwinSpec>& specs, const ChipConfig& chip, const isa::Program& program, bool values,
        std::uint64_t seed, const std::int64_t& chip_macs);

  /// Null: the model alone.
  EngineTwin* engine(int pe, isa::Unit unit) const;
  BufferTwin* buffers(int pe) const;
  AddressTwin* addresses(int pe, bool store) const;
  /// For the fabric; null when no address generator has a twin.
  IssueWatch* issue_watch();
  /// For the shared SRAM; null when no bank has a twin.
  BankWatch* bank_watch();
  /// For the network; null when no router has a twin.
  NocWatch* noc_watch() const { return routers_.get(); }
  void flush();
  std::map<std::string, TwinCount> count() const;
  /// What a replay of the block needs.
  TwinLog log_of(const Finding& finding) const;
  /// A line for each planted fault whose cycle never came.
  std::vector<std::string> notes() const;

 private:
  /// By TwinBlock: of one number, a PE's, a bank's or a router's; null where there is none.
  using OfNumber = std::array<std::unique_ptr<Twin>, kTwinBlocks.size()>;
  void add(const TwinSpec& spec, int number, TwinBlock block, const ChipConfig& chip,
           const isa::Program& program, std::uint64_t seed);
  void cut(int pe, const Cut& cut) override;
  void granted(int bank, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) override;
  void connect_routers();
  int numbers() const { return static_cast<int>(twins_.size()); }
  Twin* find(int number, TwinBlock block) const;
  /// Calls f(block, instance, twin).
  template <class F>
  void each(F f) const;
  void share_budget(const std::int64_t& chip_macs);

  const ChipConfig& chip_;
  const isa::Program& program_;
  std::vector<OfNumber> twins_;
  std::unique_ptr<RouterTwins> routers_;
};

}  // namespace leto::model
