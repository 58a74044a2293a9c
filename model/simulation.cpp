#include "model/simulation.h"

#include <chrono>
#include <cstdlib>

#include "base/errors.h"
#include "model/chip.h"
#include "model/event/event_model.h"
#include "model/trace/trace.h"
#include "model/twin/log.h"
#include "model/waves/waves.h"

// libsystemc's own main calls this one; programs that link the model have their own main instead.
int sc_main(int, char**) {
  return 0;
}

namespace leto::model {
namespace {

// SystemC prints a banner and warnings unless told not to.
void silence_systemc() {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
}

void check_fit(const isa::Program& program, const ChipConfig& chip) {
  const auto scratch = static_cast<std::uint64_t>(scratch_bytes(chip.sram));
  for (const isa::Tensor& tensor : program.tensors) {
    const bool sram = tensor.address >= isa::kSramBase;
    const std::uint64_t end =
        tensor.address - (sram ? isa::kSramBase : 0) + static_cast<std::uint64_t>(isa::bytes(tensor));
    const std::uint64_t size = sram ? scratch : static_cast<std::uint64_t>(chip.hbm.bytes);
    if (end > size)
      throw Error(ExitCode::does_not_fit,
                  fmt::format("tensor {} ends at byte {} of {}, which has {} on {}", tensor.name, end,
                              sram ? "SRAM scratch" : "device memory", size, chip.name),
                  "compile for this chip, or run on the chip it was compiled for (" + program.chip + ")");
  }
}

void check_reuse(const RunOptions& options) {
  const bool records = !options.trace.empty() || !options.waves.empty() || options.observer;
  if (options.reuse && (options.values || records))
    throw Error(ExitCode::usage, "layers that are not simulated leave no values, traces or waves",
                "reuse with values off and nothing recorded, or simulate in full");
}

void check_event(const RunOptions& options) {
  const bool records = !options.trace.empty() || !options.waves.empty() || options.observer;
  const bool outside = options.outside_memory || options.outside_engine || !options.twins.empty();
  if (options.detail == Detail::event && (options.values || records || outside || options.reuse))
    throw Error(ExitCode::usage,
                "the event model computes no values, leaves no traces or waves and takes no twins",
                "leave them out, or simulate in full");
}

}  // namespace

struct Simulation::Impl {
  isa::Program program;
  ChipConfig config;
  RunOptions options;
  Kernel kernel;
  isa::Memory memory;
  Observers observers;
  std::unique_ptr<Trace> trace;
  std::unique_ptr<Waves> waves;
  std::unique_ptr<Chip> chip;  // one of these two
  std::unique_ptr<EventModel> event;
  Statistics statistics;
  enum class Phase : std::uint8_t { between_steps, running, cleaning } phase = Phase::between_steps;
  Cycle end = 0;  // of the last step, in the chip's own time
  std::chrono::steady_clock::time_point reported = std::chrono::steady_clock::now();

  void record() {
    if (options.observer) observers.add(*options.observer);
    if (!options.trace.empty()) {
      trace = std::make_unique<Trace>(options.trace, program, config);
      observers.add(*trace);
    }
    if (!options.waves.empty()) {
      waves = std::make_unique<Waves>(options.waves, options.signals, program, config);
      observers.add(*waves);
    }
    options.observer = observers.empty() ? nullptr : &observers;
  }

  std::vector<std::string> publish() {
    std::vector<std::string> notes;
    if (chip) notes = chip->notes();
    if (trace) {
      trace->publish();
      if (trace->cut())
        notes.push_back(fmt::format("the trace ends at cycle {}: it has reached {} MiB", *trace->cut(),
                                    Trace::kCapBytes >> 20));
    }
    if (waves) {
      waves->publish();
      if (waves->cut())
        notes.push_back(
            fmt::format("the waves end at cycle {}: they have reached {} changes; choose fewer signals",
                        *waves->cut(), Waves::kMostChanges));
    }
    return notes;
  }

  void step() {
    if (phase == Phase::between_steps) {
      chip->launch(end);
      phase = Phase::running;
    }
    if (phase == Phase::running) {
      go_on();
      if (!chip->finished()) {
        chip->settle();
        publish();
        chip->throw_deadlock();
      }
      chip->clean();
      phase = Phase::cleaning;
    }
    go_on();
    end = chip->close();
    phase = Phase::between_steps;
    chip->report(statistics, end);
    statistics.kernel_switches = kernel.steps();
  }

  void go_on() {
    sc_core::sc_start();
    if (kernel.failure) std::rethrow_exception(kernel.failure);
  }

  void heartbeat() {
    if (options.at_rest && !event) options.at_rest();
    if (!options.progress) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - reported < std::chrono::seconds(1)) return;
    reported = now;
    event ? options.progress(event->now(), event->counters().commands)
          : options.progress(kernel.now(), chip->counters().commands);
  }
};

Simulation::Simulation(const isa::Program& program, const ChipConfig& chip, const RunOptions& options)
    : impl_(std::make_unique<Impl>()) {
  check_reuse(options);
  check_event(options);
  check_fit(program, chip);
  silence_systemc();
  impl_->program = program;
  impl_->config = chip;
  impl_->options = options;
  impl_->record();
  if (options.detail == Detail::event) {
    impl_->event = std::make_unique<EventModel>(impl_->program, impl_->config, impl_->memory, impl_->options);
    if (options.progress) impl_->event->heartbeat = [impl = impl_.get()] { impl->heartbeat(); };
    return;
  }
  impl_->chip =
      std::make_unique<Chip>(impl_->program, impl_->config, impl_->memory, impl_->options, impl_->kernel);
  if (options.progress || options.at_rest)
    impl_->kernel.heartbeat = [impl = impl_.get()] { impl->heartbeat(); };
}

Simulation::~Simulation() = default;

isa::Memory& Simulation::memory() {
  return impl_->memory;
}

void Simulation::step() {
  Impl& s = *impl_;
  if (s.event) {
    s.event->step();
    s.event->report(s.statistics);
    return;
  }
  try {
    s.step();
  } catch (const TwinMismatch& mismatch) {
    throw TwinMismatch(mismatch.finding(),
                       std::make_shared<TwinLog>(s.chip->twins().log_of(mismatch.finding())));
  }
}

std::vector<std::string> Simulation::publish() {
  return impl_->publish();
}

const Statistics& Simulation::statistics() const {
  return impl_->statistics;
}

bool Simulation::within_step() const {
  return impl_->phase != Impl::Phase::between_steps;
}

void Simulation::state(Snapshot& snapshot) {
  Impl& s = *impl_;
  const bool outside = s.options.outside_memory || s.options.outside_engine;
  if (s.event || s.options.observer || outside || !s.options.twins.empty())
    throw Error(
        ExitCode::unsupported,
        "the event model, recordings, RTL twins and blocks from outside have no state that could be saved",
        "simulate in full or with reuse, without them");
  snapshot(s.phase, s.end, s.memory);
  s.chip->state(snapshot);
  if (snapshot.loads() && !within_step()) s.chip->report(s.statistics, s.end);
}

const Statistics& Simulation::break_off() {
  Impl& s = *impl_;
  s.chip->report(s.statistics, s.chip->break_off());
  return s.statistics;
}

}  // namespace leto::model
