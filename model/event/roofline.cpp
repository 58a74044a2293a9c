#include "model/event/roofline.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "isa/core.h"
#include "model/control_core/exchange.h"
#include "model/issue_core/issue_core.h"
#include "model/layout_engine/layout_engine.h"
#include "model/reduction_engine/reduction_engine.h"
#include "model/vector_engine/vector_engine.h"

namespace leto::model {
namespace {

using isa::Unit;

constexpr std::array<Engine, 4> kCompute = {Engine::matrix_engine, Engine::reduction_engine,
                                            Engine::vector_engine, Engine::layout_engine};

/// What one operation asks for.
struct Load {
  std::array<double, kCompute.size()> cycles{};  // of a PE, in the mean
  double longest = 0;                            // of one engine of one PE
  double exchange = 0;                           // with other chips
  double hbm = 0, sram = 0;                      // bytes, all PEs
  double commands = 0, macs = 0;
};

class RooflineWalk {
 public:
  RooflineWalk(const isa::Program& program, const ChipConfig& chip)
      : program_(program),
        chip_(chip),
        vector_(chip.vector_engine),
        layout_(chip.layout_engine),
        reduction_(chip.reduction_engine),
        loads_(program.source_ids()) {
    const int rows = chip.pe.rows, columns = chip.pe.columns;
    const std::set<int> corners = {0, columns - 1, (rows - 1) * columns, rows * columns - 1};
    weight_ = static_cast<double>(chip.pes()) / static_cast<double>(corners.size());
    for (int pe : corners) walk({pe / columns, pe % columns, rows, columns});
  }
  const std::vector<Load>& loads() const { return loads_; }
  const Counters& counters() const { return counters_; }

 private:
  void walk(const isa::Place& place) {
    std::vector<std::array<double, kCompute.size()>> mine(loads_.size());
    isa::Command command;
    for (int id = 0; id < isa::kCores; ++id) {
      isa::Core core(program_.code[id], id, place, program_.source_ids());
      while (!core.ended()) {
        const Unit unit = core.unit();
        if (unit == Unit::core) {
          core.execute_scalar();
          continue;
        }
        if (core.current().opcode == isa::Opcode::barrier) {
          Load& load = loads_[core.source()];
          load.exchange = std::max(load.exchange, double(exchange_at(core.current(), chip_)));
        }
        if (unit >= Unit::load) {
          core.capture_current(command);
          add(command, mine[command.source]);
        }
        core.advance();
      }
    }
    const auto pes = static_cast<double>(chip_.pes());
    for (std::size_t op = 0; op < loads_.size(); ++op)
      for (std::size_t engine = 0; engine < kCompute.size(); ++engine) {
        loads_[op].cycles[engine] += mine[op][engine] * weight_ / pes;
        loads_[op].longest = std::max(loads_[op].longest, mine[op][engine]);
      }
  }

  void add(const isa::Command& command, std::array<double, kCompute.size()>& cycles) {
    Load& load = loads_[command.source];
    load.commands += weight_;
    switch (command.unit) {
      case Unit::matrix: {
        const auto macs = static_cast<double>(isa::macs_of(command));
        load.macs += macs * weight_;
        cycles[0] += macs / rate(command.dtype(isa::matmul_t::held_type));
        counters_.macs_by_dtype[static_cast<std::size_t>(command.dtype(isa::matmul_t::held_type))] +=
            std::llround(macs * weight_);
        break;
      }
      case Unit::reduction:
        cycles[1] += static_cast<double>(reduction_.work(command).cycles);
        break;
      case Unit::vector:
        cycles[2] += static_cast<double>(vector_.work(command).cycles);
        break;
      case Unit::layout:
        cycles[3] += static_cast<double>(layout_.work(command).cycles);
        break;
      default:
        move(command, load);
    }
  }

  // MACs a cycle of one matrix engine.
  double rate(DType type) const {
    const MatrixEngineConfig& engine = chip_.matrix_engine;
    const int width = size_of(type), bytes = width == 1 && engine.double_rate_8bit ? 1 : std::max(width, 2);
    return static_cast<double>(isa::kBankRows * engine.tiles) * engine.inner_bytes / bytes;
  }

  void move(const isa::Command& command, Load& load) const {
    const bool plain = command.opcode == isa::Opcode::load || command.opcode == isa::Opcode::store;
    double bytes = static_cast<double>(command.shape[0] * command.shape[1]) * weight_;
    if (plain) bytes *= static_cast<double>(command.shape[3]);
    if (command.opcode == isa::Opcode::load)
      bytes /= members(static_cast<isa::Multicast>(command[isa::load_t::multicast]));
    const std::uint64_t address = plain ? isa::transfer_of(command).address : isa::row_address(command, 0);
    (address >= isa::kSramBase ? load.sram : load.hbm) += bytes;
  }

