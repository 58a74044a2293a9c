// The buffer manager's RTL in lock-step with the pointers of isa::PeState: every cycle in which a command
// begins, finishes or is found held, and every tile's place.
//
// What the PE does in one cycle is gathered and given to the RTL as one clock: definitions, then commands
// that finish, then commands that begin or wait, in the PE's order. Between two such cycles no input changes
// and the RTL holds no count of cycles, so nothing is clocked. When one cycle holds more than fits (a command
// without any work finishes in the cycle it begins in), it takes further clocks, which are counted. Compared:
// beg_ready of each; beg_operand of one that is held; beg_tile of each operand of one that begins; full of
// every buffer that moved, in the cycle after.
//
// Default sampling follows a PE while the budget lasts, and again from a definition on that it has some for:
// nothing is under way there. Until a buffer is defined again the RTL does not know it then, and is not shown
// the commands that use it.
#pragma once

#include <array>
#include <bitset>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "isa/machine.h"
#include "isa/program.h"
#include "model/twin/blocks.h"
#include "model/twin/twin.h"

namespace leto::model {

class BufferChecker : public Twin {
 public:
  static constexpr std::size_t kLanes = 8, kOperands = 3;  // as in buffer_manager.sv

  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  BufferChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                const isa::Program& program, std::unique_ptr<rtl::Block> block = nullptr);

  /// Default sampling: no more events than that allows.
  void limit(std::shared_ptr<Budget> budget) { budget_ = std::move(budget); }

  /// The PE starts with no buffers.
  void launch();
  /// Each after the PeState has done it.
  void defined(const isa::Command& command, Cycle now);
  void began(const isa::Command& command, Cycle now);
  void finished(const isa::Command& command, const isa::PeState& pe, Cycle now);
  /// A command was found held by `hold`.
  void looked_at(const isa::Command& command, const isa::PeState::Hold& hold, Cycle now);
  void flush() override;

  /// What the PE did, as the RTL sees it.
  struct Event {
    enum class Kind : std::uint8_t { define, finish, begin, hold };
    static constexpr std::uint8_t kId = 31, kHold = 32, kAdvance = 64, kWrites = 128;

    Cycle now = 0;
    Kind kind = Kind::define;
    std::uint8_t count = 0;                        // operands
    std::uint8_t hold_cause = 0, hold_buffer = 0;  // of a hold: an isa::PeState::Hold::Cause
    std::array<std::uint8_t, kOperands>
        operand{};  // a buffer's number and how it is used; define: its number
    std::array<std::uint32_t, kOperands>
        value{};  // begin: tiles; finish: tiles then full; define: base, bytes, depth
  };
  /// All since the launch, and the stories of the newest ones. Beyond kLogMost bytes there is no log of the
  /// launch.
  struct Log {
    static constexpr std::size_t kStories = 64;
    std::vector<Event> events;
    std::deque<Story> stories;
    Comparison::Place from;
    bool lost = false;

    std::size_t size() const { return events.size(); }
  };
  const Log& log() const { return log_; }
  void log(TwinLog& log) const override;
  /// Does what a log holds as the run that left it did.
  void replay(const Log& log);

  Comparison& comparison() override { return comparison_; }
  const Comparison& comparison() const { return comparison_; }
  /// Clocks that one cycle of the model took beyond its first.
  std::uint64_t further_clocks() const { return further_; }

 private:
  /// A command in a lane of beg, and what the model says of it.
  struct Begin {
    Event event;
    Story story;
  };

  bool follows(const Event& event);
  bool knows(const Event& event);
  void keep(const Event& event, const Story& story);
  void take(const Event& event, const Story& story);
  void gather(Cycle now, bool room);
  void fill_lane(std::size_t lane, const Event& event);
  void check_begins();
  void check_tiles(std::size_t lane, const Begin& begin);
  void check_operand(std::size_t lane, const Begin& begin);
  void check_full();
  void see_pins();
  Story story(const isa::Command& command) const;

  Comparison comparison_;
  const isa::Program& program_;
  std::unique_ptr<rtl::Block> rtl_;
  std::shared_ptr<Budget> budget_;  // null: all is followed
  bool following_ = true, defining_ = false;
  std::bitset<isa::kBuffers> known_;  // while following: that the RTL has as the model has them
  Cycle now_ = kNever;                // of what is gathered; kNever: nothing
  Cycle clocked_ = kNever;
  bool defines_ = false;
  std::size_t finishes_ = 0;
  std::vector<Begin> begins_;
  std::vector<std::pair<int, std::uint32_t>> full_;  // buffers that moved, and how full they are then
  Story last_;                                       // the newest command, for the finding
  std::uint64_t further_ = 0;
  Log log_;
};

}  // namespace leto::model
