#include "model/vector_engine/vector_engine.h"

#include <algorithm>

namespace leto::model {
namespace {

using isa::Broadcast;
using isa::Reduce;
using isa::vector_t;

struct Source {
  Broadcast mode;
  std::int64_t width, pitch;

  std::int64_t bytes(std::int64_t rows, std::int64_t columns) const {
    switch (mode) {
      case Broadcast::full:
        return rows * columns * width;
      case Broadcast::row:
        return columns * width;
      case Broadcast::column:
        return rows * width;
      case Broadcast::immediate:
        break;
    }
    return 0;
  }
  bool dense(std::int64_t columns) const { return mode != Broadcast::full || pitch == columns * width; }
};

Source first(const isa::Command& c) {
  return {static_cast<Broadcast>(c[vector_t::a_mode]), size_of(c.dtype(vector_t::a_type)), c.shape[3]};
}

Source second(const isa::Command& c) {
  const bool read = isa::is_binary(static_cast<isa::VectorOp>(c[vector_t::op]));
  return {read ? static_cast<Broadcast>(c[vector_t::b_mode]) : Broadcast::immediate,
          size_of(c.dtype(vector_t::b_type)), c.shape[4]};
}

std::int64_t results(const isa::Command& c, std::int64_t rows, std::int64_t columns) {
  switch (static_cast<Reduce>(c[vector_t::reduce])) {
    case Reduce::none:
      return rows * columns;
    case Reduce::column_sum:
      return columns;
    default:
      return rows;
  }
}

// A row's elements are added like those of a column sum; every row of the result is written once.
Work collected(const isa::Command& c, std::int64_t lanes, std::int64_t bytes_per_cycle,
               std::int64_t latency) {
  Work work;
  if (c.shape[1] == 0) return work;
  const auto beats_a_row = ceil_div(static_cast<Cycle>(c.shape[1]), static_cast<Cycle>(lanes));
  work.read = c.shape[0] * (c.shape[1] * size_of(c.dtype(isa::collect_t::src_type)) + isa::kIndexBytes);
  work.written = isa::footprint(c, 0);
  const Cycle port =
      ceil_div(static_cast<Cycle>(work.read + work.written), static_cast<Cycle>(bytes_per_cycle));
  work.cycles = std::max(static_cast<Cycle>(std::max(c.shape[0], c.shape[2])) * beats_a_row, port) +
                static_cast<Cycle>(latency);
  return work;
}

}  // namespace

bool VectorEngine::dense(const isa::Command& c) {
  const bool reduces = static_cast<Reduce>(c[vector_t::reduce]) != Reduce::none;
  const std::int64_t columns = c.shape[1];
  return first(c).dense(columns) && second(c).dense(columns) &&
         (reduces || c.shape[2] == columns * size_of(c.dtype(vector_t::dst_type)));
}

Work VectorEngine::work(const isa::Command& c) const {
  if (c.opcode == isa::Opcode::collect)
    return collected(c, config_.elements_per_cycle, config_.bytes_per_cycle, config_.latency_cycles);
  const std::int64_t rows = c.shape[0], columns = c.shape[1];
  if (rows == 0 || columns == 0) return {};
  const Source a = first(c), b = second(c);
  const std::int64_t width = size_of(c.dtype(vector_t::dst_type));

  Work work;
  work.written = results(c, rows, columns) * width;
  work.read = a.bytes(rows, columns) + b.bytes(rows, columns) + (c[vector_t::accumulate] ? work.written : 0);
  const auto lanes = static_cast<Cycle>(config_.elements_per_cycle);
  const Cycle beats = dense(c) ? ceil_div(static_cast<Cycle>(rows * columns), lanes)
                               : static_cast<Cycle>(rows) * ceil_div(static_cast<Cycle>(columns), lanes);
  const Cycle port =
      ceil_div(static_cast<Cycle>(work.read + work.written), static_cast<Cycle>(config_.bytes_per_cycle));
  work.cycles = std::max(beats, port) + static_cast<Cycle>(config_.latency_cycles);
  return work;
}

}  // namespace leto::model
