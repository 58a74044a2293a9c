// A transfer between a local store and memory, as the fabric interface hands it to the fabric.
#pragma once

#include "isa/command.h"
#include "model/kernel/time.h"

namespace leto::model {

struct Transfer {
  int pe = 0;
  bool store = false;
  bool modify = false;  // scatter: memory reads, adds and writes
  isa::Multicast multicast = isa::Multicast::none;
  isa::Runs runs;              // at least one byte in all; the PE keeps what they refer to until it is done
  std::int64_t rate = 0;       // local-store bytes a cycle granted to the port
  std::uint64_t sequence = 0;  // of this PE and direction
};

/// Where the fabric reports to: `at` lies in the future of the call.
class TransferClient {
 public:
  virtual ~TransferClient() = default;
  /// All bytes of the transfer are in the local store (load) or accepted by memory (store) at `at`. A
  /// multicast had all its members at `gathered`; other transfers report 0.
  virtual void transfer_done(bool store, std::uint64_t sequence, Cycle at, Cycle gathered) = 0;
  /// The memory that a transfer under way touches, from its begin.
  virtual isa::Runs runs(bool /*store*/, std::uint64_t /*sequence*/) const { return {}; }
};

}  // namespace leto::model
