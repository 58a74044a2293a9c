// The address generator's RTL in lock-step with the cutting of transfers in model/fabric/issue.cpp: every
// piece's address and bytes, and the cycle in which it leaves its port.
//
// The model cuts in one cycle all that the window in flight has room for, and dates what leaves later; the
// RTL cuts a piece a clock and says in how many cycles it leaves. So a cycle of the model takes as many
// clocks as it has pieces, commands and indexed runs; those beyond the first are counted. Cycles in which
// nothing is cut are clocked while the port's pace runs down, and left out where nothing can change any more.
// Compared: p_valid every cycle; cmd_ready when a command is offered, r_ready when a run is; p_address,
// p_bytes, p_first, p_last, p_delay of every piece, p_fragment of the first one of a fragment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "isa/command.h"
#include "model/twin/blocks.h"
#include "model/twin/command_log.h"

namespace leto::model {

/// A transfer with all its pieces.
struct AddressRun {
  struct Piece {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0,
                  fragment = 0;  // of it, and of its fragment where it is the first one of that, else 0
    Cycle cut = 0, leaves = 0;
    Cycle free = 0;  // the port's pace has run down behind it
  };
  bool store = false, indexed = false;
  bool met = false;                // a multicast: the port goes on from the latest member's pace
  std::uint32_t rate = 1;          // bytes a cycle of the port
  std::uint32_t late = 0;          // cycles that the port is ahead of its pace when the first piece is cut
  isa::Transfer transfer;          // not indexed
  std::vector<isa::Run> list;      // indexed
  std::vector<Piece> pieces;       // at least one
  std::uint64_t clocks = 0;        // that were compared
  std::string command, operation;  // for the finding

  std::size_t bytes() const {
    return sizeof *this + list.size() * sizeof(isa::Run) + pieces.size() * sizeof(Piece);
  }
  std::uint64_t cycles() const { return clocks; }
};

class AddressChecker {
 public:
  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  AddressChecker(const ChipConfig& chip, TwinBlock direction, const TwinSpec& spec,
                 const std::string& instance, std::uint64_t seed,
                 std::unique_ptr<rtl::Block> block = nullptr);

  /// Transfers in the order of the port. Throws Error(mismatch) with the first difference.
  void add(AddressRun run);
  /// The port cuts transfers that are not shown.
  void skip() { known_ = false; }

  using Log = CommandLog<AddressRun>;
  const Log& log() const { return log_; }
  void replay(const Log& log);

  Comparison& comparison() { return comparison_; }
  const Comparison& comparison() const { return comparison_; }
  /// Clocks that one cycle of the model took beyond its first.
  std::uint64_t further_clocks() const { return further_; }

 private:
  void play(AddressRun& run);
  void reset();
  void reach(Cycle cycle, bool waiting);
  void take(const AddressRun& run);
  void take_run(const isa::Run& run);
  void check_piece(const AddressRun& run);
  void clock(bool tick);
  void compare(int pin, std::uint64_t model);
  Story story() const;

  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  bool known_ = false;   // the RTL's pace is the port's
  Cycle now_ = 0;        // of the RTL
  bool open_ = false;    // it has been given something in this cycle, and not clocked yet
  Cycle pace_ends_ = 0;  // from then on the RTL's pace has run down
  std::uint64_t clocks_ = 0, further_ = 0;
  const AddressRun* run_ = nullptr;  // that is being cut
  std::size_t piece_ = 0;            // its next one
  Log log_;
};

}  // namespace leto::model
