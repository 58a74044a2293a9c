// Repeated layers as one: operations that differ in a layer's number only stand together, with their count.
#pragma once

#include "study/record.h"

namespace leto::study {

/// "layers.12.mlp.up" -> "layers.*.mlp.up": a number that a dot follows is a layer's.
std::string structure_of(const std::string& name);

/// Operations of one structure, kind, phase and amount of work.
struct Fold {
  OperationRecord sum;  // of cycles, shares, bytes and the rest; bound by what the longest is bound by
  std::vector<const OperationRecord*> members;
};
/// In the order of the record, each where its first member stands.
std::vector<Fold> folds(const Record& record);

/// The record with the sums in the place of its operations, "layers.*.mlp.up (x 32)", and energies of
/// operations added up alike: totals stay.
Record folded(const Record& record);

}  // namespace leto::study
