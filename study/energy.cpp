#include "study/energy.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/dtypes.h"

namespace leto::study {
namespace {

constexpr double kPico = 1e-12;

using Weight = std::function<double(const OperationFacts&)>;
using ByName = std::map<std::string, double>;

std::string_view mac_row(const std::string& dtype) {
  const auto known = dtype_from_name(dtype);
  const auto bytes = known ? size_of(*known) : 2;
  return bytes == 1 ? "mac_8bit" : bytes == 2 ? "mac_16bit" : "mac_32bit";
}

double busy(const OperationFacts& op, const std::string& engine) {
  const auto found = op.busy.find(engine);
  return found == op.busy.end() ? 0 : double(found->second);
}

double all_busy(const OperationFacts& op) {
  return std::accumulate(op.busy.begin(), op.busy.end(), 0.0,
                         [](double sum, const auto& item) { return sum + double(item.second); });
}

double bytes_of(const RunFacts& facts, const std::string& memory) {
  const auto found = facts.bytes.find(memory);
  return found == facts.bytes.end() ? 0 : double(found->second.read) + double(found->second.write);
}

/// The row of a DRAM grade: "hbm3e_8000" -> "dram_byte.hbm3e".
std::string dram_row(const ChipConfig& chip) {
  return "dram_byte." + chip.hbm.timing.substr(0, chip.hbm.timing.find('_'));
}

/// One computation at one corner of the table.
class Account {
 public:
  Account(const RunFacts& facts, const FactTable& table, Corner corner)
      : facts_(facts),
        table_(table),
        corner_(corner),
        dvfs_(dvfs_point(facts.chip.pe.clock_mhz, table, corner)) {
    engines();
    memories();
    always_on();
  }

  const ByName& by_block() const { return by_block_; }
  const ByName& by_operation() const { return by_operation_; }
  double total() const {
    return std::accumulate(by_block_.begin(), by_block_.end(), 0.0,
                           [](double sum, const auto& item) { return sum + item.second; });
  }

 private:
  double on_chip(std::string_view row) const { return table_.scaled(row, corner_) * kPico * dvfs_.dynamic(); }

  /// Bills joules to a block, and to operations in proportion to what they caused.
  void bill(const std::string& block, double joules, const Weight& weight) {
    if (joules <= 0) return;
    by_block_[block] += joules;
    double all = 0;
    for (const OperationFacts& op : facts_.operations) all += weight(op);
    for (const OperationFacts& op : facts_.operations)
      if (const double share = weight(op); share > 0) by_operation_[energy_name(op)] += joules * share / all;
    if (all <= 0) by_operation_[std::string(kAlwaysOn)] += joules;
  }

  void engines() {
    double macs = 0;
    for (const OperationFacts& op : facts_.operations) macs += double(op.macs) * on_chip(mac_row(op.dtype));
    bill("matrix_engine", macs,
         [&](const OperationFacts& op) { return double(op.macs) * on_chip(mac_row(op.dtype)); });
    const auto vector = facts_.engines.find("vector_engine");
    const double lanes = double(facts_.chip.vector_engine.elements_per_cycle);
    if (vector != facts_.engines.end())
      bill("vector_engine", double(vector->second.busy) * lanes * on_chip("vector_lane"),
           [](const OperationFacts& op) { return busy(op, "vector_engine"); });
    bill("command_processor", double(facts_.commands) * on_chip("command"),
         [](const OperationFacts& op) { return double(op.commands); });
  }

  void memories() {
    const auto moved = [](const OperationFacts& op) { return double(op.bytes); };
    bill("local_store", bytes_of(facts_, "ls") * on_chip("local_store_byte"), all_busy);
    const double hop =
        on_chip("noc_router_byte") + on_chip("noc_wire_byte") * table_.get("noc_hop_mm").at(corner_);
    bill("noc", bytes_of(facts_, "noc") * hop, moved);
    bill("sram", bytes_of(facts_, "sram") * on_chip("sram_byte"), moved);
    // The memory's own supply does not follow the PE clock.
    bill("hbm", bytes_of(facts_, "hbm") * table_.scaled(dram_row(facts_.chip), corner_) * kPico, moved);
  }

  void always_on() {
    const double pes = double(facts_.chip.pes()), seconds = double(facts_.cycles) / facts_.chip.hertz();
    const auto nobody = [](const OperationFacts&) { return 0.0; };
    bill("clock",
         pes * table_.get("flip_flops_per_pe").at(corner_) * table_.get("clock_activity").at(corner_) *
             double(facts_.cycles) * on_chip("register_clock"),
         nobody);
    bill("leakage",
         pes * table_.get("pe_area_mm2").at(corner_) * table_.get("leakage_density").at(corner_) * seconds *
             dvfs_.leakage(),
         nobody);
  }

  const RunFacts& facts_;
  const FactTable& table_;
  Corner corner_;
  DvfsPoint dvfs_;
  ByName by_block_, by_operation_;
};

}  // namespace

DvfsPoint dvfs_point(double clock_mhz, const FactTable& table, Corner corner) {
  const double slope = table.get("voltage_slope").at(corner), floor = table.get("voltage_floor").at(corner);
  return {std::max(floor, 1 - slope * (1 - clock_mhz / table.get("nominal_clock").at(corner)))};
}

EnergyRecord energy_of(const RunFacts& facts, const FactTable& table) {
  const Account account(facts, table, Corner::value);
  return {account.total(), Account(facts, table, Corner::low).total(),
          Account(facts, table, Corner::high).total(), account.by_block(), account.by_operation()};
}

}  // namespace leto::study
