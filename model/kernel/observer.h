// Watching a run from outside: the one interface between the model and whatever records it (model/trace,
// model/waves, tests).
//
// Each thing is told once, when its end is known. The intervals of one engine instance follow one another
// without gap or overlap from cycle 0 on; those of different instances come in any order, and an issue core,
// which runs ahead, tells of intervals that lie in the future. Without an observer each place costs the test
// of a null pointer.
#pragma once

#include <vector>

#include "isa/instruction.h"
#include "model/kernel/accounts.h"

namespace leto::model {

enum class SharedMemory : std::uint8_t { hbm, sram };
inline constexpr int kSharedMemories = 2;

/// Bytes on the bus of one HBM channel or SRAM bank.
struct MemoryAccess {
  SharedMemory memory;
  bool write;
  int unit;  // channel or bank
  std::uint64_t bytes;
  Cycle asked, done;
};

/// A command's life in the queue and the engine of its unit.
struct CommandLife {
  int pe;
  isa::Unit unit;
  std::uint32_t operation;
  Cycle issued, begun, done;
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// `instance`: the PE, for issue cores PE * isa::kCores + core.
  virtual void on_interval(Engine, int /*instance*/, State, std::uint32_t /*operation*/, Cycle /*from*/,
                           Cycle /*to*/) {}
  virtual void on_command(const CommandLife&) {}
  virtual void on_memory(const MemoryAccess&) {}
  /// A buffer holds `tiles` from `at` on.
  virtual void on_buffer(int /*pe*/, int /*buffer*/, std::int64_t /*tiles*/, Cycle /*at*/) {}
};

/// Passes everything on to several.
class Observers : public Observer {
 public:
  void add(Observer& observer) { all_.push_back(&observer); }
  bool empty() const { return all_.empty(); }
  void on_interval(Engine engine, int instance, State state, std::uint32_t operation, Cycle from,
                   Cycle to) override {
    for (Observer* one : all_) one->on_interval(engine, instance, state, operation, from, to);
  }
  void on_command(const CommandLife& life) override {
    for (Observer* one : all_) one->on_command(life);
  }
  void on_memory(const MemoryAccess& access) override {
    for (Observer* one : all_) one->on_memory(access);
  }
  void on_buffer(int pe, int buffer, std::int64_t tiles, Cycle at) override {
    for (Observer* one : all_) one->on_buffer(pe, buffer, tiles, at);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace leto::model
