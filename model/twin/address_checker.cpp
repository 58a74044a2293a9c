#include "model/twin/address_checker.h"

#include <algorithm>

#include "base/errors.h"
#include "model/sram/cache.h"

namespace leto::model {
namespace {

#define PORTS "rtl/address_generator/ports.inc"
#include "model/twin/pins.inc"

std::string shown(const rtl::Port& port, std::uint64_t value) {
  return port.name == "p_address" ? fmt::format("{:#x}", value) : std::to_string(value);
}

}  // namespace

AddressChecker::AddressChecker(const ChipConfig& chip, TwinBlock direction, const TwinSpec& spec,
                               const std::string& instance, std::uint64_t seed,
                               std::unique_ptr<rtl::Block> block)
    : comparison_(spec, instance, seed), rtl_(built_block(direction, chip, instance, std::move(block))) {
  if (!comparison_.checks())
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of an address generator", instance),
                "its pieces are the model's events: take check");
  if (Cache::sets_a_slice(chip.sram) == 0)
    throw Error(
        ExitCode::unsupported,
        fmt::format("--twin {}: without an LLC pieces follow hbm.interleave_bytes, the RTL's its lines",
                    instance),
        "leave some of the SRAM to the LLC (sram.scratch_fraction)");
}

void AddressChecker::reset() {
  log_ = {};
  rtl_->reset();
  known_ = open_ = false;
  for (const int pin : {pins::cmd_valid, pins::r_valid, pins::p_ready}) rtl_->set(pin, 0);
}

void AddressChecker::add(AddressRun run) {
  if (!known_ || log_.is_long()) reset();
  log_.add(std::move(run), comparison_.place());
  play(log_.runs.back());
}

// The first transfer brings the port's pace with it.
void AddressChecker::replay(const Log& log) {
  for (std::size_t i = 0; i < log.runs.size(); ++i) {
    if (i == (log.primed ? 1 : 0)) comparison_.go_on(log.from);
    add(log.runs[i]);
  }
  comparison_.raise();
}

void AddressChecker::play(AddressRun& run) {
  run_ = &run;
  piece_ = 0;
  clocks_ = 0;
  const Cycle begin = run.pieces.front().cut;
  if (!known_) now_ = pace_ends_ = begin;
  reach(begin, false);
  take(run);
  auto next = run.list.begin();
  std::int64_t left = 0;  // of an indexed run
  for (; piece_ < run.pieces.size(); ++piece_) {
    if (run.indexed && left == 0) {
      reach(now_, false);
      take_run(*next);
      left = next++->bytes;
    }
    reach(run.pieces[piece_].cut, true);
    check_piece(run);
    left -= run.pieces[piece_].bytes;
  }
  run.clocks = clocks_;
  run_ = nullptr;
}

// Up to the beginning of `cycle`; is a piece waiting for room meanwhile?
void AddressChecker::reach(Cycle cycle, bool waiting) {
  if (open_) clock(now_ < cycle);
  while (now_ < std::min(cycle, pace_ends_)) {
    rtl_->evaluate();
    compare(pins::p_valid, waiting);
    clock(true);
  }
  now_ = cycle;
}

void AddressChecker::take(const AddressRun& run) {
  const isa::Transfer& t = run.transfer;
  rtl_->set(pins::cmd_valid, 1);
  rtl_->set(pins::cmd_store, run.store);
  rtl_->set(pins::cmd_indexed, run.indexed);
  rtl_->set(pins::cmd_rate, run.rate);
  rtl_->set(pins::cmd_late, !known_ || run.met ? run.late : 0);
  rtl_->set(pins::cmd_address, t.address);
  rtl_->set(pins::cmd_bytes, static_cast<std::uint64_t>(t.bytes));
  rtl_->set(pins::cmd_rows, run.indexed ? run.list.size() : static_cast<std::uint64_t>(t.rows));
  // A stride that matters fits (isa/check.cpp).
  rtl_->set(pins::cmd_row_stride, static_cast<std::uint64_t>(t.row_stride));
  rtl_->set(pins::cmd_planes, static_cast<std::uint64_t>(t.planes));
  rtl_->set(pins::cmd_plane_stride, static_cast<std::uint64_t>(t.plane_stride));
  known_ = open_ = true;
  pace_ends_ = std::max(pace_ends_, now_ + run.late);
  rtl_->evaluate();
  compare(pins::cmd_ready, 1);
  compare(pins::p_valid, 0);
}

void AddressChecker::take_run(const isa::Run& run) {
  rtl_->set(pins::r_valid, 1);
  rtl_->set(pins::r_address, run.address);
  rtl_->set(pins::r_bytes, static_cast<std::uint64_t>(run.bytes));
  open_ = true;
  rtl_->evaluate();
  compare(pins::r_ready, 1);
  compare(pins::p_valid, 0);
}

void AddressChecker::check_piece(const AddressRun& run) {
  const AddressRun::Piece& piece = run.pieces[piece_];
  rtl_->set(pins::p_ready, 1);
  open_ = true;
  rtl_->evaluate();
  compare(pins::p_valid, 1);
  compare(pins::p_address, piece.address);
  compare(pins::p_bytes, piece.bytes);
  compare(pins::p_first, piece.fragment != 0);
  if (piece.fragment != 0) compare(pins::p_fragment, piece.fragment);
  compare(pins::p_last, piece_ + 1 == run.pieces.size());
  compare(pins::p_delay, piece.leaves - piece.cut);
  comparison_.count().values_compared += 2;
  pace_ends_ = std::max(pace_ends_, piece.free);
}

void AddressChecker::clock(bool tick) {
  if ((rtl_->value(pins::tick) != 0) != tick) {  // whether the cycle ends is known only now
    rtl_->set(pins::tick, tick);
    rtl_->evaluate();
  }
  if (TwinWindow* window = comparison_.window(now_)) show_inputs(*window, now_, *rtl_);
  comparison_.compares(now_);
  rtl_->clock();
  comparison_.seen(now_);
  for (const int pin : {pins::cmd_valid, pins::r_valid, pins::p_ready}) rtl_->set(pin, 0);
  open_ = false;
  ++clocks_;
  if (tick)
    ++now_;
  else
    ++further_;
}

void AddressChecker::compare(int pin, std::uint64_t model) {
  const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
  std::uint64_t rtl = rtl_->value(pin);
  if (!comparison_.agrees(now_, port.name, port.bits, model, rtl))
    comparison_.differ(now_, std::string(port.name), shown(port, model), shown(port, rtl), story());
}

Story AddressChecker::story() const {
  if (!run_) return {"no transfer", kForNone, "", ""};
  const isa::Transfer& t = run_->transfer;
  const std::string what =
      run_->indexed ? fmt::format("{} runs by index", run_->list.size())
                    : fmt::format("{} planes of {} rows of {} bytes from {:#x}, strides {} and {}", t.planes,
                                  t.rows, t.bytes, t.address, t.plane_stride, t.row_stride);
  return {run_->command, run_->operation,
          fmt::format("piece {} of {}, {} bytes a cycle", piece_, run_->pieces.size(), run_->rate), what};
}

}  // namespace leto::model
