// A piece of a transfer: the bytes that one memory unit serves, from the request to the data or the
// acknowledgement.
#pragma once

#include <cstdint>

#include "model/kernel/time.h"

namespace leto::model {

// Tens of thousands are under way at a time: kept small.
struct Piece {
  std::uint64_t address = 0;  // of the first byte, as in the program (from isa::kSramBase on: scratch)
  std::int32_t bytes = 0;
  int unit = 0;              // SRAM bank (scratch, LLC slice), or HBM channel where there is no LLC
  int router = 0;            // at which it enters and leaves the NoC
  int set = 0;               // of the LLC, where there is one (else 0)
  int fragment = 0;          // that it is part of
  Cycle ready = 0;           // a store: when its SRAM bank has taken it
  std::uint32_t length = 0;  // a store: cycles it takes to leave the port
  int line = -1;             // LLC line that is being filled for it
  int next = -1;             // the next in the list of those who wait for one fill
  bool scratch = false;
  bool modify = false;  // a store that memory reads first, and adds to (scatter)
  bool writes = false;  // memory is writing it; else reading
};

}  // namespace leto::model
