#include "model/hbm/command_timing.h"

#include <algorithm>
#include <cmath>

namespace leto::model {
namespace {

class Rounding {
 public:
  explicit Rounding(const DramTiming& grade) : tick_ns_(grade.tck_ns / grade.clock_edges) {}
  std::int64_t operator()(double ns) const {
    return static_cast<std::int64_t>(std::floor(ns / tick_ns_ + 0.974));
  }
  double tick_ns() const { return tick_ns_; }

 private:
  double tick_ns_;
};

Tick distance(std::int64_t ticks) {
  return static_cast<Tick>(std::max<std::int64_t>(ticks, 0));
}

}  // namespace

CommandTiming::CommandTiming(const DramTiming& d) {
  const Rounding ticks(d);
  tick_ns = ticks.tick_ns();
  edges = static_cast<Tick>(d.clock_edges);
  odd = edges - 1;
  shared_bus = d.shared_command_bus;
  activate_bus = distance(ticks(d.activate_ns));
  // From the first to the last tick of a command; precharges and refreshes take one.
  const std::int64_t activate = ticks(d.activate_ns) - 1, column = d.clock_edges - 1;

  const std::int64_t data = ticks(d.burst_ns), write_end = ticks(d.cwl_ns) + data;
  burst = distance(data);
  read_latency = distance(ticks(d.cl_ns) + data);
  column_same_group = distance(ticks(d.ccd_l_ns));
  column_same_stack = distance(std::max(ticks(d.ccd_s_ns), data));
  column_other_stack = distance(std::max(ticks(d.ccd_r_ns), data));
  read_to_write = distance(ticks(d.rtw_ns));
  write_to_read = distance(write_end + ticks(d.wtr_s_ns));
  write_to_read_same_group = distance(write_end + ticks(d.wtr_l_ns));

  activate_to_read = distance(ticks(d.rcd_ns) + activate - column);
  activate_to_write = distance(ticks(d.rcd_write_ns) + activate - column);
  activate_to_precharge = distance(ticks(d.ras_ns) + activate);
  read_to_precharge = distance(ticks(d.rtp_ns) + column);
  write_to_precharge = distance(write_end + ticks(d.wr_ns) + column);
  activate_same_bank = distance(ticks(d.rc_ns));
  activate_same_group = distance(ticks(d.rrd_l_ns));
  activate_any = distance(ticks(d.rrd_s_ns));
  four_activates = distance(ticks(d.faw_ns));
  precharge_to_activate = distance(ticks(d.rp_ns) - activate);
  precharge_any = distance(ticks(d.ppd_ns));

  refresh_interval = distance(ticks(d.refi_ns));
  refresh_to_activate = distance(ticks(d.rfc_ns) - activate);
  bank_refresh_interval = distance(ticks(d.refi_per_bank_ns));
  bank_refresh_to_activate = distance(ticks(d.rfc_per_bank_ns) - activate);
  bank_refresh_to_activate_any = distance(ticks(d.rrefd_ns) - activate);
  bank_refresh_any = distance(ticks(d.rrefd_ns));
  activate_to_bank_refresh_any = distance(ticks(d.rrd_s_ns) + activate);
  refresh_lag = distance(activate);
}

}  // namespace leto::model
