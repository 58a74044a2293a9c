#include "model/chip.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"

namespace leto::model {
namespace {

std::uint32_t used_units(const isa::Program& program) {
  std::uint32_t queues = 0;
  for (const auto& code : program.code)
    for (const isa::Instruction& i : code)
      if (const isa::Unit unit = isa::spec_of(i.opcode).unit; unit >= kQueuedUnits.front())
        queues |= 1u << queue_of(unit);
  return queues;
}

// Fisher-Yates with a linear congruential generator: the same permutation everywhere.
std::vector<int> permutation(int count, std::uint64_t seed) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (seed == 0) return order;
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i], order[(seed >> 33) % (i + 1)]);
  }
  return order;
}

}  // namespace

Chip::Chip(const isa::Program& program, const ChipConfig& config, isa::Memory& memory,
           const RunOptions& options, Kernel& kernel)
    : program_(program),
      config_(config),
      kernel_(kernel),
      accounts_(std::max<std::size_t>(program.sources.size(), 1), options.observer),
      control_(config),
      twins_(options.twins, config, program, options.values, options.seed, counters_.macs),
      wiring_{program,
              config,
              options.what_if,
              options.values,
              used_units(program),
              IndexFlow(program),
              memory,
              accounts_,
              counters_,
              control_,
              nullptr,
              options.observer,
              options.twins.empty() ? nullptr : &twins_,
              nullptr,
              nullptr,
              {}} {
  construct(options);
}

void Chip::construct(const RunOptions& options) {
  const int pes = config_.pes();
  pes_.resize(static_cast<std::size_t>(pes));
  wiring_.pes.resize(static_cast<std::size_t>(pes));
  for (int part : permutation(pes + 1, options.construction_seed)) construct_part(part, options);
  wiring_.fabric = fabric_.get();
  for (int pe = 0; pe < pes; ++pe) fabric_->connect(pe, *wiring_.pes[static_cast<std::size_t>(pe)]);
  if (options.outside_engine) {
    isa::Memory* values = options.values ? &wiring_.memory : nullptr;
    engine_ = std::make_unique<EngineSocket>("engine", kernel_, *fabric_, config_, values);
    options.outside_engine(*engine_);
  }
  if (options.reuse)
    reuse_ = std::make_unique<Reuse>(program_, config_, options, kernel_, accounts_, counters_, *fabric_,
                                     wiring_.pes);
  if (reuse_) {
    wiring_.watch = &reuse_->watch();
    for (const auto& pe : pes_)
      for (int id = 0; id < isa::kCores; ++id) pe->core(id).watch(*wiring_.watch);
  }
  control_.on_release = [this](Cycle at) {
    if (reuse_) reuse_->at_barrier();
    if (wiring_.races) wiring_.races->barrier();
    Mail mail;
    mail.kind = Mail::Kind::barrier;
    mail.at = at;
    for (Pe* pe : wiring_.pes) pe->deliver(mail);
  };
}

// Part 0 is the fabric, part n + 1 is PE n.
void Chip::construct_part(int part, const RunOptions& options) {
  if (part == 0) {
    fabric_ = std::make_unique<Fabric>("fabric", kernel_, config_, options);
    fabric_->watch(options.observer);
    fabric_->watch_issue(twins_.issue_watch());
    fabric_->watch_banks(twins_.bank_watch());
    watch_noc(options);
    return;
  }
  const int index = part - 1;
  auto& pe = pes_[static_cast<std::size_t>(index)];
  pe = std::make_unique<Pe>(fmt::format("pe_{}", index).c_str(), kernel_, wiring_, index);
  wiring_.pes[static_cast<std::size_t>(index)] = pe.get();
  order_.push_back(pe.get());
}

void Chip::watch_noc(const RunOptions& options) {
  NocWatch* const watch = twins_.noc_watch();
  if (watch && options.what_if.noc)
    throw Error(ExitCode::unsupported,
                "--twin: a network without limits has no routers that RTL could follow",
                "leave out --what-if noc");
  fabric_->watch_noc(watch);
}

void Chip::launch(Cycle end) {
  if (wiring_.values) wiring_.races = std::make_unique<isa::RaceDetector>(config_.pes());
  const Cycle at = kernel_.go_on_from(control_.launch(end));
  fabric_->go_on_from(at);
  for (Pe* pe : order_) pe->launch(at);
  if (reuse_) reuse_->at_launch();
}

bool Chip::finished() const {
  return std::all_of(pes_.begin(), pes_.end(), [](const auto& pe) { return pe->finished(); });
}

void Chip::clean() {
  if (reuse_) reuse_->at_end();
  Cycle end = 0;
  for (const auto& pe : pes_) end = std::max(end, pe->end());
  kernel_.go_on_from(end);
  fabric_->clean(end);
}

Cycle Chip::close() {
  twins_.flush();
  const Cycle end = fabric_->cleaned();
  for (const auto& pe : pes_) pe->close(end);
  return end;
}

void Chip::settle() {
  for (const auto& pe : pes_) pe->settle(kernel_.now());
}

// Issue cores run ahead, and have billed what they did.
Cycle Chip::break_off() {
  if (reuse_ && !finished()) reuse_->at_end();
  settle();
  Cycle end = kernel_.now();
  for (const auto& pe : pes_) end = std::max(end, pe->billed());
  for (const auto& pe : pes_) pe->close(end);
  return end;
}

void Chip::state(Snapshot& s) {
  s(kernel_, accounts_, counters_, control_);
  for (const auto& pe : pes_) s(*pe);
  s(*fabric_);
  if (wiring_.values) {
    if (!wiring_.races) wiring_.races = std::make_unique<isa::RaceDetector>(config_.pes());
    s(*wiring_.races);
  }
  if (reuse_) s(*reuse_);
}

void Chip::throw_deadlock() const {
  std::vector<Wait> waits;
  for (const auto& pe : pes_) pe->add_waits(waits);
  model::throw_deadlock(waits, program_, kernel_.now());
}

void Chip::report(Statistics& statistics, Cycle cycles) const {
  accounts_.report(statistics, cycles, config_.pes());
  fabric_->report(statistics);
  statistics.twins = twins_.count();
  statistics.reused = {};
  statistics.cycles = cycles + accounts_.skipped();
  if (reuse_) reuse_->report(statistics);
  model::report(counters_, statistics);
}

}  // namespace leto::model
