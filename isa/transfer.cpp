// The memory side of load, store, gather and scatter.
#include "isa/command.h"

#include <numeric>

namespace leto::isa {

Transfer transfer_of(const Command& command) {
  const int field = command.opcode == Opcode::load ? int{load_t::address} : int{store_t::address};
  const auto& s = command.shape;
  return {static_cast<std::uint64_t>(command[field]), s[0], s[1], s[2], s[3], s[4], s[5]};
}

Extent extent_of(const Transfer& transfer) {
  Extent extent{transfer.address, transfer.address + static_cast<std::uint64_t>(transfer.bytes)};
  for (const std::int64_t span :
       {(transfer.rows - 1) * transfer.row_stride, (transfer.planes - 1) * transfer.plane_stride})
    (span < 0 ? extent.begin : extent.end) += static_cast<std::uint64_t>(span);
  return extent;
}

Runs::Runs(const Transfer& transfer) : transfer_(transfer), address_(transfer.address) {
  if (transfer.bytes == 0 || transfer.rows == 0) transfer_.planes = 0;
}

void Runs::step() {
  address_ += static_cast<std::uint64_t>(transfer_.row_stride);
  if (++row_ < transfer_.rows) return;
  row_ = 0;
  ++plane_;
  address_ = transfer_.address + static_cast<std::uint64_t>(plane_ * transfer_.plane_stride);
}

Run Runs::next() {
  if (!list_.empty()) {
    const Run run = list_.front();
    list_ = list_.subspan(1);
    return run;
  }
  Run run{address_, 0};
  while (plane_ < transfer_.planes && address_ == run.address + static_cast<std::uint64_t>(run.bytes)) {
    run.bytes += transfer_.bytes;
    step();
  }
  return run;
}

std::int64_t Runs::bytes() const {
  if (plane_ < transfer_.planes)
    return ((transfer_.planes - plane_) * transfer_.rows - row_) * transfer_.bytes;
  return std::accumulate(list_.begin(), list_.end(), std::int64_t{0},
                         [](std::int64_t sum, const Run& run) { return sum + run.bytes; });
}

bool same(Runs a, Runs b) {
  const bool alike = a.list_.empty() && b.list_.empty() && a.transfer_ == b.transfer_ &&
                     a.plane_ == b.plane_ && a.row_ == b.row_;
  if (alike) return true;
  for (;;) {
    const Run run = a.next(), other = b.next();
    if (run.bytes == 0 || other.bytes == 0) return run.bytes == other.bytes;  // where an end lies says nothing
    if (run != other) return false;
  }
}

std::vector<Run> runs_of(const Command& command) {
  std::vector<Run> list;
  Runs runs(transfer_of(command));
  for (Run run = runs.next(); run.bytes != 0; run = runs.next()) list.push_back(run);
  return list;
}

std::uint64_t row_address(const Command& command, std::int64_t index) {
  const int field = command.opcode == Opcode::gather ? int{gather_t::address} : int{scatter_t::address};
  return static_cast<std::uint64_t>(command[field]) + static_cast<std::uint64_t>(index * command.shape[2]);
}

std::vector<Run> runs_of(const Command& command, std::span<const std::int64_t> indices) {
  std::vector<Run> runs;
  if (command.shape[0] == 0) return runs;
  runs.reserve(indices.size());
  for (std::int64_t index : indices)
    if (index >= 0) runs.push_back({row_address(command, index), command.shape[0]});
  return runs;
}

}  // namespace leto::isa
