// What SystemC itself does on this host, without a model: the measure for the simulator's own rates.
#pragma once

#include <cstdint>

namespace leto::model {

struct BareRates {
  double thread_switches_per_s = 0;     // two SC_THREADs that wake each other
  double method_activations_per_s = 0;  // two SC_METHODs that do
};

/// Takes `count` of each. Runs SystemC: a process that has called it can hold no Simulation, nor call it
/// again.
BareRates measure_bare_rates(std::uint64_t count);

}  // namespace leto::model
