// Exact counts, repeated time: what a program does again and again is simulated until its time is known, and
// counted from there on. Two sizes: trips of a loop over layers (layers.h), and segments of a kernel
// (segments.h).
#pragma once

#include "model/reuse/layers.h"
#include "model/reuse/segments.h"

namespace leto::model {

class Reuse {
 public:
  /// Of `options`: verify_reuse, seed.
  Reuse(const isa::Program& program, const ChipConfig& chip, const RunOptions& options, Kernel& kernel,
        Accounts& accounts, Counters& counters, Fabric& fabric, const std::vector<Pe*>& pes)
      : kernel_(kernel),
        passage_(fabric),
        layers_(program, accounts, counters, fabric, passage_, pes, options.verify_reuse, options.seed),
        segments_(chip, kernel, accounts, counters, fabric, passage_, pes, options.verify_reuse,
                  options.seed) {}

  BodyWatch& watch() { return segments_; }

  /// All PEs begin the program.
  void at_launch() { segments_.begin_kernel(false); }
  /// All PEs have arrived at a barrier of the grid.
  void at_barrier() {
    segments_.end_kernel();
    do {
      layers_.at_barrier(kernel_.now());
      segments_.leave_nothing_out(layers_.verifying());
    } while (segments_.leave_out_kernel());
    segments_.begin_kernel(true);
  }
  /// All PEs have ended the program.
  void at_end() { segments_.end_kernel(); }
  void report(Statistics& statistics) const {
    segments_.report(statistics);
    layers_.report(statistics);
  }
  void state(Snapshot& s) { s(passage_, layers_, segments_); }

 private:
  Kernel& kernel_;
  Passage passage_;
  Layers layers_;
  Segments segments_;
};

}  // namespace leto::model
