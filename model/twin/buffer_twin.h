// The twin of a PE's buffer manager: what the PE does with its circular buffers, event by event, kept for a
// replay. In lock-step with RTL it is a BufferChecker, as requests to a block that others wrote a
// BufferStreams.
//
// Default sampling follows a PE while the budget lasts, and again from a definition on that it has some for:
// nothing is under way there. Until a buffer is defined again the block does not know it then, and is not
// shown the commands that use it.
#pragma once

#include <array>
#include <bitset>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "model/twin/twin.h"

namespace leto::rtl {
class Block;
}

namespace leto::model {

class BufferTwin : public Twin {
 public:
  static constexpr std::size_t kOperands = 3;  // of a command

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

  /// What the PE did.
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

    int id(std::size_t i) const { return operand[i] & kId; }
    bool is(std::size_t i, std::uint8_t use) const { return (operand[i] & use) != 0; }
    isa::PeState::Hold::Cause cause() const { return static_cast<isa::PeState::Hold::Cause>(hold_cause); }
    /// Does a buffer hold the command? Banks may too, of which a buffer manager knows nothing.
    bool holds() const;
  };
  /// All since the launch, and the stories of the newest ones. Beyond kLogMost bytes there is no log of the
  /// launch.
  struct Log {
    static constexpr std::size_t kStories = 512;
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

 protected:
  /// Throws Error(unsupported) in mode rtl.
  BufferTwin(const TwinSpec& spec, const std::string& instance, const isa::Program& program);

  /// From a reset, with no buffers.
  virtual void restart() = 0;
  virtual void take(const Event& event, const Story& story) = 0;

 private:
  /// Shows the block what it follows.
  void see(const Event& event, const isa::Command& command);
  bool follows(const Event& event);
  bool knows(const Event& event);
  void add(const Event& event, const Story& story);
  Story story(const isa::Command& command) const;

  const isa::Program& program_;
  std::shared_ptr<Budget> budget_;  // null: all is followed
  bool following_ = true, defining_ = false;
  std::bitset<isa::kBuffers> known_;  // while following: that the block has as the model has them
  Log log_;
};

/// In lock-step with rtl/'s block or another (`block`), or as streams, as `spec` has it.
std::unique_ptr<BufferTwin> buffer_twin(const ChipConfig& chip, const TwinSpec& spec,
                                        const std::string& instance, std::uint64_t seed,
                                        const isa::Program& program, std::unique_ptr<rtl::Block> block);

}  // namespace leto::model
