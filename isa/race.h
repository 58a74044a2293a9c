// Races between PEs through memory. Every access is checked against a happens-before order built from
// barriers and semaphores (vector clocks over PEs, shadow cells of 32 bytes); within a PE a load that follows
// a store to the same bytes needs a barrier (of any scope) between them; store after load and store after
// store are ordered by the queues and buffers. A conflict throws Error(illegal_program) naming both accesses,
// on every run, whatever the timing: the same detector serves the interpreter and the SystemC model.
#pragma once

#include "isa/machine.h"

namespace leto::isa {

class RaceDetector {
 public:
  explicit RaceDetector(int pes);
  ~RaceDetector();
  /// A load (gather) or store (scatter) of `pe` touches [address, address + bytes).
  void read(int pe, const Command& command, std::uint64_t address, std::int64_t bytes);
  void write(int pe, const Command& command, std::uint64_t address, std::int64_t bytes);
  /// `pe` passed a barrier of scope pe.
  void local_barrier(int pe);
  /// Every PE passed a barrier of scope all.
  void barrier();
  /// `pe` posts to / takes from a semaphore of `target`.
  void post(int pe, int target, int semaphore);
  void wait(int pe, int semaphore);

  /// All that changes (base/snapshot.h).
  void state(Snapshot& s);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leto::isa
