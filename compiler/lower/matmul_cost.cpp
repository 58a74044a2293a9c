#include "compiler/lower/matmul_cost.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/lower/rounding.h"

namespace leto::compiler {
namespace {

// What a command and a run of memory add beyond the work they carry: little, it decides between plans that
// are otherwise alike.
constexpr double kPerCommand = 2, kPerRun = 1.0 / 32;
constexpr std::int64_t kShortestStream = 32;  // a held block takes as long to load
// Scalar instructions around a chunk's commands, about.
constexpr double kScalarsPerChunk = 24;

class Cost {
 public:
  Cost(const MatmulShape& shape, const MatmulPlan& plan, const ChipConfig& chip)
      : s_(shape), p_(plan), chip_(chip), element_(size_of(shape.a.dtype)), result_(size_of(shape.c.dtype)) {}

  double matrix() const {
    double cycles = 0;
    for (const MatmulPart& part : p_.parts) cycles += units(part) * matrix(part);
    return cycles;
  }

  // Parts follow one another, each with a slowest engine of its own.
  double total() const {
    double cycles = first_tiles() + last_tile();
    for (const MatmulPart& part : p_.parts) cycles += of(part);
    return cycles;
  }

 private:
  // Work of what all PEs share.
  struct Shared {
    double bus = 0, activations = 0, sram = 0, links_x = 0, links_y = 0;
  };
  // Engines that run side by side: the slowest, and the more of the others the closer they come to it (the
  // 8-norm).
  struct Busy {
    double powers = 0;
    void add(double cycles) {
      const double square = cycles * cycles, fourth = square * square;
      powers += fourth * fourth;
    }
    double cycles() const { return std::sqrt(std::sqrt(std::sqrt(powers))); }
  };
  // Tiles of one size: the full ones, or the last one of a direction.
  struct Extent {
    std::int64_t tile;
    double count;
  };
  struct Extents {
    std::array<Extent, 2> list{};
    std::size_t count = 0;
    void add(std::int64_t tile, double times) { list[count++] = {tile, times}; }
    const Extent* begin() const { return list.data(); }
    const Extent* end() const { return list.data() + count; }
  };
  static Extents extents(std::int64_t total, std::int64_t tile) {
    Extents all;
    if (total >= tile) all.add(tile, double(total / tile));
    if (total % tile != 0) all.add(total % tile, 1);
    return all;
  }

  struct Reads {
    double a, b;  // how often a PE reads its rows
  };

  // Batches, or (batch, tile) units, of the busiest PE.
  static double units(const MatmulPart& part) { return double(part.batches); }

  Reads reads(const MatmulPart& part) const {
    return {p_.a.kept ? 1.0 : double(part.tiles_n()), p_.b.kept ? 1.0 : double(part.tiles_m())};
  }

  double stream(const MatmulPart& part, std::int64_t columns) const {
    double vectors = 0;
    for (int i = 0; i < part.slots_n && columns > i * part.slot_n; ++i)
      vectors += double(std::max(kShortestStream, std::min(part.slot_n, columns - i * part.slot_n)));
    return vectors;
  }

  double k_blocks(const MatmulPart& part) const {
    const int width = element_ == 1 && chip_.matrix_engine.double_rate_8bit ? 1 : std::max(element_, 2);
    const auto blocks = [&](std::int64_t k) {
      return double(ceil_div(k * width, chip_.matrix_engine.inner_bytes));
    };
    const std::int64_t chunks = p_.chunks(part.k);
    return double(chunks - 1) * blocks(p_.tile_k) + blocks(part.k - (chunks - 1) * p_.tile_k);
  }
  double matrix(const MatmulPart& part) const {
    double vectors = 0;
    for (const Extent& n : extents(part.n, part.tile_n)) vectors += n.count * stream(part, n.tile);
    return double(ceil_div(part.m, p_.held)) * vectors * k_blocks(part);
  }

