#include "model/reuse/passage.h"

namespace leto::model {

void Passage::add(const Segment::Access& access, std::size_t number) {
  const std::int64_t bytes = isa::Runs(access.transfer).bytes();
  waiting_.push_back({access, bytes, number});
  waiting_bytes_ += bytes;
  while (waiting_bytes_ > most_bytes_ || waiting_.size() > kMostWaiting) pass_oldest(true);
}

void Passage::flush() {
  while (!waiting_.empty()) pass_oldest(false);
}

void Passage::pass_oldest(bool sampled) {
  const Waiting& oldest = waiting_.front();
  const Segment::Access& access = oldest.access;
  const std::uint64_t before = fabric_.bursts();
  fabric_.pass(access.pe, access.store, access.multicast, isa::Runs(access.transfer), sampled);
  bursts_[oldest.number] += fabric_.bursts() - before;
  waiting_bytes_ -= oldest.bytes;
  waiting_.pop_front();
}

}  // namespace leto::model
