// A run as a Perfetto trace (ui.perfetto.dev): what each engine of each PE did, when, for which operation of
// the graph.
//
// Tracks: a group a PE with a lane an engine (and a core) and a counter a circular buffer; a group for memory
// with the bytes read and written, each window of kWindow cycles. A slice is an interval of the stall
// accounts: its name is the graph operation, its categories are the state (busy, data, …) and the operation's
// phase; states without an operation (idle, launch) are named after themselves. Slices of a lane follow one
// another without gap and add up to the run's cycles. Neighbouring intervals of one state and operation are
// one slice.
//
// Time base: a tick of the file is one PE cycle, so that dates are exact and agree with record.json and with
// waves; Perfetto shows ticks as nanoseconds, and the memory group's name says what a cycle is. Seconds =
// ticks / pe.clock_mhz / 10^6.
//
// The file grows by about 50 bytes a slice and ends at a cap; memory use does not grow with it.
#pragma once

#include <optional>

#include "isa/program.h"
#include "model/kernel/observer.h"
#include "model/trace/trace_packets.h"

namespace leto::model {

class Trace : public Observer {
 public:
  static constexpr std::uint64_t kCapBytes = std::uint64_t{512} << 20;
  static constexpr Cycle kWindow = 1024;

  Trace(const std::filesystem::path& path, const isa::Program& program, const ChipConfig& chip,
        std::uint64_t cap = kCapBytes);

  void on_interval(Engine engine, int instance, State state, std::uint32_t operation, Cycle from,
                   Cycle to) override;
  void on_memory(const MemoryAccess& access) override;
  void on_buffer(int pe, int buffer, std::int64_t tiles, Cycle at) override;

  /// Closes what is open and puts the file in its place.
  void publish();
  /// Where recording stopped because the file had reached its cap.
  std::optional<Cycle> cut() const { return cut_; }

 private:
  struct Slice {
    State state = State::idle;
    std::uint32_t operation = kNoOperation;
    Cycle from = 0, to = 0;
  };
  struct Traffic {
    Cycle window = 0;
    std::uint64_t bytes = 0;
  };

  void declare(const ChipConfig& chip);
  void write_dictionary();
  bool full(Cycle at);
  void write(std::uint64_t track, const Slice& slice);
  void write(std::size_t memory_counter, Traffic& traffic);

  const isa::Program& program_;
  int pes_;
  std::uint64_t cap_;
  std::optional<Cycle> cut_;
  TracePackets packets_;
  std::vector<std::size_t> phase_of_;           // of each operation, as a category; 0 = none
  std::vector<Slice> open_;                     // by lane: not yet written, since it may grow
  std::vector<std::uint32_t> counted_buffers_;  // by PE: bit b, buffer b has a track
  std::array<Traffic, 2 * kSharedMemories> traffic_;
};

}  // namespace leto::model