  // Contiguous bytes of an operand's load.
  double run(const Place& place, const MatmulOperand& o, std::int64_t rows) const {
    if (o.transpose) return double(rows * element_);
    const auto& strides = place.view.strides;
    const bool dense = strides[strides.size() - 2] == o.span;
    return double((dense ? rows * o.span : std::min(o.span, s_.k)) * element_);
  }
  double run_a(const MatmulPart& part) const { return run(s_.a, p_.a, part.tile_m); }
  double run_b(const MatmulPart& part) const { return run(s_.b, p_.b, part.tile_n); }
  double run_c(const MatmulPart& part) const { return double(part.tile_n * result_); }
  static double padded(double bytes, double run, double unit) {
    return bytes / run * double(ceil_div(std::int64_t(run), std::int64_t(unit))) * unit;
  }

  double of(const MatmulPart& part) const {
    const Shared shared = shared_work(part);
    const double chunks = units(part) * double(part.tiles_m() * part.tiles_n() * p_.chunks(part.k));
    const double turn = std::max(shared.bus, shared.sram) / chunks;
    Busy busy;
    double tiles = 0;
    for (const Extent& m : extents(part.m, part.tile_m))
      for (const Extent& n : extents(part.n, part.tile_n))
        tiles += m.count * n.count * tile(part, m.tile, n.tile, turn);
    busy.add(units(part) * tiles);
    busy.add(shared.bus);
    busy.add(shared.activations);
    busy.add(shared.sram);
    busy.add(std::max(shared.links_x, shared.links_y));
    return busy.cycles() + exposed(part) + chain(part) + small_change(part);
  }

  double small_change(const MatmulPart& part) const {
    const Reads read = reads(part);
    const double k_bytes = double(part.k * element_), c = double(part.m * part.n * result_);
    const double runs = double(part.m) * read.a * k_bytes / run_a(part) +
                        double(part.n) * read.b * k_bytes / run_b(part) + c / run_c(part);
    const double commands =
        double(part.tiles_m() * part.tiles_n() * p_.chunks(part.k)) * commands_a_chunk(part);
    return units(part) * (commands * kPerCommand + runs * kPerRun);
  }
  double commands_a_chunk(const MatmulPart& part) const {
    return part.slots() + (p_.a.transpose ? 1 : 0) + (p_.b.transpose ? 1 : 0);
  }

  // A PE's engines over one tile; what a kept tile costs is spread over the tiles that share it. `turn`: as
  // long memory takes to serve a chunk of every PE.
  double tile(const MatmulPart& part, std::int64_t rows, std::int64_t columns, double turn) const {
    const double k_bytes = double(part.k * element_), chunks = double(p_.chunks(part.k));
    const double a = double(rows) * k_bytes / (p_.a.kept ? double(part.tiles_n()) : 1),
                 b = double(columns) * k_bytes / (p_.b.kept ? double(part.tiles_m()) : 1),
                 c = double(rows * columns);
    const double port = chip_.fabric_interface.bytes_per_cycle;
    Busy busy;
    busy.add(double(ceil_div(rows, p_.held)) * stream(part, columns) * k_blocks(part));
    busy.add((padded(a, run_a(part), port) + padded(b, run_b(part), port)) / port);
    busy.add(padded(c * result_, run_c(part), port) / port);
    busy.add(((p_.a.transpose ? a : 0) + (p_.b.transpose ? b : 0)) / turned_per_cycle());
    busy.add(part.splits(MatmulDim::k) ? hand_on(c) : c / chip_.reduction_engine.elements_per_cycle);
    busy.add(chunks * (commands_a_chunk(part) * chip_.command_processor.issue_cycles +
                       kScalarsPerChunk * chip_.command_processor.scalar_cycles));
    busy.add(std::max(chunks * chunk_wait(part, turn), tile_wait(part)));
    return busy.cycles();
  }

  // What all PEs together ask of memory; a multicast is read once.
  Shared shared_work(const MatmulPart& part) const {
    const Reads read = reads(part);
    const double all = double(s_.batches()) * (part.dealt ? double(ceil_div(s_.m, part.tile_m)) : 1);
    const double rows = double(part.dealt ? part.m : part.m_end - part.m_start), n = double(s_.n);
    Shared work;
    const double k = double(s_.k);
    share(work, s_.a_in_sram, all * rows * read.a * k * element_, run_a(part), links(part, MatmulDim::n));
    share(work, s_.b_in_sram, all * n * read.b * k * element_, run_b(part), links(part, MatmulDim::m));
    share_store(work, all * rows * n * result_, run_c(part), links(part, MatmulDim::batch));
    return work;
  }

