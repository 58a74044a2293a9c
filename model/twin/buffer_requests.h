// Random use of circular buffers, request by request, with the answers of isa::PeState: what a foreign buffer
// manager is asked at the levels data and window. A program that waits tries again later, so a request may be
// refused; wrong ones (a pop of what nobody waited for) are not made.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>

#include "isa/machine.h"
#include "model/kernel/time.h"
#include "model/twin/stream_spec.h"

namespace leto::model {

struct BufferRequest {
  enum class Op : std::uint8_t { define, reserve, push, wait, pop };  // as the contract's codes

  Op op = Op::define;
  int id = 0;
  std::int64_t base = 0, bytes = 0, depth = 0;  // the buffer's definition
  bool ok = true;                               // false: no room, or no data; nothing has changed
  std::optional<std::int64_t> tile;             // reserve, wait: where it lies
  std::int64_t full = 0;                        // tiles that the buffer holds then
  Cycle start = 0;                              // a run's: when the PE asked, or went on
  std::string story;
  std::string command, operation;  // a run's, for the finding
};

/// What a block can be told.
struct BufferLimits {
  int ids = 32;
  std::int64_t store = std::int64_t{1} << 20;  // bytes that all buffers lie in
  Extent bytes{1, store}, depth{1, 255};       // of a tile; tiles of a buffer
  bool redefines = true;  // false: it is not told of a definition, so that there is one of each buffer
};

class BufferRequests {
 public:
  BufferRequests(const BufferLimits& limits, std::uint64_t seed);

  BufferRequest next();

  std::map<std::string, int> arms;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }
  std::int64_t size(const Extent& extent, std::int64_t most);
  BufferRequest define(int id);
  BufferRequest use();
  BufferRequest::Op some_op(const isa::Buffer& buffer);

  BufferLimits limits_;
  std::mt19937_64 random_;
  isa::PeState pe_;
  int left_ = 0, defined_ = 0;  // requests before all is defined anew; buffers that were
  int id_ = 0;                  // in use
  bool fills_ = false;          // more comes than goes
};

}  // namespace leto::model
