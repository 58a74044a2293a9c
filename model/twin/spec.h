// --twin 'pe[1].matrix_engine=check:every=4': which instances have a twin, and what it does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace leto::model {

class ForeignTwin;

enum class TwinMode : std::uint8_t { model, rtl, check };

struct TwinSpec {
  /// A fault planted in what the RTL answers, to see that the checker finds it: the lowest bit of a signal,
  /// in the first compared cycle from `cycle` on in which that signal is compared.
  struct Fault {
    std::string signal;
    std::uint64_t cycle = 0;
  };
  std::string pattern;  // instances: a name with * and ?; pe[seed] is one PE that the seed chooses
  TwinMode mode = TwinMode::model;
  std::uint64_t every =
      1;  // check: one of so many sequences of commands that follow one another without a gap
  std::optional<Fault> inject;
  bool budgeted = false;  // check without every and inject: as much as the slow-down budget allows
  std::string block{};    // descriptor of a block that others wrote, in the place of rtl/'s; empty: rtl/'s
  std::shared_ptr<const ForeignTwin> foreign{};  // that block, once somebody has read the descriptor
};

/// What a twin saw.
struct TwinCount {
  TwinMode mode = TwinMode::check;
  std::uint64_t cycles_compared = 0, values_compared = 0, macs_compared = 0, mismatches = 0;
  /// Commands, transfers, requests, cycles of a router: what is sampled.
  std::uint64_t commands_compared = 0;
  std::uint64_t commands_replaced = 0;  // rtl: whose results are the RTL's
  /// That a foreign block does not offer; packets that others wait for longer than a router's RTL counts.
  std::uint64_t commands_left_out = 0;
  std::shared_ptr<const ForeignTwin> foreign{};  // null: rtl/'s
};

/// Throws Error(usage) that names what cannot be read.
TwinSpec parse_twin(const std::string& text);

}  // namespace leto::model
