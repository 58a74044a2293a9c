// The twins of routers: what the network says of every packet, router by router.
#pragma once

#include <vector>

#include "model/noc/noc_watch.h"
#include "model/twin/router_checker.h"
#include "model/twin/twin.h"

namespace leto::model {

/// Of one router. A sequence of its packets begins when nothing is left there of those before; one that makes
/// others wait for longer than the RTL counts is left out from then on, and counted.
class RouterTwin : public Twin {
 public:
  RouterTwin(const ChipConfig& chip, int router, const TwinSpec& spec, const std::string& instance,
             std::uint64_t seed, std::unique_ptr<rtl::Block> block = nullptr)
      : checker_(chip, router, spec, instance, seed, std::move(block)) {}

  /// One launched in cycle `at`; those of a cycle one after the other.
  void add(RouterPacket packet, Cycle at);
  std::uint64_t further_clocks() const { return checker_.further_clocks(); }

  void flush() override;
  void log(TwinLog& log) const override;
  Comparison& comparison() override { return checker_.comparison(); }

 private:
  void check();

  RouterChecker checker_;
  RouterRun run_;  // that is being gathered
  Cycle until_ = 0;
  bool too_long_ = false;
};

/// Tells every router's twin of its part of a packet.
class RouterTwins : public NocWatch {
 public:
  explicit RouterTwins(const ChipConfig& chip);

  void connect(int router, RouterTwin& twin);
  /// The last packet has ended.
  void flush() { close(); }

  void part(std::int64_t bytes) override;
  void starts(const Start& start) override;
  void crosses(const Crossing& crossing) override { crossings_.push_back(crossing); }
  void arrives(Cycle head, Cycle tail) override { arrival_ = {head, tail}; }
  void ends(const End& end) override { ends_.push_back(end); }

 private:
  void close();
  void see_whole();
  void see_held();
  void see_at_once(int router);
  void see_at(int router, RouterTwin& twin);
  bool goes_on(int router, RouterPacket& packet);
  bool goes_in(int router, RouterPacket& packet);
  void see_in(const Lying& lying, Cycle head, RouterPacket& packet) const;
  RouterPacket::Way way_out(int out, Cycle at, const Lying& lying) const;
  int router_behind(int link_in) const;

  int columns_, pes_, slot_beats_;
  std::vector<RouterTwin*> twins_;         // by router; null: none
  std::vector<std::uint32_t> next_parts_;  // of the packet to come
  // Of the packet under way.
  bool open_ = false;
  Start start_{};
  std::vector<Crossing> crossings_;
  std::vector<End> ends_;
  std::pair<Cycle, Cycle> arrival_;
  RouterPacket whole_;  // what is the same at all its routers
  std::vector<std::uint32_t> parts_;
  std::vector<int> end_routers_;  // by end: where it is
  std::vector<bool> seen_;        // by router: its twin knows of the packet
  std::vector<Cycle> held_;       // by link: the router behind has room for its end; 0: it asks for none
};

}  // namespace leto::model
