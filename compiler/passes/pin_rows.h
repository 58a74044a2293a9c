// Popular rows of embedding tables apart: one row that many lookups want lies in one bank of the SRAM, and
// the bank's bytes a cycle are then the time of all of them. So the step begins by copying the rows that its
// lookups name most often, and bags take those from the copies, which are short-lived and so lie in scratch
// SRAM, dealt over its banks. Only lookups that are an input of the step can be split, since which rows
// are popular is found where they are made (compiler/row_plan.h).
#pragma once

#include "arch/chip_config.h"
#include "compiler/graph.h"

namespace leto::compiler {

/// Every embedding_bag of an index input becomes a pinned_bag with `rows` rows apart. As many copies as the
/// grid has clusters.
Graph pin_rows(const Graph& graph, const ChipConfig& chip, std::int64_t rows);

}  // namespace leto::compiler