  double members(isa::Multicast multicast) const {
    switch (multicast) {
      case isa::Multicast::none:
        return 1;
      case isa::Multicast::row:
        return chip_.pe.columns;
      case isa::Multicast::column:
        return chip_.pe.rows;
      default:
        return chip_.pes();
    }
  }

  const isa::Program& program_;
  const ChipConfig& chip_;
  VectorEngine vector_;
  LayoutEngine layout_;
  ReductionEngine reduction_;
  std::vector<Load> loads_;
  Counters counters_;
  double weight_ = 1;
};

double hbm_rate(const ChipConfig& chip) {
  const double burst = std::max(chip.dram.burst_ns, chip.dram.ccd_s_ns);
  return chip.hbm.channels * chip.dram.burst_bytes / burst * 1000 / chip.pe.clock_mhz;
}

double sram_rate(const ChipConfig& chip) {
  return static_cast<double>(chip.sram.banks) * chip.sram.bank_bytes_per_cycle * chip.sram.clock_mhz /
         chip.pe.clock_mhz;
}

/// One operation from `at` on for `length` cycles, on every PE.
void bill(Accounts& accounts, const Load& load, std::uint32_t operation, Cycle at, Cycle length, int pes) {
  for (std::size_t engine = 0; engine < kCompute.size(); ++engine) {
    const Cycle busy = std::min(length, static_cast<Cycle>(std::llround(load.cycles[engine])));
    for (int pe = 0; pe < pes && busy > 0; ++pe)
      accounts.bill(kCompute[engine], pe, State::busy, operation, at, at + busy);
    for (int pe = 0; pe < pes && busy < length; ++pe)
      accounts.bill(kCompute[engine], pe, State::idle, kNoOperation, at + busy, at + length);
  }
  accounts.touch(operation, at);
  accounts.touch(operation, at + length);
  OperationAccount& account = accounts.operation(operation);
  account.commands += std::llround(load.commands);
  account.macs += std::llround(load.macs);
  account.bytes += std::llround(load.hbm + load.sram);
}

}  // namespace

Statistics roofline(const isa::Program& program, const ChipConfig& chip, std::int64_t steps) {
  const RooflineWalk walk(program, chip);
  const int pes = chip.pes();
  Accounts accounts(program.source_ids());
  Counters counters = walk.counters();
  Statistics statistics;
  double hbm = 0, sram = 0;
  Cycle now = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const Cycle begun = now + static_cast<Cycle>(step == 0 ? chip.control_core.launch_cycles
                                                           : chip.control_core.replace_cycles);
    for (const Engine engine : kCompute)
      for (int pe = 0; pe < pes; ++pe) accounts.bill(engine, pe, State::launch, kNoOperation, now, begun);
    now = begun;
    for (std::size_t op = 0; op < walk.loads().size(); ++op) {
      const Load& load = walk.loads()[op];
      const double longest =
          std::max({load.longest, load.exchange, load.hbm / hbm_rate(chip), load.sram / sram_rate(chip)});
      if (longest == 0) continue;
      const auto length = static_cast<Cycle>(std::ceil(longest));
      bill(accounts, load, static_cast<std::uint32_t>(op), now, length, pes);
      now += length;
      counters.commands += std::llround(load.commands);
      counters.macs += std::llround(load.macs);
      hbm += load.hbm;
      sram += load.sram;
    }
  }
  for (auto& macs : counters.macs_by_dtype) macs *= steps;
  for (const Engine engine : {Engine::fabric_interface_load, Engine::fabric_interface_store})
    for (int pe = 0; pe < pes; ++pe) accounts.bill(engine, pe, State::idle, kNoOperation, 0, now);
  for (int core = 0; core < pes * isa::kCores; ++core)
    accounts.bill(Engine::issue_core, core, State::idle, kNoOperation, 0, now);
  accounts.report(statistics, now, pes);
  report(counters, statistics);
  statistics.cycles = now;
  statistics.bytes["hbm"] = {static_cast<std::uint64_t>(std::llround(hbm)), 0};
  statistics.bytes["sram"] = {static_cast<std::uint64_t>(std::llround(sram)), 0};
  statistics.bytes["noc"] = {};
  return statistics;
}

}  // namespace leto::model
