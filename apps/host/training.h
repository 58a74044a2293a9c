// Training on a data set: which samples a step sees, how good the trained model is.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/host/job.h"
#include "apps/host/samples.h"
#include "isa/machine.h"

namespace leto::host {

/// The batches of a run: every pass over the training samples in a new order, a last incomplete batch left
/// out. A pure function of (seed, step).
class Batches {
 public:
  /// `stream` names the draws: the data set.
  Batches(const Samples& samples, std::int64_t batch, std::string stream, std::uint64_t seed);
  Samples at(std::int64_t step);

 private:
  const Samples& samples_;
  std::int64_t batch_, per_pass_, pass_ = -1;
  std::string stream_;
  std::uint64_t seed_;
  std::vector<std::int64_t> order_;
};

/// The tensors that a step is fed through: the first float input, of a text the first index input, and
/// "labels". Error(bad_input) when the program's shapes are not a batch of such samples, or not the recipe's
/// batch.
struct BatchTensors {
  const isa::Tensor* inputs;
  const isa::Tensor* labels;
  std::int64_t batch;
};
BatchTensors batch_tensors(const Job& job, const Samples& samples);

/// Share of the test samples whose highest score is their label. The forward graph is compiled for the job's
/// chip and run by the untimed interpreter, with the parameters that `trained` holds.
double test_accuracy(const Job& job, const Samples& test, const isa::Memory& trained);

}  // namespace leto::host
