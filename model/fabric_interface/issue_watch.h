// Who looks on as the fabric cuts transfers into pieces (model/twin does).
#pragma once

#include <cstdint>

#include "model/kernel/time.h"

namespace leto::model {

class IssueWatch {
 public:
  struct Cut {
    bool store;
    bool first;             // of its fragment's part of a row
    std::int64_t rate;      // bytes a cycle of the port that the transfer was granted
    std::int64_t fragment;  // bytes of that part
    std::uint64_t address;  // of the piece
    std::uint32_t bytes;    // of the piece
    Cycle cut, leaves;      // when it is cut, when it (a load: its request) leaves the port
    Cycle port_free;        // Port::next_issue before it
  };
  virtual ~IssueWatch() = default;
  /// A piece of the oldest transfer of PE `pe` and a direction that is not yet cut to its end.
  virtual void cut(int pe, const Cut& cut) = 0;
};

}  // namespace leto::model
