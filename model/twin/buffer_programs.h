// Random programs over circular buffers as the units of a PE run them, each event shown to the buffer
// manager's twin.
#pragma once

#include <deque>
#include <map>
#include <random>

#include "isa/machine.h"
#include "model/twin/buffer_twin.h"

namespace leto::model {

/// Units that copy tiles from buffer to buffer, each with an input and an output of its own, begun and
/// finished at random cycles, several in one; some hold their tile over several commands, or read one twice.
class BufferPrograms {
 public:
  BufferPrograms(BufferTwin& checker, std::uint64_t seed) : checker_(checker), random_(seed) { restart(); }

  /// One cycle in which something happens.
  void cycle();

  std::map<std::string, int> arms;
  int commands = 0;

 private:
  static constexpr std::size_t kStore = 1 << 20;

  struct Unit {
    isa::Unit unit;
    int core;
    int in, out;  // buffers; in == -1: none, a producer; out == -1: none, a consumer
    std::deque<isa::Command> flying;
    bool keeps_in = false, keeps_out = false;  // not popped, not pushed by the command before
  };

  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  void define(int id, std::size_t base, std::size_t bytes, std::size_t depth);
  void restart();
  Unit unit_between(int in, int out);
  isa::Command command(const Unit& unit);
  int finish(Unit& unit);
  int begin(Unit& unit);
  BufferTwin& checker_;
  std::mt19937_64 random_;
  isa::PeState pe_{kStore, 16, false};
  std::vector<Unit> units_;
  Cycle now_ = 100;
  bool deep_ = false;
  int left_ = 0;  // cycles before the next chain
};

}  // namespace leto::model
