// Repeats: stretches of kernels that are alike in everything but their storages, such as the layers of a
// model, forward, backward and in the optimizer. Emit writes the code of one stretch and loops over it; place
// gives the storages addresses that such a loop can count: the same in every trip, or one stride apart.
#pragma once

#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// Kernels [first, first + period * trips): `trips` stretches of `period` kernels.
struct Repeat {
  int first = 0, period = 0, trips = 0;
  int end() const { return first + period * trips; }
};

/// Storages that take turns at one place of a loop: their addresses hang together.
struct Family {
  struct Member {
    StorageId storage;
    int frame;  // its address is the family's plus frame strides
  };
  std::vector<Member> members;
  /// No two are alive at once: one address serves all, and `frame` is 0.
  bool shared = false;
  /// Of loops that have families with frames in common: they share frames. Others may have another stride.
  std::size_t cluster = 0;
};

struct Repeats {
  std::vector<Repeat> list;  // ascending, disjoint
  std::vector<Family> families;
};

/// Needs the storages' lifetimes (place.h). What cannot be given addresses one stride apart is no repeat.
Repeats find_repeats(const Lowered& lowered);

}  // namespace leto::compiler
