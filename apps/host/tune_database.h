// What was measured of kernels, kept between compiles: a text file, one line a kernel of one chip by one
// compiler.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "arch/chip_config.h"

namespace leto::host {

/// Cycles of a kernel alone by each of its candidates, in the order of the cost model.
struct Measured {
  int asked = 0;  // candidates that were asked for: there may have been fewer
  std::vector<std::uint64_t> cycles;

  /// The fastest; where none is faster than the cost model's favourite by what the place of its operands in
  /// memory may change, that one.
  int choice() const;
};

class TuneDatabase {
 public:
  /// Of this chip by this compiler; `path` empty: nothing is kept. A file that is missing is an empty one.
  /// Throws Error(bad_input) with path:line on a damaged one.
  TuneDatabase(std::filesystem::path path, const ChipConfig& chip);

  /// What is known of a kernel, if as many candidates were measured; else null.
  const Measured* find(const std::string& kernel, int candidates) const;
  /// Adds it, and writes the file: whole, sorted, with what others have written meanwhile.
  void add(const std::string& kernel, Measured measured);

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // chip, compiler, kernel
  using Entries = std::map<Key, Measured>;
  Entries read() const;
  Key key(const std::string& kernel) const { return {chip_, compiler_, kernel}; }

  std::filesystem::path path_;
  std::string chip_, compiler_;
  Entries entries_;
};

}  // namespace leto::host
