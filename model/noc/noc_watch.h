// Who looks on as packets go from router to router (model/twin does).
#pragma once

#include <cstdint>

#include "model/kernel/clock_domain.h"
#include "model/kernel/time.h"

namespace leto::model {

class NocWatch {
 public:
  /// A packet lies in a router's buffer until it leaves.
  struct Lying {
    int link_in;        // that it came by; -1: it started here and lies in none
    Fine room;          // there was room for its end from then on: so long that link is taken
    std::int32_t left;  // bytes then free in the slot that is being filled
  };
  struct Start {
    int router;
    Cycle at;
    std::int64_t bytes;
    Fine length;  // on a link
  };
  struct Crossing {
    int router, link, to;  // the link leads from router to router
    Fine head, there;      // its head is at the one; at the other
    Lying lying;
  };
  struct End {
    int local;         // the PE's number in its cluster; the router is that where the link in leads
    Cycle head, tail;  // at the router
    Cycle taken;       // when the PE has it all
    Lying lying;
  };
  virtual ~NocWatch() = default;
  /// A part of the next packet.
  virtual void part(std::int64_t bytes) = 0;
  /// Its parts were those; it starts at a router. What follows is its, a router before those behind it.
  virtual void starts(const Start& start) = 0;
  virtual void crosses(const Crossing& crossing) = 0;
  /// One that is no multicast is at its last router; memory's does not end at a PE.
  virtual void arrives(Cycle head, Cycle tail) = 0;
  virtual void ends(const End& end) = 0;
};

}  // namespace leto::model
