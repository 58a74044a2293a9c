#include "apps/host/training.h"

#include <algorithm>

#include "apps/host/memory.h"
#include "base/errors.h"
#include "isa/interp.h"

namespace leto::host {
namespace {

bool is_parameter(const isa::Tensor& tensor) {
  return tensor.role == isa::Role::parameter;
}

/// What samples go into: the first float input, of a text the first index input but the labels.
const isa::Tensor& sample_input(const isa::Program& program, bool text) {
  for (const auto& tensor : program.tensors)
    if (tensor.role == isa::Role::input && is_float(tensor.dtype) != text && tensor.name != "labels")
      return tensor;
  throw Error(
      ExitCode::bad_input,
      fmt::format("program '{}' has no {} input for the data set", program.name, text ? "index" : "float"),
      text ? "use a model that takes tokens, such as leto zoo gpt2-small"
           : "use a model that takes images, such as leto zoo mlp or lenet");
}

/// Constants as the program has them, parameters as the trained program left them.
void load_trained(const Job& job, const isa::Program& forward, const isa::Memory& trained,
                  isa::Memory& memory) {
  for (const auto& tensor : forward.tensors) {
    if (is_parameter(tensor))
      write(tensor, read(tensor_of(job.program, tensor.name), trained), memory);
    else if (!tensor.data.empty())
      memory.write(tensor.address, tensor.data.data(), tensor.data.size());
  }
}

/// How many of the first `labels.size()` rows of scores have their highest entry at the label.
std::int64_t correct(std::span<const float> scores, std::span<const std::int64_t> labels,
                     std::int64_t classes) {
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < std::ssize(labels); ++i) {
    const auto row = scores.subspan(static_cast<std::size_t>(i * classes), static_cast<std::size_t>(classes));
    hits += std::max_element(row.begin(), row.end()) - row.begin() == labels[static_cast<std::size_t>(i)];
  }
  return hits;
}

/// Sample numbers of a test batch; the last batch is filled up with the last sample, whose score is not
/// counted.
std::vector<std::int64_t> rows_from(std::int64_t first, std::int64_t batch, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(batch));
  for (std::int64_t i = 0; i < batch; ++i) rows[static_cast<std::size_t>(i)] = std::min(first + i, count - 1);
  return rows;
}

}  // namespace

Batches::Batches(const Samples& samples, std::int64_t batch, std::string stream, std::uint64_t seed)
    : samples_(samples),
      batch_(batch),
      per_pass_(samples.count() / batch),
      stream_(std::move(stream)),
      seed_(seed) {
  if (per_pass_ < 1)
    throw Error(ExitCode::bad_input,
                fmt::format("a batch of {} is more than the {} training samples", batch, samples.count()),
                "take a smaller batch");
}

Samples Batches::at(std::int64_t step) {
  if (const auto pass = step / per_pass_; pass != pass_) {
    pass_ = pass;
    order_ = shuffled(samples_.count(), seed_, fmt::format("{}.pass.{}", stream_, pass));
  }
  const auto first = static_cast<std::size_t>(step % per_pass_ * batch_);
  return pick(samples_,
              std::span<const std::int64_t>(order_).subspan(first, static_cast<std::size_t>(batch_)));
}

BatchTensors batch_tensors(const Job& job, const Samples& samples) {
  const auto& inputs = sample_input(job.program, samples.text);
  const auto& labels = tensor_of(job.program, "labels");
  const auto batch = isa::elements(labels) / samples.targets;
  if (batch < 1 || isa::elements(labels) != batch * samples.targets ||
      isa::elements(inputs) != batch * samples.width)
    throw Error(
        ExitCode::bad_input,
        fmt::format("data = \"{}\": input '{}' has {} elements, {} labels want {}", job.recipe.data,
                    inputs.name, isa::elements(inputs), isa::elements(labels), batch * samples.width),
        "use a model of such samples: leto zoo mlp for digits, lenet for mnist, gpt2-small for names");
  if (samples.text && std::min(inputs.limit, labels.limit) < samples.kinds)
    throw Error(ExitCode::bad_input,
                fmt::format("data = \"{}\" has {} kinds of tokens, input '{}' takes {}", job.recipe.data,
                            samples.kinds, inputs.name, std::min(inputs.limit, labels.limit)),
                fmt::format("use a model with a vocabulary of at least {}", samples.kinds));
  if (job.recipe.batch != 0 && job.recipe.batch != batch)
    throw Error(ExitCode::bad_input,
                fmt::format("the recipe says batch = {}, the model has {}", job.recipe.batch, batch),
                "write the model with the recipe's batch: leto zoo … --batch N");
  return {&inputs, &labels, batch};
}

double test_accuracy(const Job& job, const Samples& test, const isa::Memory& trained) {
  const auto forward = forward_program(job);
  const auto& input = sample_input(forward, false);
  const auto* scores = first_of(forward, isa::Role::output);
  if (scores == nullptr)
    throw Error(ExitCode::bad_input, "the model has no output to score",
                "give the model a scores output [batch, classes]");
  isa::Memory memory;
  load_trained(job, forward, trained, memory);
  const auto batch = isa::elements(input) / test.width, classes = isa::elements(*scores) / batch;
  std::int64_t hits = 0;
  for (std::int64_t first = 0; first < test.count(); first += batch) {
    const auto part = pick(test, rows_from(first, batch, test.count()));
    write(input, part.inputs, memory);
    const auto& chip = job.chip;
    isa::interpret(forward, {chip.pe.rows, chip.pe.columns}, chip.local_store.bytes,
                   chip.reduction_engine.banks, memory);
    const std::span<const std::int64_t> labels(part.labels);
    hits += correct(read(*scores, memory),
                    labels.first(static_cast<std::size_t>(std::min(batch, test.count() - first))), classes);
  }
  return static_cast<double>(hits) / static_cast<double>(test.count());
}

}  // namespace leto::host
