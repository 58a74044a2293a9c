// A buffer manager that others wrote as a run's PE uses it: requests one by one, and the answers that
// isa::PeState gave.
//
// A PE goes ahead: it reserves a tile while the one before is being written, and waits for one while the one
// before is being read. The block is asked for one tile after the other. So a request for a tile is asked
// once the one before has been pushed, or popped: what is granted then is the same tile, since a buffer's
// tiles are written and read in order. A command that is found held is asked when nothing is ahead in its
// buffer; when something is, the block would say of another tile that it may be taken, and the request is
// left out.
#pragma once

#include <array>
#include <deque>

#include "model/twin/buffer_requests.h"
#include "model/twin/buffer_twin.h"
#include "model/twin/stream_checker.h"

namespace leto::model {

/// What a block with these pins can be told of buffers. Throws Error(bad_input) where nothing says how large
/// they are.
BufferLimits buffer_limits(const StreamSpec& stream, const rtl::ForeignBlock& block);

class BufferStreams final : public BufferTwin {
 public:
  BufferStreams(const TwinSpec& spec, const std::string& instance, std::uint64_t seed,
                const isa::Program& program);

  void flush() override { comparison().raise(); }
  Comparison& comparison() override { return checker_.comparison(); }

 private:
  using Op = BufferRequest::Op;
  struct Later {
    std::int64_t index;  // of the tile since the definition
    std::uint32_t tile;
    Story story;
  };
  struct Ring {
    std::int64_t base = 0, bytes = 0, depth = 0;  // depth 0: scratch, or not defined
    std::int64_t opened = 0, pushed = 0;          // tiles reserved by begun commands, and pushed
    std::int64_t taken = 0, popped = 0;           // tiles popped by begun commands, and by finished ones
    std::deque<Later> reserves, waits;            // what the block is not asked yet
    bool given = false;                           // the block takes such buffers
    bool told = false;                            // this id was defined before

    std::int64_t full() const { return pushed - popped; }
  };

  BufferStreams(std::unique_ptr<rtl::ForeignBlock> block, const TwinSpec& spec, const std::string& instance,
                std::uint64_t seed, const isa::Program& program);
  void restart() override;
  void take(const Event& event, const Story& story) override;
  void define(const Event& event, const Story& story);
  void begin(const Event& event, const Story& story);
  void finish(const Event& event, const Story& story);
  void look(const Event& event, const Story& story);
  /// What waits for the tile before and need not any more.
  void ask_due(int id, Cycle now);
  void ask(int id, Op op, Cycle now, const Story& story, std::optional<std::uint32_t> tile = {},
           bool ok = true);
  bool fits(int id, const Ring& ring) const;
  Ring& ring(int id) { return rings_[static_cast<std::size_t>(id)]; }

  StreamSpec stream_;
  BufferLimits limits_;
  StreamChecker checker_;
  std::array<Ring, Event::kId + 1> rings_;
};

}  // namespace leto::model