  // The mesh of cluster routers, memory at its west and east edges; X first, then Y.
  double mesh_rows() const { return double(ceil_div(chip_.pe.rows, chip_.noc.cluster_rows)); }
  double mesh_columns() const { return double(ceil_div(chip_.pe.columns, chip_.noc.cluster_columns)); }
  // Of the busiest link along X and along Y: the share of an operand's pieces that cross it, when each goes
  // to all PEs that differ only in their share of `dim` (only c has no such dim).
  struct Crossed {
    double x, y;
  };
  Crossed links(const MatmulPart& part, MatmulDim dim) const {
    const double r = mesh_rows(), c = mesh_columns();
    const bool several = !part.dealt && dim != MatmulDim::batch;
    const bool down = several && part.over_rows == dim, right = several && part.over_columns == dim;
    const double beyond = right ? 1 : (c - 1) / c;  // of what passes an edge
    const double across = down ? (r - 1) / r : std::floor(r / 2) * std::ceil(r / 2) / (r * r);
    return {c > 1 ? beyond / (2 * r) : 0, across / (right ? 1 : c)};
  }

  // Whole bursts and row activations; runs that do not fill their bursts start anywhere in them.
  void share(Shared& work, bool in_sram, double bytes, double run, Crossed crossed) const {
    const double block = in_sram ? chip_.sram.interleave_bytes : chip_.hbm.interleave_bytes;
    const double piece = std::min(run, block);
    const double held = bytes / piece * chip_.noc_cycle() *
                        double(ceil_div(std::int64_t(piece), chip_.noc.link_bytes_per_cycle));
    work.links_x += held * crossed.x;
    work.links_y += held * crossed.y;
    if (in_sram) {
      work.sram += bytes * chip_.hertz() / sram_bytes_per_second(chip_);
      return;
    }
    const double burst = chip_.dram.burst_bytes;
    const bool whole = std::int64_t(run) % chip_.dram.burst_bytes == 0;
    work.bus += (padded(bytes, run, burst) + (whole ? 0 : bytes / run * burst)) * chip_.hertz() /
                hbm_bytes_per_second(chip_);
    const double activation = std::max(chip_.dram.rrd_s_ns, chip_.dram.faw_ns / 4) * chip_.hertz() * 1e-9;
    work.activations += bytes / run * activation / chip_.hbm.channels;
  }

  // A burst that a run of c fills in part is read first, at either end of the run.
  void share_store(Shared& work, double bytes, double run, Crossed crossed) const {
    share(work, s_.c_in_sram, bytes, run, crossed);
    const double burst = chip_.dram.burst_bytes;
    if (!s_.c_in_sram && std::int64_t(run) % chip_.dram.burst_bytes != 0)
      work.bus += bytes / run * 2 * burst * chip_.hertz() / hbm_bytes_per_second(chip_);
  }

  // Along a split k: adding a neighbour's sums and passing them on; the last PE's are there when the first
  // slot has come down the whole chain.
  double hand_on(double sums) const {
    const auto& re = chip_.reduction_engine;
    return sums / re.elements_per_cycle + sums * sizeof(float) / re.link_bytes_per_cycle +
           2 * re.latency_cycles;
  }
  double chain(const MatmulPart& part) const {
    if (!part.splits(MatmulDim::k)) return 0;
    const int pes = part.over_rows == MatmulDim::k ? chip_.pe.rows : chip_.pe.columns;
    return (pes - 1) * hand_on(double(part.tile_m * part.tile_n) / part.slots());
  }

  // For a kept tile that only fits once.
  double exposed(const MatmulPart& part) const {
    double cycles = 0;
    for (const auto* o : {&p_.a, &p_.b})
      if (o->kept && o->depth == 1) cycles += (units(part) * outer(part) - 1) * kept_load(part, *o);
    return cycles;
  }

  double outer(const MatmulPart& part) const { return double(p_.b.kept ? part.tiles_n() : part.tiles_m()); }

