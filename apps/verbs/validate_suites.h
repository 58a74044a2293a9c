// The suites of leto validate.
#pragma once

#include "study/validate.h"

namespace leto::verbs {

/// Small assembled programs on the model, each beside its closed form, to the cycle.
study::Suite validate_oracles();
/// The DRAM controller beside the reference points in traces/dram.
study::Suite validate_dram_points();
/// What was published about the silicon; `quick`: smaller workloads, whose figures are shown, not judged.
study::Suite validate_published(bool quick);
/// Table-batched embeddings on pilot beside the 500 W H100; `quick`: the smaller shapes only.
study::Suite validate_tbe(bool quick);
/// Matrix products beside what the compiler's cost model says of them.
study::Suite validate_cost_model();
/// One program twice, under another construction order, with values and without: nothing may differ.
study::Suite validate_determinism();
/// The operations of a recorded training step on the artemis chip, `jobs` processes at a time; `quick`: of each
/// kernel the first one only, whose figures are shown, not judged.
study::Suite validate_artemis(int jobs, bool quick);

/// Event model and roofline beside full detail on variants of a chip, `jobs` processes at a time.
study::Suite validate_fidelity(int jobs, bool quick);

}  // namespace leto::verbs
