// A block that others wrote: its Verilated shared library (apps/host/foreign_build) behind block.h, pins of ours
// joined to ports of theirs by a map.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rtl/block.h"

namespace leto::rtl {

/// port[high:low] of theirs; `inverted`: of the other polarity.
struct Slice {
  std::string port;
  int high = -1, low = 0;  // high -1: the whole port
  bool inverted = false;
};

struct ForeignMap {
  struct Pin {
    std::string name;         // ours
    std::vector<Slice> parts;  // lowest bits first
    std::string place;        // "file:line", for errors
  };
  struct Constant {
    Slice part;  // not inverted
    std::int64_t value = 0;
    std::string place;
  };
  std::string module, clock, reset, place;
  bool reset_low = true;
  std::vector<Pin> pins;
  std::vector<Constant> constants;  // inputs of theirs that no pin of ours drives
};

/// A pin that a foreign block may have. `step`: any multiple of so many bits up to the port's will do; 0: exactly those.
struct ForeignPort {
  Port port;
  int step = 0;
  bool required = false;
};

class ForeignBlock : public Block {
 public:
  using Block::Block;
  /// How many bits are joined to this pin; 0: none, and it stays 0.
  virtual int joined(int pin) const = 0;
};

/// Does the map fit a module with these ports (a line each: name, bits, in or out)? Throws Error(bad_input), with the
/// map's place, when a port is not there, is an output where an input is needed or the
/// other way round, has another width, or is an input that nothing drives, or something drives twice or in part. The
/// answer: how many bits are joined to each of our pins.
std::map<std::string, int> check_foreign(const std::string& ports, const ForeignMap& map, const std::vector<ForeignPort>& pins);
/// The block, with all that check_foreign throws.
std::unique_ptr<ForeignBlock> load_foreign(const std::filesystem::path& library, const ForeignMap& map,
                                           const std::vector<ForeignPort>& pins);

}  // namespace leto::rtl
