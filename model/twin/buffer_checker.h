// The buffer manager's RTL in lock-step with the pointers of isa::PeState: every cycle in which a command
// begins, finishes or is found held, and every tile's place.
//
// What the PE does in one cycle is gathered and given to the RTL as one clock: definitions, then commands
// that finish, then commands that begin or wait, in the PE's order. Between two such cycles no input changes
// and the RTL holds no count of cycles, so nothing is clocked. When one cycle holds more than fits (a command
// without any work finishes in the cycle it begins in), it takes further clocks, which are counted. Compared:
// beg_ready of each; beg_operand of one that is held; beg_tile of each operand of one that begins; full of
// every buffer that moved, in the cycle after.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/twin/blocks.h"
#include "model/twin/buffer_twin.h"

namespace leto::model {

class BufferChecker final : public BufferTwin {
 public:
  static constexpr std::size_t kLanes = 8;  // as in buffer_manager.sv

  /// `block`: another in the place of rtl/'s, with its pins; null: rtl/'s.
  BufferChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                const isa::Program& program, std::unique_ptr<rtl::Block> block = nullptr);

  void flush() override;
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

  void restart() override { rtl_->reset(); }
  void take(const Event& event, const Story& story) override;
  void gather(Cycle now, bool room);
  void fill_lane(std::size_t lane, const Event& event);
  void check_begins();
  void check_tiles(std::size_t lane, const Begin& begin);
  void check_operand(std::size_t lane, const Begin& begin);
  void check_full();
  void see_pins();

  Comparison comparison_;
  std::unique_ptr<rtl::Block> rtl_;
  Cycle now_ = kNever;  // of what is gathered; kNever: nothing
  Cycle clocked_ = kNever;
  bool defines_ = false;
  std::size_t finishes_ = 0;
  std::vector<Begin> begins_;
  std::vector<std::pair<int, std::uint32_t>> full_;  // buffers that moved, and how full they are then
  Story last_;                                       // the newest command, for the finding
  std::uint64_t further_ = 0;
};

}  // namespace leto::model
