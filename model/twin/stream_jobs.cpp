#include "model/twin/stream_jobs.h"

#include <bit>
#include <cmath>
#include <limits>

#include "model/twin/stream_contract.h"
#include "model/twin/stream_order.h"

namespace leto::model {
namespace {

using isa::Opcode;

int channel(const StreamSpec& spec, std::string_view name) {
  return stream_contract(spec.block)->channel(name);
}

/// All in one row.
Flow flow(int channel, const std::vector<std::uint32_t>& elements, DType type = DType::fp32) {
  Flow all;
  all.channel = channel;
  all.type = type;
  all.elements = all.memory = elements;
  all.rows = {{elements.size(), 0}};
  all.pitch = elements.size();
  return all;
}

/// By the name that the instruction set's code has in the contract.
template <class Op>
std::optional<std::uint32_t> operation_code(Op op, const StreamSpec& spec) {
  for (const StreamCode& one : stream_contract(spec.block)->operations)
    if (one.code == static_cast<std::uint32_t>(op))
      if (const auto found = spec.operations.find(std::string(one.name)); found != spec.operations.end())
        return found->second;
  return std::nullopt;
}

std::optional<std::uint32_t> type_code(DType type, const StreamSpec& spec) {
  const auto found = spec.types.find(type);
  if (found == spec.types.end()) return std::nullopt;
  return found->second;
}

float widened(DType type, std::uint16_t bits) {
  return load_element(type, reinterpret_cast<const std::byte*>(&bits), 0);
}

/// The sums of a matmul on their way: a channel may bring those of each block of k.
class Sums {
 public:
  Sums(const MatrixRun& run, double bound)
      : run_(run), bound_(bound), sums_(static_cast<std::size_t>(run.m * run.n)) {
    for (std::size_t i = 0; i < sums_.size() && !run.first; ++i) {
      sums_[i].value = run.before[i];
      sums_[i].exact = run.before[i];
      sums_[i].magnitude = std::fabs(sums_[i].exact);
    }
  }

  /// What is there after the first k of them; k only grows.
  std::uint32_t after(int n, int m, int k) {
    Sum& sum = reach(n, m, k);
    if (k == run_.k && !run_.after.empty()) return std::bit_cast<std::uint32_t>(run_.after[at(n, m)]);
    return std::bit_cast<std::uint32_t>(k == 0 ? sum.value : canonical(sum.value));
  }
  /// Another order's additions may differ by so much, a block that flushes small sums too; where one may
  /// overflow anything goes.
  Flow::Bound bound(int n, int m, int k) {
    const Sum& sum = reach(n, m, k);
    if (std::isfinite(sum.exact) && sum.magnitude > std::numeric_limits<float>::max() / 2)
      return {0, std::numeric_limits<double>::infinity()};
    return {sum.exact,
            bound_ * sum.magnitude + (k + 1) * static_cast<double>(std::numeric_limits<float>::min())};
  }

 private:
  struct Sum {
    float value = 0;
    double exact = 0, magnitude = 0;
    int k = 0;
  };
  std::size_t at(int n, int m) const { return static_cast<std::size_t>(n * run_.m + m); }
  Sum& reach(int n, int m, int k) {
    Sum& sum = sums_[at(n, m)];
    for (; sum.k < k; ++sum.k) {
      const float a = widened(run_.held_type, run_.held[static_cast<std::size_t>(m * run_.k + sum.k)]);
      const float b = widened(run_.stream_type, run_.stream[static_cast<std::size_t>(n * run_.k + sum.k)]);
      sum.value = std::fmaf(a, b, sum.value);
      sum.exact += double{a} * double{b};
      sum.magnitude += std::fabs(double{a} * double{b});
    }
    return sum;
  }

