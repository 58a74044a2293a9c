// What each kind of command brings to a foreign block's channels (stream_contract.h).
#pragma once

#include "model/twin/buffer_requests.h"
#include "model/twin/lookup_checker.h"
#include "model/twin/matrix_checker.h"
#include "model/twin/reduction_checker.h"
#include "model/twin/stream_job.h"
#include "model/twin/stream_spec.h"

namespace leto::model {

/// Is the block given it? Its descriptor names the operation and the type, and the size is within its limits.
/// What the command reads and leaves need not be there yet.
bool offers(const ReductionRun& run, const StreamSpec& spec);
bool offers(const MatrixRun& run, const StreamSpec& spec);
bool offers(const LookupRun& run, const StreamSpec& spec);
bool offers(const BufferRequest& request, const StreamSpec& spec);

/// Of one that is. What it leaves need not be there yet.
StreamJob job_of(const ReductionRun& run, const StreamSpec& spec);
StreamJob job_of(const MatrixRun& run, const StreamSpec& spec);
StreamJob job_of(const LookupRun& run, const StreamSpec& spec);
StreamJob job_of(const BufferRequest& request, const StreamSpec& spec);

/// Without cmd_valid it is cmd_op that says when a buffer manager is asked: it is 0 else.
bool is_strobed(const StreamSpec& spec);
/// A matrix engine's sums stay in it: it is told when to begin from zero, and given no accumulators.
bool keeps_sums(const StreamSpec& spec);

}  // namespace leto::model
