#include "model/twin/twins.h"

#include <algorithm>
#include <filesystem>

#include "base/errors.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/twin/engine_twins.h"
#include "model/twin/foreign_twin.h"
#include "model/twin/log.h"
#include "model/twin/lookup_twin.h"
#include "model/waves/signals.h"

namespace leto::model {
namespace {

std::vector<std::string_view> pe_block_names() {
  std::vector<std::string_view> all;
  for (const TwinBlockRow& row : kTwinBlocks)
    if (row.of_pe) all.push_back(row.name);
  return all;
}

// "noc.router[0] to noc.router[3]", of each block that no PE has.
std::vector<std::string> chip_instances(const ChipConfig& chip) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < kTwinBlocks.size(); ++i)
    if (const auto block = static_cast<TwinBlock>(i); !kTwinBlocks[i].of_pe)
      all.push_back(
          fmt::format("{} to {}", instance_of(0, block), instance_of(instances(block, chip) - 1, block)));
  return all;
}

// "pe[seed]" stands for one PE that the seed chooses: never PE 0 where there are others, since everybody
// looks there.
std::string chosen(std::string pattern, const ChipConfig& chip, std::uint64_t seed) {
  constexpr std::string_view kChosen = "pe[seed]";
  if (!pattern.starts_with(kChosen)) return pattern;
  const auto others = static_cast<std::uint64_t>(chip.pes() - 1);
  const std::uint64_t pe = others == 0 ? 0 : 1 + uniform_below(seed, fnv1a(kChosen), 0, others);
  return fmt::format("pe[{}]{}", pe, pattern.substr(kChosen.size()));
}

std::unique_ptr<Twin> make(TwinBlock block, int number, const TwinSpec& spec, const std::string& instance,
                           const ChipConfig& chip, const isa::Program& program, std::uint64_t seed) {
  switch (block) {
    case TwinBlock::matrix_engine:
      return std::make_unique<MatrixTwin>(chip, spec, instance, seed, program);
    case TwinBlock::reduction_engine:
      return std::make_unique<ReductionTwin>(chip, spec, instance, seed, program);
    case TwinBlock::buffer_manager:
      return buffer_twin(chip, spec, instance, seed, program, block_in_lock_step(spec));
    case TwinBlock::load_address_generator:
    case TwinBlock::store_address_generator:
      return std::make_unique<AddressTwin>(chip, block, spec, instance, seed, program,
                                           block_in_lock_step(spec));
    case TwinBlock::vector_lookup:
      return std::make_unique<LookupTwin>(chip, spec, instance, seed, program);
    case TwinBlock::sram_bank:
      return std::make_unique<SramBankChecker>(chip, spec, instance, seed, block_in_lock_step(spec));
    case TwinBlock::router:
      return std::make_unique<RouterTwin>(chip, number, spec, instance, seed, block_in_lock_step(spec));
  }
  return nullptr;
}

void check_foreign(const TwinSpec& spec, TwinBlock block, const std::string& instance) {
  const TwinBlockRow& row = kTwinBlocks[static_cast<std::size_t>(block)];
  if (!spec.foreign)
    throw Error(ExitCode::unsupported, fmt::format("--twin {}: nobody has read {}", spec.pattern, spec.block),
                "give it to leto run");
  const std::string& other = spec.foreign->block();
  if (other != row.name && other != row.rtl)
    throw Error(ExitCode::usage,
                fmt::format("--twin {}: {} describes a {}, and {} is a {}", spec.pattern, spec.block, other,
                            instance, row.name),
                fmt::format("name instances that are a {}", other));
}

