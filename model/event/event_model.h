// The event model of a chip: the program's commands on dates, for design loops (--fidelity event).
//
// PEs (event_pe.h) go through their commands as far as dates are known; of the transfers that they then want
// the one with the earliest date is handed to the traffic (traffic.h), which dates its end. One heap entry a
// transfer is all the calendar there is. No SystemC. Values are off, nothing is recorded.
#pragma once

#include <functional>
#include <memory>

#include "model/control_core/control_core.h"
#include "model/event/event_pe.h"
#include "model/event/traffic.h"

namespace leto::model {

class EventModel {
 public:
  EventModel(const isa::Program& program, const ChipConfig& chip, isa::Memory& memory,
             const RunOptions& options);

  /// Runs the program once more; `progress` hears of it now and then.
  void step();
  Cycle now() const { return now_; }
  const Counters& counters() const { return counters_; }
  void report(Statistics& statistics) const;

  /// Called every kBeat transfers; may be empty.
  std::function<void()> heartbeat;

 private:
  /// A port's next chunk; of a PE's port that comes to a multicast: that it is there.
  struct Next {
    Cycle at;
    int port;
    auto operator<=>(const Next&) const = default;
  };
  void settle();
  void add(Cycle at, int port);
  void add_wishes(int pe);
  void go(const Next& next);
  void join(int pe, int group);
  void finish_multicast(int group);
  bool open_barrier();
  EventPe& pe(int index) { return *wiring_.pes[static_cast<std::size_t>(index)]; }
  void check_memory(const isa::Command& command, isa::Runs runs) const;

  const ChipConfig& chip_;
  Accounts accounts_;
  Counters counters_;
  ControlCore control_;
  EventWiring wiring_;
  Traffic traffic_;
  std::vector<Next> heap_;            // earliest on top
  std::vector<std::size_t> waiting_;  // members that wait for the others, by group
  std::vector<int> batch_;
  Cycle now_ = 0, end_ = 0;
  std::uint64_t begun_ = 0;
};

}  // namespace leto::model
