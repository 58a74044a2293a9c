// The twin of one direction of a PE's address generator: what the PE submits, and the pieces that the fabric
// makes of it.
#pragma once

#include <deque>
#include <optional>

#include "isa/program.h"
#include "model/fabric_interface/issue_watch.h"
#include "model/twin/address_checker.h"
#include "model/twin/twin.h"

namespace leto::model {

class AddressTwin : public Twin {
 public:
  AddressTwin(const ChipConfig& chip, TwinBlock direction, const TwinSpec& spec, const std::string& instance,
              std::uint64_t seed, const isa::Program& program, std::unique_ptr<rtl::Block> block = nullptr)
      : program_(program), checker_(chip, direction, spec, instance, seed, std::move(block)) {}

  /// A begun command with bytes to move; `list`: the runs of an indexed one. A command that is wanted is
  /// described then.
  void submitted(const isa::Command& command, const std::vector<isa::Run>& list);
  /// The same transfer as the checker takes it, without what cut() fills in.
  void submitted(AddressRun run);
  void cut(const IssueWatch::Cut& cut);
  std::uint64_t further_clocks() const { return checker_.further_clocks(); }

  void flush() override { checker_.comparison().raise(); }
  void log(TwinLog& log) const override;
  Comparison& comparison() override { return checker_.comparison(); }

 private:
  const isa::Program& program_;
  AddressChecker checker_;
  struct Waiting {
    AddressRun run;
    std::int64_t left;                    // bytes not yet cut
    std::optional<isa::Command> command;  // that run does not describe yet
  };
  void wait_for(AddressRun run, std::optional<isa::Command> command);

  std::deque<Waiting> waiting_;
};

/// A piece as the checker takes it.
AddressRun::Piece piece_of(const IssueWatch::Cut& cut);

}  // namespace leto::model