void check_signal(const TwinSpec& spec, TwinBlock block, const std::string& instance) {
  if (!spec.inject) return;
  const auto ours = kTwinBlocks[static_cast<std::size_t>(block)].signals;
  std::vector<std::string> signals(ours.begin(), ours.end());
  if (spec.foreign && !spec.foreign->by_cycle()) signals = StreamChecker::signals(spec.foreign->stream());
  if (std::find(signals.begin(), signals.end(), spec.inject->signal) != signals.end()) return;
  throw Error(ExitCode::usage,
              fmt::format("--twin {}: {} has no signal \"{}\"", spec.pattern, instance, spec.inject->signal),
              fmt::format("its signals are {}", fmt::join(signals, ", ")));
}

}  // namespace

Twins::Twins(const std::vector<TwinSpec>& specs, const ChipConfig& chip, const isa::Program& program,
             bool values, std::uint64_t seed, const std::int64_t& chip_macs)
    : chip_(chip), program_(program) {
  for (const TwinSpec& spec : specs) {
    if (!values && spec.mode != TwinMode::model)
      throw Error(ExitCode::unsupported,
                  fmt::format("--twin {}: a twin needs values, and they are off", spec.pattern),
                  "add --values on");
    const std::string pattern = chosen(spec.pattern, chip, seed);
    bool any = false;
    for (std::size_t i = 0; i < kTwinBlocks.size(); ++i) {
      const auto block = static_cast<TwinBlock>(i);
      for (int number = 0; number < instances(block, chip); ++number) {
        if (!fits(pattern, instance_of(number, block))) continue;
        any = true;
        add(spec, number, block, chip, program, seed);
      }
    }
    if (!any)
      throw Error(
          ExitCode::usage, fmt::format("--twin {}: no such instance", spec.pattern),
          fmt::format("instances with a twin are pe[0] to pe[{}], each with .{}; {}; * and ? fit several, "
                      "pe[seed] is one that the seed chooses",
                      chip.pes() - 1, fmt::join(pe_block_names(), ", ."),
                      fmt::join(chip_instances(chip), ", ")));
  }
  connect_routers();
  share_budget(chip_macs);
}

template <class F>
void Twins::each(F f) const {
  for (int number = 0; number < numbers(); ++number)
    for (std::size_t i = 0; i < kTwinBlocks.size(); ++i)
      if (const auto block = static_cast<TwinBlock>(i); Twin* twin = find(number, block))
        f(block, instance_of(number, block), *twin);
}

void Twins::add(const TwinSpec& spec, int number, TwinBlock block, const ChipConfig& chip,
                const isa::Program& program, std::uint64_t seed) {
  const std::string instance = instance_of(number, block);
  if (!spec.block.empty()) check_foreign(spec, block, instance);
  check_signal(spec, block, instance);
  const auto place = static_cast<std::size_t>(number);
  if (place >= twins_.size()) twins_.resize(place + 1);
  twins_[place][static_cast<std::size_t>(block)] =
      spec.mode == TwinMode::model ? nullptr : make(block, number, spec, instance, chip, program, seed);
}

// The twins of arithmetic share one.
void Twins::share_budget(const std::int64_t& chip_macs) {
  // What costs nothing worth saving: MACs; elements, pieces, events of a buffer manager; requests; packets.
  constexpr std::int64_t kFreeMacs = 1 << 16, kFree = 1 << 7, kFreeRequests = 1 << 5, kFreePackets = 1 << 4;
  const auto arithmetic = std::make_shared<Budget>(chip_macs, kBudgetShare, kFreeMacs);
  each([&](TwinBlock block, const std::string&, Twin& twin) {
    Comparison& comparison = twin.comparison();
    if (!comparison.budgeted()) return;
    switch (block) {
      case TwinBlock::matrix_engine:
      case TwinBlock::vector_lookup:
        return comparison.limit(arithmetic);
      case TwinBlock::buffer_manager:
        return static_cast<BufferTwin&>(twin).limit(std::make_shared<Budget>(kOwnShare, kFree));
      case TwinBlock::sram_bank:
        return comparison.limit(std::make_shared<Budget>(kBankShare, kFreeRequests));
      case TwinBlock::router:
        return comparison.limit(std::make_shared<Budget>(kBudgetShare, kFreePackets));
      default:
        return comparison.limit(std::make_shared<Budget>(kOwnShare, kFree));
    }
  });
}

