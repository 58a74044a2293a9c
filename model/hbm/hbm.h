// Device memory (HBM or LPDDR): pseudo channels, interleaved by address.
//
// The channel is the block number plus a rotation by the address bits above it, so that power-of-two strides
// spread; inside a channel consecutive blocks follow one another through a row, then go on to the next bank
// (channel.h). Partial bursts cost whole bursts: bytes count what moved on the bus.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/chip_config.h"
#include "model/hbm/channel.h"
#include "model/kernel/divider.h"
#include "model/kernel/observer.h"

namespace leto::model {

class Hbm {
 public:
  /// `unlimited`: every access is done when it is asked for.
  explicit Hbm(const ChipConfig& chip, bool unlimited = false);

  struct Place {
    int channel;
    std::uint64_t offset;  // bytes into the channel
  };
  Place place_of(std::uint64_t address) const;
  int channels() const { return static_cast<int>(channels_.size()); }
  const Divider& interleave() const { return interleave_; }

  /// Tells `observer` of every access from now on; may be null.
  void watch(Observer* observer) { observer_ = observer; }

  /// `bytes` inside one interleave block, requested at `at`: last byte out (read), accepted (write). Cycles.
  Cycle read(const Place& place, std::int64_t bytes, Cycle at);
  Cycle write(const Place& place, std::int64_t bytes, Cycle at);

  std::uint64_t bytes_read() const { return read_bursts_ * burst_bytes_.divisor(); }
  std::uint64_t bytes_written() const { return written_bursts_ * burst_bytes_.divisor(); }
  std::uint64_t bursts() const { return read_bursts_ + written_bursts_; }

 private:
  struct Bursts {
    std::uint64_t first;
    std::int64_t count;
  };
  void observe(bool write, const Place& place, const Bursts& bursts, Cycle asked, Cycle done) const;
  Bursts bursts_of(const Place& place, std::int64_t bytes) const;

  Divider interleave_, burst_bytes_, count_;  // count_: of channels
  Cycle latency_;
  bool unlimited_;
  ChannelTiming timing_;
  std::vector<Channel> channels_;
  std::uint64_t read_bursts_ = 0, written_bursts_ = 0;
  Observer* observer_ = nullptr;
};

}  // namespace leto::model