  // A round trip to memory, and as much again three times for what it meets on the way.
  double latency() const {
    const auto& d = chip_.dram;
    const double hops =
        double(chip_.pe.rows / chip_.noc.cluster_rows + chip_.pe.columns / chip_.noc.cluster_columns);
    return 4 * (chip_.hbm.latency_cycles + (d.rcd_ns + d.cl_ns) * chip_.hertz() * 1e-9 +
                hops * chip_.noc.hop_cycles * chip_.noc_cycle() + chip_.fabric_interface.command_cycles);
  }

  // Bytes that the layout engine transposes a cycle: it moves elements of 16 bits at least.
  double turned_per_cycle() const {
    return double(chip_.layout_engine.bytes_per_cycle) * element_ / std::max(element_, 2);
  }
  double load(std::int64_t rows, std::int64_t k) const {
    return double(rows * k * element_) / chip_.fabric_interface.bytes_per_cycle;
  }
  double transpose(const MatmulOperand& o, std::int64_t rows, std::int64_t k) const {
    return o.transpose ? double(rows * k * element_) / turned_per_cycle() + chip_.layout_engine.latency_cycles
                       : 0;
  }
  double kept_load(const MatmulPart& part, const MatmulOperand& o) const {
    const std::int64_t rows = &o == &p_.a ? part.tile_m : part.tile_n;
    return latency() + std::max(load(rows, s_.k), transpose(o, rows, s_.k));
  }

  // The least a chunk can take when its buffers hold only so many: all but the one in use are on their way.
  double chunk_wait(const MatmulPart& part, double turn) const {
    double wait = 0;
    auto side = [&](const MatmulOperand& o, std::int64_t rows) {
      if (o.kept) return;
      const double ahead =
          o.transpose ? o.raw_depth : double(o.depth - 1) * double(o.span) / double(p_.tile_k);
      wait =
          std::max(wait, (latency() + std::max(turn, load(rows, o.transpose ? p_.tile_k : o.span))) / ahead);
    };
    side(p_.a, part.tile_m);
    side(p_.b, part.tile_n);
    return wait;
  }

  double store(const MatmulPart& part) const {
    return double(part.tile_m * part.tile_n * result_) / chip_.fabric_interface.bytes_per_cycle + latency();
  }
  double drain(const MatmulPart& part) const {
    return double(part.tile_m * part.tile_n) / chip_.reduction_engine.elements_per_cycle +
           part.slots() * chip_.reduction_engine.latency_cycles;
  }
  // The same for a tile of c; one accumulator slot cannot be drained while it is filled.
  double tile_wait(const MatmulPart& part) const {
    const double alone =
        part.slots() == 1 ? drain(part) + matrix(part) / double(part.tiles_m() * part.tiles_n()) : 0;
    return std::max(alone, (drain(part) + store(part)) / p_.c_depth);
  }

  double first_tiles() const {
    const MatmulPart& part = p_.parts.front();
    double way_in = 0, moved = 0;
    auto side = [&](const MatmulOperand& o, std::int64_t rows) {
      moved += load(rows, o.transpose && !o.kept ? p_.tile_k : std::min(o.span, s_.k));
      way_in = std::max(way_in, moved + transpose(o, rows, std::min(p_.tile_k, s_.k)));
    };
    side(p_.b.kept ? p_.b : p_.a, p_.b.kept ? part.tile_n : part.tile_m);
    side(p_.b.kept ? p_.a : p_.b, p_.b.kept ? part.tile_m : part.tile_n);
    return latency() + way_in;
  }
  double last_tile() const {
    const MatmulPart& part = p_.parts.back();
    Shared work;
    share_store(work, double(part.tile_m * part.tile_n * result_) * chip_.pes(), run_c(part), {0, 0});
    return drain(part) / part.slots() + store(part) + std::max({work.bus, work.activations, work.sram});
  }

  const MatmulShape& s_;
  const MatmulPlan& p_;
  const ChipConfig& chip_;
  int element_, result_;
};

}  // namespace

double matrix_cycles(const MatmulShape& shape, const MatmulPlan& plan, const ChipConfig& chip) {
  return Cost(shape, plan, chip).matrix();
}

double matmul_cycles(const MatmulShape& shape, const MatmulPlan& plan, const ChipConfig& chip) {
  return Cost(shape, plan, chip).total();
}

}  // namespace leto::compiler