  const MatrixRun& run_;
  double bound_;
  std::vector<Sum> sums_;
};

LoopOrder order_of(const StreamSpec& spec, const StreamChannel& channel) {
  const std::string order = spec.channel(channel.name).order;
  return LoopOrder(order.empty() ? channel.order : std::string_view(order));
}

/// Of a channel's rows: what they go along.
char inner(const StreamSpec& spec, std::string_view name) {
  const StreamContract& contract = *stream_contract(spec.block);
  return kDims[order_of(spec, contract.channels[static_cast<std::size_t>(contract.channel(name))]).inner()];
}

/// Goes over a channel's elements in its order: element(place) adds each.
template <class Element>
Flow ordered(const StreamSpec& spec, std::string_view name, const MatrixRun& run, Element element) {
  constexpr std::size_t kM = 0, kN = 1, kK = 2;
  static_assert(kDims[kM] == 'm' && kDims[kN] == 'n' && kDims[kK] == 'k');
  const StreamContract& contract = *stream_contract(spec.block);
  Flow all;
  all.channel = contract.channel(name);
  const StreamChannel& channel = contract.channels[static_cast<std::size_t>(all.channel)];
  const LoopOrder loops = order_of(spec, channel);
  const std::array<int, 3> sizes = {run.m, run.n, run.k};
  const std::size_t inner = loops.inner();
  const std::size_t outer = kDims.find(channel.dims[0] == kDims[inner] ? channel.dims[1] : channel.dims[0]);
  all.pitch = static_cast<std::size_t>(sizes[inner]);
  bool begins = true;
  loops.each(sizes, [&](const LoopOrder::Place& place, bool ends) {
    if (begins)
      all.rows.push_back({0, static_cast<std::size_t>(place[outer].from) * all.pitch +
                                 static_cast<std::size_t>(place[inner].from)});
    element(all, place[kM], place[kN], place[kK]);
    all.rows.back().end = all.elements.size();
    begins = ends;
  });
  return all;
}

using Range = LoopOrder::Range;

Flow operand(const StreamSpec& spec, std::string_view name, const MatrixRun& run) {
  const bool held = name == "h";
  const std::vector<std::uint16_t>& from = held ? run.held : run.stream;
  Flow all = ordered(spec, name, run, [&](Flow& flow, Range m, Range n, Range k) {
    flow.elements.push_back(from[static_cast<std::size_t>((held ? m.from : n.from) * run.k + k.from)]);
  });
  all.type = held ? run.held_type : run.stream_type;
  const bool rows_of_k = inner(spec, name) == 'k';
  const std::size_t rows = from.size() / static_cast<std::size_t>(run.k);
  for (std::size_t i = 0; i < from.size(); ++i)
    all.memory.push_back(rows_of_k ? from[i] : from[i % rows * static_cast<std::size_t>(run.k) + i / rows]);
  return all;
}

// A block that is told to begin from zero is given none before its first k; what lies in its memory then is
// no zero.
Flow accumulators(const StreamSpec& spec, const MatrixRun& run) {
  const bool clears = run.first && spec.has("cmd_first");
  Sums sums(run, 0);
  Flow all = ordered(spec, "a", run, [&](Flow& flow, Range m, Range n, Range k) {
    if (clears && k.from == 0) return;
    flow.elements.push_back(sums.after(n.from, m.from, k.from));
  });
  all.memory.assign(static_cast<std::size_t>(run.m * run.n),
                    std::bit_cast<std::uint32_t>(clears ? 1.0f : 0.0f));
  if (run.first) return all;
  const bool rows_of_m = inner(spec, "a") == 'm';
  for (std::size_t n = 0; n < static_cast<std::size_t>(run.n); ++n)
    for (std::size_t m = 0; m < static_cast<std::size_t>(run.m); ++m)
      all.memory[rows_of_m ? n * all.pitch + m : m * all.pitch + n] =
          std::bit_cast<std::uint32_t>(run.before[n * static_cast<std::size_t>(run.m) + m]);
  return all;
}

Flow results(const StreamSpec& spec, const MatrixRun& run) {
  Sums sums(run, spec.bound);
  return ordered(spec, "c", run, [&](Flow& flow, Range m, Range n, Range k) {
    flow.elements.push_back(sums.after(n.from, m.from, k.to));
    flow.places.push_back(static_cast<std::size_t>(n.from * run.m + m.from));
    if (spec.bound > 0) flow.bounds.push_back(sums.bound(n.from, m.from, k.to));
  });
}

/// Goes over elements in the order in which the channels bring them, as operand(), accumulators() and
/// results() do.
class MadeFrom {
 public:
  MadeFrom(const StreamSpec& spec, const MatrixRun& run)
      : sizes_{run.m, run.n, run.k}, result_(order(spec, "c")), given_(spec.has("a_data")) {
    for (const char* name : {"h", "s", "a"}) inputs_.push_back(order(spec, name));
    clears_ = run.first && spec.has("cmd_first");
  }

