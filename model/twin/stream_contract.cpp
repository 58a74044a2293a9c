#include "model/twin/stream_contract.h"

#include <fmt/format.h>

#include "isa/instruction.h"

namespace leto::model {
namespace {

constexpr int kMostBits = 1 << 16;  // of a channel's data

std::uint32_t code(isa::Opcode op) {
  return static_cast<std::uint32_t>(op);
}
std::uint32_t code(isa::VectorOp op) {
  return static_cast<std::uint32_t>(op);
}

const StreamContract& reduction_engine() {
  static const StreamContract kContract{"reduction_engine",
                                        {{"op", 8}, {"type", 8}, {"count", 16}},
                                        {{"f", true, 32, "fill ", true},
                                         {"g", true, 32, "merge ", true},
                                         {"b", true, 32, "drain pass merge ", true},
                                         {"d", false, 32, "drain ", true},
                                         {"p", false, 32, "pass ", true},
                                         {"w", false, 32, "fill merge ", true}},
                                        {{"drain", code(isa::Opcode::drain)},
                                         {"fill", code(isa::Opcode::fill)},
                                         {"pass", code(isa::Opcode::pass)},
                                         {"merge", code(isa::Opcode::merge)}},
                                        {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2},
                                        {"count"}};
  return kContract;
}

const StreamContract& matrix_engine() {
  static const StreamContract kContract{
      "matrix_engine",
      {{"held_type", 8}, {"stream_type", 8}, {"type", 8}, {"m", 16}, {"n", 16}, {"k", 16}, {"first", 1}},
      {{"h", true, 16, "", false, "m k", "mk"},
       {"s", true, 16, "", false, "n k", "nk"},
       {"a", true, 32, "-", false, "n m", "nm"},
       {"c", false, 32, "", false, "n m", "nm"}},
      {},
      {DType::bf16, DType::fp16, DType::e4m3, DType::e5m2},
      {"m", "n", "k"}};
  return kContract;
}

const StreamContract& vector_lookup() {
  using isa::VectorOp;
  static const StreamContract kContract{"vector_lookup",
                                        {{"op", 8}, {"type", 8}, {"count", 16}},
                                        {{"x", true, 32, "", true}, {"y", false, 32, "", true}},
                                        {{"exponential", code(VectorOp::exponential)},
                                         {"logarithm", code(VectorOp::logarithm)},
                                         {"tanh", code(VectorOp::tanh)},
                                         {"erf", code(VectorOp::erf)},
                                         {"sigmoid", code(VectorOp::sigmoid)},
                                         {"reciprocal", code(VectorOp::reciprocal)}},
                                        {DType::fp32, DType::bf16, DType::fp16, DType::e4m3, DType::e5m2},
                                        {"count"}};
  return kContract;
}

const StreamContract& buffer_manager() {
  static const StreamContract kContract{
      "buffer_manager",
      {{"op", 8}, {"id", 8}, {"base", 32}, {"bytes", 32}, {"depth", 16}},
      {{"r", false, 0, "-", false, "", "", {{"ok", 1}, {"tile", 32}, {"full", 16}}}},
      {{"define", 0}, {"reserve", 1}, {"push", 2}, {"wait", 3}, {"pop", 4}},
      {},
      {"depth", "bytes"}};
  return kContract;
}

}  // namespace

StreamContract::StreamContract(std::string_view of, std::vector<StreamField> fields,
                               std::vector<StreamChannel> all, std::vector<StreamCode> ops,
                               std::vector<DType> all_types, std::vector<std::string_view> all_sizes)
    : block(of),
      command(std::move(fields)),
      channels(std::move(all)),
      operations(std::move(ops)),
      types(std::move(all_types)),
      sizes(std::move(all_sizes)) {
  add("cmd_valid", 1, true, 0);
  add("cmd_ready", 1, false, 0);
  for (const StreamField& field : command) add(fmt::format("cmd_{}", field.name), field.bits, true, 1);
  for (StreamChannel& one : channels) {
    const auto pin = [&](const char* name, int bits, bool theirs, int step) {
      return add(fmt::format("{}_{}", one.name, name), bits, one.input == theirs, step);
    };
    one.valid = pin("valid", 1, true, 0);
    one.ready = pin("ready", 1, false, 0);
    one.first_field = static_cast<int>(pins.size());
    for (const StreamField& field : one.fields)
      add(fmt::format("{}_{}", one.name, field.name), field.bits, one.input, 1);
    if (one.lane == 0) continue;
    one.data = pin("data", kMostBits, true, 8);
    one.last = pin("last", 1, true, 0);
    one.keep = pin("keep", kMostBits / 8, true, 1);
    one.count = pin("count", 16, true, 1);
    one.index = add(fmt::format("{}_index", one.name), 32, false, 1);
  }
}

int StreamContract::add(const std::string& name, int bits, bool input, int step) {
  names_.push_back(name);
  pins.push_back({{names_.back(), bits, input}, step, false});
  return static_cast<int>(pins.size()) - 1;
}

int StreamContract::channel(std::string_view name) const {
  for (std::size_t i = 0; i < channels.size(); ++i)
    if (channels[i].name == name) return static_cast<int>(i);
  return -1;
}

const StreamContract* stream_contract(std::string_view block) {
  for (const StreamContract* one :
       {&reduction_engine(), &matrix_engine(), &vector_lookup(), &buffer_manager()})
    if (one->block == block) return one;
  return nullptr;
}

}  // namespace leto::model
