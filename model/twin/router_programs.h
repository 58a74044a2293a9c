// Random traffic of all PEs of a chip, whose packets the twins of routers see.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <set>

#include "model/fabric/fabric.h"
#include "model/twin/router_twin.h"

namespace leto::model {

/// Submits transfers to a fabric as PEs do, in bursts and after pauses: loads and stores in long and short
/// rows, multicasts, many PEs at one memory unit, slow ports. `slow`: ports of a few bytes a cycle and rows
/// of a few bytes, for the longest waits and packets of the most beats. Routers with a twin see their
/// packets. Counts of each packet at a router which kinds it is of.
class RouterPrograms : public Process, private TransferClient, private NocWatch {
 public:
  RouterPrograms(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers, bool slow);

  void check(int router, const TwinSpec& spec, std::uint64_t seed,
             std::unique_ptr<rtl::Block> block = nullptr);
  void flush();

  std::map<std::string, int> arms, kinds;  // of packets; of transfers
  int shown = 0;                           // packets, each at each of its routers
  int submitted = 0;                       // transfers
  std::map<int, std::unique_ptr<RouterTwin>> twins;

 private:
  void step(Cycle now) override;

  std::size_t below(std::size_t n) { return random_() % n; }
  std::int64_t from(std::size_t least, std::size_t most);
  int some_pe();

  static constexpr std::int64_t kRegion = 1 << 20;
  std::uint64_t place();
  isa::Transfer shape();
  std::int64_t some_rate();
  void submit(int pe, bool store, isa::Multicast multicast, const isa::Transfer& shape);
  void single() { submit(some_pe(), below(2), isa::Multicast::none, shape()); }
  void crowd();
  void flood();
  void meet();
  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}

  void part(std::int64_t bytes) override;
  void starts(const Start& start) override;
  void note(const std::string& arm, bool is = true) { arms[arm] += is ? 1 : 0; }
  void note_way(const Lying& lying);
  void crosses(const Crossing& crossing) override;
  void arrives(Cycle head, Cycle tail) override { routers_.arrives(head, tail); }
  void ends(const End& end) override;

  const ChipConfig chip_;
  const bool slow_;
  int left_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> sequences_;
  std::deque<isa::Transfer> shapes_;
  Fabric fabric_;
  RouterTwins routers_;
  int parts_ = 0, packet_parts_ = 0, in_cycle_ = 0;
  Cycle launched_ = 0;
  std::set<int> from_;           // links that the packet came by …
  std::map<int, int> leads_to_;  // … and the router where each leads; -1: where it started
};

}  // namespace leto::model
