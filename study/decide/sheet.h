// The inputs of a decision and what is computed from them. An input has an interval and a source; a figure is
// a formula over inputs, evaluated at their values and over seeded draws, and knows which inputs it rests on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "study/fact_table.h"

namespace leto::study {

struct Input {
  std::string id, unit, precision;  // precision empty where it means nothing
  double value = 0, low = 0, high = 0;
  std::string kind;  // measured, published, vendor, estimate or simulated
  Provenance from;
  bool certain() const { return low == high; }
  /// Not a figure that somebody measured or published as it stands.
  bool estimated() const { return kind == "estimate" || kind == "simulated"; }
};

/// An input that the sheet does not have: what() names it.
class Missing : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Sheet;

/// What a formula reads: every input at one value.
class Values {
 public:
  /// Throws Missing.
  double operator()(const std::string& id) const;
  bool has(const std::string& id) const;
  /// The only place where two rates are divided. Throws Error(internal) when unit or precision differ.
  double ratio(const std::string& above, const std::string& below) const;

 private:
  friend class Sheet;
  using Choose = std::function<double(const Input&)>;
  Values(const Sheet& sheet, Choose choose, std::vector<std::string>* used)
      : sheet_(sheet), choose_(std::move(choose)), used_(used) {}
  const Sheet& sheet_;
  Choose choose_;
  std::vector<std::string>* used_;
};

using Formula = std::function<double(const Values&)>;

struct Quantity {
  std::string unit;
  double value = 0, low = 0, high = 0;  // low, high: 5 % and 95 % of the draws, and no nearer than the value
  std::vector<std::string> from;        // ids of inputs, in the order of use
  std::vector<double> draws;
};

/// A figure with one input at either end of its interval and the others at their values.
struct Swing {
  std::string input;
  double low = 0, high = 0;
  double width() const;
};

class Sheet {
 public:
  Sheet(std::uint64_t seed, std::int64_t draws) : seed_(seed), draws_(draws) {}
  /// The first input of an id stays.
  void add(Input input);
  const Input* find(const std::string& id) const;
  const std::map<std::string, Input>& inputs() const { return inputs_; }

  /// Throws Missing.
  Quantity evaluate(const std::string& unit, const Formula& formula) const;
  /// Widest first; inputs without interval are left out.
  std::vector<Swing> tornado(const Formula& formula, const Quantity& quantity) const;

 private:
  double drawn(const Input& input, std::int64_t draw) const;
  std::uint64_t seed_;
  std::int64_t draws_;
  std::map<std::string, Input> inputs_;
};

}  // namespace leto::study
