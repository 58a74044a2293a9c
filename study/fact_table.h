// Tables of facts (study/tables/*.toml): one row a fact, with unit, interval, process node and source.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "study/provenance.h"

namespace leto::study {

/// Which end of the rows' intervals a figure is computed with.
enum class Corner { low, value, high };

struct Fact {
  std::string key, unit, node;  // node: process of the source's figure; empty where it means nothing
  double value = 0, low = 0, high = 0;
  std::string scale;  // key of the fact that scales it to the modelled node; empty = as it stands
  Provenance from;
  double at(Corner corner) const {
    return corner == Corner::low ? low : corner == Corner::high ? high : value;
  }
};

class FactTable {
 public:
  /// nullptr when the table has no such row: the caller names what is missing.
  const Fact* find(std::string_view key) const;
  /// A row that the code itself rests on. Throws Error(bad_input) naming the file and the key.
  const Fact& get(std::string_view key) const;
  /// Its figure at a corner, times its scaling factor at the same corner.
  double scaled(std::string_view key, Corner corner) const;

  const std::vector<Fact>& facts() const { return facts_; }

 private:
  friend FactTable load_facts(const std::string&);
  std::string file_;
  std::vector<Fact> facts_;  // in the file's order
  std::map<std::string, std::size_t, std::less<>> index_;
};

/// A table's name ("energy") or a path to its TOML file. Throws Error(bad_input) with file:line.
FactTable load_facts(const std::string& name_or_path);

}  // namespace leto::study