void Twins::connect_routers() {
  for (int number = 0; number < numbers(); ++number) {
    Twin* twin = find(number, TwinBlock::router);
    if (!twin) continue;
    if (!routers_) routers_ = std::make_unique<RouterTwins>(chip_);
    routers_->connect(number, static_cast<RouterTwin&>(*twin));
  }
}

Twin* Twins::find(int number, TwinBlock block) const {
  return number < numbers() ? twins_[static_cast<std::size_t>(number)][static_cast<std::size_t>(block)].get()
                            : nullptr;
}

EngineTwin* Twins::engine(int pe, isa::Unit unit) const {
  if (unit == isa::Unit::matrix) return static_cast<EngineTwin*>(find(pe, TwinBlock::matrix_engine));
  if (unit == isa::Unit::reduction) return static_cast<EngineTwin*>(find(pe, TwinBlock::reduction_engine));
  if (unit == isa::Unit::vector) return static_cast<EngineTwin*>(find(pe, TwinBlock::vector_lookup));
  return nullptr;
}

BufferTwin* Twins::buffers(int pe) const {
  return static_cast<BufferTwin*>(find(pe, TwinBlock::buffer_manager));
}

AddressTwin* Twins::addresses(int pe, bool store) const {
  const TwinBlock block = store ? TwinBlock::store_address_generator : TwinBlock::load_address_generator;
  return static_cast<AddressTwin*>(find(pe, block));
}

IssueWatch* Twins::issue_watch() {
  for (int pe = 0; pe < numbers(); ++pe)
    if (addresses(pe, false) || addresses(pe, true)) return this;
  return nullptr;
}

BankWatch* Twins::bank_watch() {
  for (int bank = 0; bank < numbers(); ++bank)
    if (find(bank, TwinBlock::sram_bank)) return this;
  return nullptr;
}

void Twins::granted(int bank, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) {
  if (Twin* twin = find(bank, TwinBlock::sram_bank))
    static_cast<SramBankChecker*>(twin)->granted(port, bytes, asked, done);
}

void Twins::cut(int pe, const Cut& cut) {
  if (AddressTwin* twin = addresses(pe, cut.store)) twin->cut(cut);
}

void Twins::flush() {
  if (routers_) routers_->flush();
  each([](TwinBlock, const std::string&, Twin& twin) { twin.flush(); });
}

TwinLog Twins::log_of(const Finding& finding) const {
  TwinLog log;
  log.chip = chip_;
  log.finding = finding;
  log.program_hash = fnv1a(isa::to_bytes(program_));
  log.rtl_hash = rtl::rtl_hash();
  each([&](TwinBlock block, const std::string& instance, Twin& twin) {
    if (instance != finding.instance) return;
    log.block = block;
    log.spec = twin.comparison().spec();
    if (log.spec.foreign) {
      log.spec.block = std::filesystem::absolute(log.spec.block).lexically_normal().string();
      log.rtl_hash = log.spec.foreign->hash();
    }
    twin.log(log);
  });
  return log;
}

std::map<std::string, TwinCount> Twins::count() const {
  std::map<std::string, TwinCount> all;
  each([&](TwinBlock, const std::string& name, Twin& twin) { all[name] = twin.comparison().count(); });
  return all;
}

std::vector<std::string> Twins::notes() const {
  std::vector<std::string> all;
  each([&](TwinBlock block, const std::string& name, Twin& twin) {
    if (twin.comparison().fault_missed())
      all.push_back(fmt::format("--twin {}: the fault to inject lies behind the last compared cycle", name));
    const TwinCount& count = twin.comparison().count();
    if (block == TwinBlock::router && count.commands_left_out > 0)
      all.push_back(fmt::format(
          "--twin {}: {} packets were not compared, since others waited for longer than the RTL counts", name,
          count.commands_left_out));
  });
  return all;
}

}  // namespace leto::model
