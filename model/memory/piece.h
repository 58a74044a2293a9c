// A piece of a transfer: the bytes that one memory unit serves, from the request to the data or the
// acknowledgement.
#pragma once

#include <cstdint>

#include "isa/instruction.h"
#include "model/kernel/time.h"

namespace leto::model {

// Tens of thousands are under way at a time: two to a line of the host's caches.
struct alignas(32) Piece {
  std::uint64_t address = 0;  // of the first byte, as in the program (from isa::kSramBase on: scratch)
  std::uint32_t bytes : 30 = 0;
  std::uint32_t modify : 1 = 0;  // a store that memory reads first, and adds to (scatter)
  std::uint32_t writes : 1 = 0;  // memory is writing it; else reading
  int fragment = 0;              // that it is part of
  int set = 0;                   // of the LLC, where there is one (else 0)
  std::uint16_t unit = 0;        // SRAM bank (scratch, LLC slice), or HBM channel where there is no LLC
  std::uint16_t router = 0;      // at which it enters and leaves the NoC

  struct Fill {
    int number = -1;  // of the fill of an LLC line that it is part of
    int next = -1;  // the next in a list: of those who wait for one fill, or go through the network together
  };
  union {
    Fill fill = {};  // while memory reads it
    Cycle ready;     // while memory writes it: when its SRAM bank has taken it
  };

  bool scratch() const { return address >= isa::kSramBase; }
};
static_assert(sizeof(Piece) == 32);

}  // namespace leto::model