  std::vector<std::size_t> operator()(std::size_t input, std::size_t element) const {
    LoopOrder::Place made;
    std::size_t at = 0;
    result_.each(sizes_, [&](const LoopOrder::Place& place, bool) {
      if (at++ == element) made = place;
    });
    if (!given_) made[kK].from = 0;  // the sums of the blocks before stay inside
    std::vector<std::size_t> all;
    at = 0;
    inputs_[input].each(sizes_, [&](const LoopOrder::Place& place, bool) {
      if (input == kA && clears_ && place[kK].from == 0) return;
      bool meets = true;
      for (std::size_t dim = 0; dim < place.size(); ++dim)
        meets &= place[dim].from < made[dim].to && made[dim].from < place[dim].to;
      if (meets) all.push_back(at);
      ++at;
    });
    return all;
  }

 private:
  static constexpr std::size_t kK = 2, kA = 2;  // in kDims; among the inputs
  static LoopOrder order(const StreamSpec& spec, std::string_view name) {
    return order_of(spec,
                    stream_contract(spec.block)->channels[static_cast<std::size_t>(channel(spec, name))]);
  }

  std::array<int, 3> sizes_;
  LoopOrder result_;
  std::vector<LoopOrder> inputs_;
  bool given_, clears_ = false;
};

}  // namespace

bool is_strobed(const StreamSpec& spec) {
  return spec.block == "buffer_manager" && !spec.has("cmd_valid");
}

bool keeps_sums(const StreamSpec& spec) {
  return spec.has("cmd_first") && !spec.has("a_data");
}

bool offers(const ReductionRun& run, const StreamSpec& spec) {
  return operation_code(run.op, spec) && (run.op != Opcode::drain || type_code(run.type, spec)) &&
         spec.fits("count", run.count);
}

StreamJob job_of(const ReductionRun& run, const StreamSpec& spec) {
  StreamJob job;
  job.command = {*operation_code(run.op, spec), type_code(run.type, spec).value_or(0),
                 static_cast<std::uint64_t>(run.count)};
  if (run.op == Opcode::fill) job.in.push_back(flow(channel(spec, "f"), run.incoming));
  if (run.op == Opcode::merge) job.in.push_back(flow(channel(spec, "g"), run.incoming));
  if (run.op != Opcode::fill) job.in.push_back(flow(channel(spec, "b"), run.banks));
  const char* out = run.op == Opcode::drain ? "d" : run.op == Opcode::pass ? "p" : "w";
  std::vector<std::uint32_t> result = run.result;
  result.resize(static_cast<std::size_t>(run.count));
  job.out.push_back(flow(channel(spec, out), result, run.type));
  job.start = run.start;
  job.cycles = run.finish - run.start - run.stall;
  job.name = run.command;
  job.operation = run.operation;
  job.doing = fmt::format("{} elements to {}", run.count, name_of(run.type));
  return job;
}

bool offers(const MatrixRun& run, const StreamSpec& spec) {
  const bool mixes = spec.has("cmd_held_type") && spec.has("cmd_stream_type");
  const bool typed = type_code(run.held_type, spec) && type_code(run.stream_type, spec) &&
                     (run.held_type == run.stream_type || mixes);
  const bool goes_on = spec.has("cmd_first") || spec.has("a_data");
  return typed && (run.first || goes_on) && spec.fits("m", run.m) && spec.fits("n", run.n) &&
         spec.fits("k", run.k);
}

StreamJob job_of(const MatrixRun& run, const StreamSpec& spec) {
  const std::uint32_t held = *type_code(run.held_type, spec), stream = *type_code(run.stream_type, spec);
  StreamJob job;
  job.command = {held,
                 stream,
                 stream,
                 static_cast<std::uint64_t>(run.m),
                 static_cast<std::uint64_t>(run.n),
                 static_cast<std::uint64_t>(run.k),
                 run.first};
  job.in = {operand(spec, "h", run), operand(spec, "s", run)};
  job.out.push_back(results(spec, run));
  if (spec.has("a_data")) {
    job.out.front().returns_to = static_cast<int>(job.in.size());
    job.in.push_back(accumulators(spec, run));
  }
  job.made_from = MadeFrom(spec, run);
  job.start = run.start;
  job.cycles = run.finish - run.start - run.stall;
  job.work = static_cast<std::uint64_t>(run.m) * static_cast<std::uint64_t>(run.n) *
             static_cast<std::uint64_t>(run.k);
  job.name = run.command;
  job.operation = run.operation;
  job.doing = fmt::format("m {} n {} k {} {} x {}{}", run.m, run.n, run.k, name_of(run.held_type),
                          name_of(run.stream_type), run.first ? ", from zero" : "");
  return job;
}

bool offers(const LookupRun& run, const StreamSpec& spec) {
  return operation_code(run.op, spec) && type_code(run.type, spec) &&
         spec.fits("count", static_cast<std::int64_t>(run.x.size()));
}

StreamJob job_of(const LookupRun& run, const StreamSpec& spec) {
  StreamJob job;
  job.command = {*operation_code(run.op, spec), *type_code(run.type, spec), run.x.size()};
  job.in.push_back(flow(channel(spec, "x"), run.x));
  job.out.push_back(flow(channel(spec, "y"), run.result, run.type));
  for (std::size_t i = 0; i < run.result.size() && spec.bound > 0; ++i) {
    const double y = load_element(run.type, reinterpret_cast<const std::byte*>(&run.result[i]), 0);
    job.out.front().bounds.push_back({y, spec.bound * std::max(1.0, std::fabs(y))});
  }
  job.start = run.start;
  job.cycles = run.cycles();
  job.name = run.command;
  job.operation = run.operation;
  job.doing = fmt::format("{} elements to {}", run.x.size(), name_of(run.type));
  return job;
}

bool offers(const BufferRequest& request, const StreamSpec& spec) {
  return operation_code(request.op, spec) && (request.ok || spec.has("r_ok"));
}

StreamJob job_of(const BufferRequest& request, const StreamSpec& spec) {
  StreamJob job;
  job.command = {*operation_code(request.op, spec), static_cast<std::uint64_t>(request.id),
                 static_cast<std::uint64_t>(request.base), static_cast<std::uint64_t>(request.bytes),
                 static_cast<std::uint64_t>(request.depth)};
  const std::string name(stream_contract(spec.block)->operations[static_cast<std::size_t>(request.op)].name);
  if (spec.answered.contains(name)) {
    Flow answer;
    answer.channel = channel(spec, "r");
    answer.elements = {0};
    answer.rows = {{1, 0}};
    answer.fields = {request.ok, std::nullopt, static_cast<std::uint64_t>(request.full)};
    if (request.tile)
      answer.fields[1] =
          static_cast<std::uint64_t>(*request.tile - (spec.has("cmd_base") ? 0 : request.base));
    job.out.push_back(std::move(answer));
  }
  job.start = request.start;
  job.name = fmt::format("{} b{}", name, request.id);
  job.operation = request.operation.empty() ? kForNone : request.operation;
  job.doing = request.story;
  if (!request.command.empty()) {
    job.doing = fmt::format("{}, {}", job.name, request.story);
    job.name = request.command;
  }
  return job;
}

}  // namespace leto::model
