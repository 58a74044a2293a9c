#include "model/twin/stream_checker.h"

#include <algorithm>
#include <limits>

#include "base/errors.h"

namespace leto::model {
namespace {

namespace pins {
enum Pin : int {
#define IN(name, bits, step, required) name,
#define OUT(name, bits, step, required) name,
#include "model/twin/stream_pins.inc"
#undef IN
#undef OUT
};
}  // namespace pins

using isa::Opcode;

// `bits` bits from bit `at` on, at most 32.
std::uint32_t bits_at(const std::uint32_t* words, int at, int bits) {
  std::uint64_t two = words[at / 32] >> at % 32;
  if (at % 32 + bits > 32) two |= static_cast<std::uint64_t>(words[at / 32 + 1]) << (32 - at % 32);
  return static_cast<std::uint32_t>(two & ((std::uint64_t{1} << bits) - 1));
}

}  // namespace

/// A stream of operands into the block.
struct StreamChecker::Input {
  int valid, ready, data, last, keep;
  const std::vector<std::uint32_t>* elements;
  int lanes = 0;
  std::size_t at = 0;  // the next element
  bool waits = false;  // a beat stands at the block and stays
};

/// What comes out of a command.
struct StreamChecker::Output {
  int valid, ready, data, count, last;
  std::string name;
  int lanes = 0, width = 32;
  std::size_t at = 0;               // elements that have come
  std::vector<std::uint32_t> held;  // the beat that waits
};

StreamSpec StreamSpec::defaults() {
  StreamSpec spec;
  for (const Opcode op : {Opcode::drain, Opcode::fill, Opcode::pass, Opcode::merge})
    spec.operations[op] = static_cast<std::uint32_t>(op);
  for (const DType type : {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2})
    spec.types[type] = static_cast<std::uint32_t>(type);
  return spec;
}

std::vector<rtl::ForeignPort> StreamChecker::pins() {
  return {
#define IN(name, bits, step, required) {{#name, bits, true}, step, required},
#define OUT(name, bits, step, required) {{#name, bits, false}, step, required},
#include "model/twin/stream_pins.inc"
#undef IN
#undef OUT
  };
}

StreamChecker::StreamChecker(std::unique_ptr<rtl::ForeignBlock> block, const StreamSpec& stream,
                             const TwinSpec& spec, const std::string& instance, std::uint64_t seed)
    : block_(std::move(block)), stream_(stream), comparison_(spec, instance, seed), random_(seed) {
  block_->reset();
}

bool StreamChecker::offers(const ReductionRun& run) const {
  const bool typed = run.op != Opcode::drain || stream_.types.contains(run.type);
  return typed && stream_.operations.contains(run.op);
}

bool StreamChecker::add(const ReductionRun& run) {
  if (!offers(run)) return false;
  command(run);
  return true;
}

void StreamChecker::offer(const ReductionRun& run) {
  value(pins::cmd_valid) = 1;
  value(pins::cmd_op) = stream_.operations.at(run.op);
  const auto type = stream_.types.find(run.type);
  value(pins::cmd_type) = type == stream_.types.end() ? 0 : type->second;
  value(pins::cmd_count) = static_cast<std::uint32_t>(run.count);
  for (const int pin : {pins::cmd_op, pins::cmd_type, pins::cmd_count})
    if (const int bits = block_->joined(pin); bits > 0 && value(pin) >> bits != 0)
      throw Error(ExitCode::bad_input,
                  fmt::format("{} of a command is {}, and {} bits are joined to it",
                              block_->ports()[static_cast<std::size_t>(pin)].name, value(pin), bits),
                  "give the code that the block uses under [operations] or [types], or join more bits");
}

void StreamChecker::command(const ReductionRun& run) {
  std::vector<Input> inputs;
  const auto add = [&](int valid, const std::vector<std::uint32_t>& elements) {
    const int lanes = block_->joined(valid + 2) / 32;
    if (lanes == 0)
      throw Error(ExitCode::bad_input,
                  fmt::format("[pins] leaves out {}, which a command needs",
                              block_->ports()[static_cast<std::size_t>(valid) + 2].name),
                  "join it, or leave the operation out of [operations]");
    inputs.push_back({valid, valid + 1, valid + 2, valid + 3, valid + 4, &elements, lanes});
  };
  if (run.op == Opcode::fill) add(pins::f_valid, run.incoming);
  if (run.op == Opcode::merge) add(pins::g_valid, run.incoming);
  if (run.op != Opcode::fill && has(pins::b_valid)) add(pins::b_valid, run.banks);
  const int first = run.op == Opcode::drain  ? pins::d_valid
                    : run.op == Opcode::pass ? pins::p_valid
                                             : pins::w_valid;
  Output output{first, first + 1, first + 2, first + 3, first + 4, "", 0, 32, 0, {}};
  output.name = std::string(1, block_->ports()[static_cast<std::size_t>(first)].name[0]);
  if (run.op == Opcode::drain && stream_.dense) output.width = 8 * size_of(run.type);
  output.lanes = block_->joined(output.data) / output.width;
  if (run.op == Opcode::drain && stream_.beat > 0) output.lanes = std::min(output.lanes, stream_.beat);
  if (output.lanes == 0 || !has(output.valid))
    throw Error(ExitCode::bad_input,
                fmt::format("[pins] leaves out {0}_valid or {0}_data, which a command needs", output.name),
                "join them, or leave the operation out of [operations]");

  Cycle accepted = kNever, last = now_;
  while (output.at < static_cast<std::size_t>(run.count)) {
    if (accepted == kNever) offer(run);
    const Moved moved = clock(run, inputs, output);
    if (moved.command) {
      accepted = now_ - 1;
      value(pins::cmd_valid) = 0;
    }
    if (moved.command || moved.data) last = now_;
    if (now_ - last > kPatience)
      return differ(run, output, accepted == kNever ? "cmd_ready" : output.name + "_valid", "1",
                    fmt::format("0 for {} cycles", kPatience));
  }
  if (stream_.level == CompareLevel::window) check_length(run, now_ - 1 - accepted);
}

StreamChecker::Moved StreamChecker::clock(const ReductionRun& run, std::vector<Input>& inputs,
                                          Output& output) {
  comparison_.compares(now_);
  for (Input& input : inputs) drive(input);
  const bool ready = !stops();
  for (const int pin : {pins::d_ready, pins::p_ready, pins::w_ready}) value(pin) = 0;
  value(output.ready) = ready;
  block_->evaluate();
  if (has(pins::b_index) && run.op != Opcode::fill) read_banks(run);
  see_pins();
  Moved moved{value(pins::cmd_valid) != 0 && value(pins::cmd_ready) != 0, false};
  const std::size_t before = output.at;
  check(run, output, ready || !has(output.ready));
  moved.data = output.at != before;
  for (Input& input : inputs)
    if (input.waits && value(input.ready) != 0) {
      input.at += static_cast<std::size_t>(input.lanes);
      input.waits = false;
      moved.data = true;
    }
  block_->clock();
  ++now_;
  return moved;
}

void StreamChecker::drive(Input& input) {
  const std::size_t count = input.elements->size();
  if (!input.waits && (input.at >= count || stops())) {
    value(input.valid) = 0;
    return;
  }
  input.waits = true;
  const std::size_t left = std::min(count - input.at, static_cast<std::size_t>(input.lanes));
  std::uint32_t* data = block_->pin(input.data);
  std::fill_n(data, input.lanes, 0u);
  std::copy_n(input.elements->begin() + static_cast<std::ptrdiff_t>(input.at), left, data);
  value(input.valid) = 1;
  value(input.last) = input.at + left == count;
  std::uint32_t* keep = block_->pin(input.keep);
  for (int byte = 0; byte < 4 * input.lanes; ++byte) {
    const std::uint32_t mask = 1u << byte % 32;
    const bool valid = static_cast<std::size_t>(byte / 4) < left;
    keep[byte / 32] = valid ? keep[byte / 32] | mask : keep[byte / 32] & ~mask;
  }
}

// The accumulators as a memory that is read in the same cycle.
void StreamChecker::read_banks(const ReductionRun& run) {
  const std::size_t from = value(pins::b_index);
  std::uint32_t* data = block_->pin(pins::b_data);
  for (std::size_t i = 0; i < static_cast<std::size_t>(block_->joined(pins::b_data) / 32); ++i)
    data[i] = from + i < run.banks.size() ? run.banks[from + i] : 0;
  block_->evaluate();
}

void StreamChecker::check(const ReductionRun& run, Output& output, bool ready) {
  for (const int other : {pins::d_valid, pins::p_valid, pins::w_valid}) {
    std::uint64_t valid = value(other);
    const std::string name(block_->ports()[static_cast<std::size_t>(other)].name);
    if (other != output.valid && !comparison_.agrees(now_, name, 1, 0, valid))
      differ(run, output, name, "0", std::to_string(valid));
  }
  if (value(output.valid) == 0) {
    if (!output.held.empty()) differ(run, output, output.name + "_valid", "1 until it is taken", "0");
    return;
  }
  const int words = (block_->joined(output.data) + 31) / 32;
  std::vector<std::uint32_t> beat(block_->pin(output.data), block_->pin(output.data) + words);
  if (!output.held.empty() && beat != output.held)
    differ(run, output, output.name + "_data", "as it was until it is taken", "changed while it waited");
  output.held = std::move(beat);
  if (!ready) return;
  check_beat(run, output);
  output.held.clear();
}

void StreamChecker::check_beat(const ReductionRun& run, Output& output) {
  const std::size_t left = static_cast<std::size_t>(run.count) - output.at;
  const std::size_t lanes = std::min(left, static_cast<std::size_t>(output.lanes));
  if (has(output.count)) {
    std::uint64_t count = value(output.count);
    if (!comparison_.agrees(now_, output.name + "_count", 16, lanes, count))
      differ(run, output, output.name + "_count", std::to_string(lanes), std::to_string(count));
  }
  if (has(output.last)) {
    std::uint64_t last = value(output.last);
    if (!comparison_.agrees(now_, output.name + "_last", 1, left == lanes, last))
      differ(run, output, output.name + "_last", std::to_string(int{left == lanes}), std::to_string(last));
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::uint32_t model = run.result[output.at + i];
    std::uint64_t rtl = bits_at(block_->pin(output.data), static_cast<int>(i) * output.width, output.width);
    if (!comparison_.agrees(now_, output.name + "_data", 32, model, rtl, static_cast<int>(i)))
      differ(run, output, fmt::format("{}_data[{}]", output.name, i), shown(model, run.type),
             shown(static_cast<std::uint32_t>(rtl), run.type));
  }
  comparison_.count().values_compared += lanes;
  output.at += lanes;
}

void StreamChecker::check_length(const ReductionRun& run, Cycle cycles) {
  const auto model = static_cast<std::int64_t>(run.finish - run.start - run.stall);
  const std::int64_t more = static_cast<std::int64_t>(cycles) - model;
  least_seen = seen_ ? std::min(least_seen, more) : more;
  most_seen = seen_ ? std::max(most_seen, more) : more;
  seen_ = true;
  if (more >= stream_.least && more <= stream_.most) return;
  Output output{};
  differ(run, output, "length",
         fmt::format("{} cycles, and {} to {} more", model, stream_.least, stream_.most),
         fmt::format("{} cycles", cycles));
}

void StreamChecker::see_pins() {
  TwinWindow* window = comparison_.window(now_);
  if (!window) return;
  for (std::size_t pin = 0; pin < block_->ports().size(); ++pin) {
    const int bits = block_->joined(static_cast<int>(pin));
    const std::string name = fmt::format("rtl.{}", block_->ports()[pin].name);
    const std::uint32_t* words = block_->pin(static_cast<int>(pin));
    if (bits > 0 && bits <= 32) window->put(now_, name, bits, words[0]);
    for (int i = 0; bits > 32 && i < bits / 32; ++i)
      window->put(now_, fmt::format("{}_{}", name, i), 32, words[i]);
  }
}

void StreamChecker::differ(const ReductionRun& run, const Output& output, const std::string& signal,
                           const std::string& model, const std::string& rtl) {
  std::vector<std::string> inputs;
  if (output.at < run.banks.size()) inputs.push_back("bank " + shown(run.banks[output.at]));
  if (output.at < run.incoming.size()) inputs.push_back("incoming " + shown(run.incoming[output.at]));
  comparison_.differ(now_, signal, model, rtl,
                     {run.command, run.operation,
                      fmt::format("{} elements to {}, {} have come; cycles since the block's reset",
                                  run.count, name_of(run.type), output.at),
                      fmt::format("{}", fmt::join(inputs, " "))});
}

}  // namespace leto::model
