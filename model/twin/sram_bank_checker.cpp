#include "model/twin/sram_bank_checker.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "model/twin/log.h"

namespace leto::model {
namespace {

#define PORTS "rtl/sram_bank/ports.inc"
#include "model/twin/pins.inc"

constexpr int kTagBits = 4;
constexpr std::array<std::string_view, kBankPorts> kPortNames = {"load", "store", "fill", "write-back"};

std::string described(const SramBankRun& run) {
  return fmt::format("{} of {} bytes at cycle {}", kPortNames[static_cast<std::size_t>(run.port)], run.size,
                     run.at);
}

}  // namespace

SramBankChecker::SramBankChecker(const ChipConfig& chip, const TwinSpec& spec, const std::string& instance,
                                 std::uint64_t seed, std::unique_ptr<rtl::Block> block)
    : comparison_(spec, instance, seed),
      rtl_(built_block(TwinBlock::sram_bank, chip, instance, std::move(block))),
      width_(static_cast<Cycle>(chip.sram.bank_bytes_per_cycle)),
      latency_(static_cast<Cycle>(chip.sram.latency_cycles)),
      most_(static_cast<std::uint32_t>(std::max(chip.sram.line_bytes, chip.sram.interleave_bytes))) {
  if (!comparison_.checks())
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL cannot take the place of an SRAM bank", instance),
                "its grants are the model's events: take check");
  if (chip.sram.clock_mhz != chip.pe.clock_mhz)
    throw Error(ExitCode::unsupported,
                fmt::format("--twin {}: the RTL is clocked with the PEs, the bank with {} MHz", instance,
                            chip.sram.clock_mhz),
                "set sram.clock_mhz to pe.clock_mhz");
}

void SramBankChecker::reset() {
  log_ = {};
  rtl_->reset();
  fresh_ = true;
}

void SramBankChecker::granted(BankPort port, std::int64_t bytes, Cycle asked, Cycle done) {
  const SramBankRun run{port, next_tag_, static_cast<std::uint32_t>(bytes), asked, done};
  const Request request = dated(run);
  if (!comparison_.wants(request.begin, request.end, 1)) return;
  next_tag_ = static_cast<std::uint8_t>((next_tag_ + 1) % kTags);
  add(run);
}

SramBankChecker::Request SramBankChecker::dated(const SramBankRun& run) const {
  const Cycle end = writes(run.port) ? run.done : run.done - latency_;
  return {run, end - ceil_div(run.size, width_), end};
}

// The model's time may go back between two launches; its bank's does not.
void SramBankChecker::add(SramBankRun run) {
  Comparison::Place place = comparison_.place();
  clocks_ = 0;
  run.at = std::max(run.at, now_);
  while (now_ < run.at && !idle()) cycle();
  if (idle()) now_ = run.at;
  if (!fresh_ || (idle() && log_.is_long())) {
    reset();
    place = comparison_.place();
    clocks_ = 0;
  }
  run.clocks = clocks_;
  log_.add(run, place);
  outside_.push_back(dated(run));
}

void SramBankChecker::flush() {
  while (!idle()) cycle();
  comparison_.raise();
}

void SramBankChecker::log(TwinLog& log) const {
  log.commands = log_;
}

// A primed log's first request waited for others, which are not known any more.
void SramBankChecker::replay(const Log& log) {
  for (std::size_t i = 0; i < log.runs.size(); ++i) {
    const SramBankRun& run = log.runs[i];
    if (i == (log.primed ? 1 : 0)) comparison_.go_on(log.from);
    if (i == 0) now_ = run.at;
    if (i == 0 && log.primed) occupy(run.at, dated(run).begin);
    add(run);
  }
  flush();
}

// The bank writes something in these cycles.
void SramBankChecker::occupy(Cycle from, Cycle until) {
  reset();
  while (from < until) {
    const Cycle beats = std::min<Cycle>(until - from, most_ / width_);
    outside_.push_back({{BankPort::fill, 0, static_cast<std::uint32_t>(beats * width_), now_, from + beats},
                        from,
                        from + beats});
    from += beats;
  }
}

void SramBankChecker::cycle() {
  const std::size_t offered = offer();
  rtl_->evaluate();
  check_ready();
  check_beat();
  check_read();
  if (TwinWindow* window = comparison_.window(now_)) show_inputs(*window, now_, *rtl_);
  comparison_.compares(now_);
  rtl_->clock();
  comparison_.seen(now_);
  if (!bank_.empty() && bank_.front().end <= now_) bank_.pop_front();
  if (!reads_.empty() && reads_.front().run.done <= now_) reads_.pop_front();
  take(offered);
  ++now_;
  ++clocks_;
}

// As port q_ready says: there is room for one of each port before it too.
bool SramBankChecker::room_for(const Request& request) const {
  return bank_.size() + static_cast<std::size_t>(request.run.port) < kDepth;
}

// The longest row of requests that the ports show in this clock: how many.
std::size_t SramBankChecker::offer() {
  std::uint64_t valid = 0, bytes = 0, tags = 0;
  const int size_bits = rtl_->ports()[pins::q_bytes].bits / kBankPorts;
  std::size_t count = 0;
  int next = 0;  // port
  for (; count < outside_.size() && next < kBankPorts; ++count) {
    const Request& request = outside_[count];
    const int port = static_cast<int>(request.run.port);
    if (port < next) break;
    if (!room_for(request)) {
      ++full_;
      break;
    }
    valid |= std::uint64_t{1} << port;
    bytes |= std::uint64_t{request.run.size} << (port * size_bits);
    tags |= std::uint64_t{request.run.tag} << (port * kTagBits);
    next = port + 1;
  }
  rtl_->set(pins::q_valid, valid);
  rtl_->set(pins::q_bytes, bytes);
  rtl_->set(pins::q_tag, tags);
  return count;
}

void SramBankChecker::take(std::size_t offered) {
  for (; offered > 0; --offered) {
    const Request& request = outside_.front();
    bank_.push_back(request);
    if (request.run.at < now_) ++late_;
    if (!writes(request.run.port)) reads_.push_back(request);
    outside_.pop_front();
  }
}

void SramBankChecker::check_ready() {
  std::uint64_t ready = 0;
  for (std::size_t port = 0; port < kBankPorts; ++port)
    if (bank_.size() + port < kDepth) ready |= std::uint64_t{1} << port;
  compare(pins::q_ready, ready);
}

void SramBankChecker::check_beat() {
  const Request* granted = bank_.empty() ? nullptr : &bank_.front();
  const bool busy = granted && now_ > granted->begin && now_ <= granted->end;
  const bool write = busy && writes(granted->run.port);
  compare(pins::m_valid, busy);
  compare(pins::a_valid, write && now_ == granted->end);
  if (!busy) return;
  const Cycle before = (now_ - granted->begin - 1) * width_;
  compare(pins::m_write, write);
  compare(pins::m_port, static_cast<std::uint64_t>(granted->run.port));
  compare(pins::m_tag, granted->run.tag);
  compare(pins::m_first, before == 0);
  compare(pins::m_last, now_ == granted->end);
  compare(pins::m_bytes, std::min<Cycle>(granted->run.size - before, width_));
  if (now_ == granted->end) comparison_.count().values_compared += write ? 2 : 1;
}

void SramBankChecker::check_read() {
  const Request* out = reads_.empty() ? nullptr : &reads_.front();
  const bool comes = out && now_ > out->begin + latency_ && now_ <= out->run.done;
  compare(pins::r_valid, comes);
  if (!comes) return;
  compare(pins::r_port, static_cast<std::uint64_t>(out->run.port));
  compare(pins::r_tag, out->run.tag);
  compare(pins::r_last, now_ == out->run.done);
  if (now_ == out->run.done) ++comparison_.count().values_compared;
}

void SramBankChecker::compare(int pin, std::uint64_t model) {
  const rtl::Port& port = rtl_->ports()[static_cast<std::size_t>(pin)];
  std::uint64_t rtl = rtl_->value(pin);
  if (!comparison_.agrees(now_, port.name, port.bits, model, rtl))
    comparison_.differ(now_, std::string(port.name), std::to_string(model), std::to_string(rtl), story());
}

Story SramBankChecker::story() const {
  Story story{"no request", kForNone, "", "none"};
  if (!bank_.empty()) {
    const Request& granted = bank_.front();
    story.command = described(granted.run);
    story.doing = fmt::format("beat {} of {}, ", now_ - granted.begin, granted.end - granted.begin);
  } else if (!reads_.empty()) {
    story.command = described(reads_.front().run);
    story.doing = "all beats had, ";
  }
  story.doing += fmt::format("{} requests granted or waiting, {} reads not out yet",
                             bank_.size() + outside_.size(), reads_.size());
  if (!log_.runs.empty()) story.inputs = described(log_.runs.back());
  return story;
}

}  // namespace leto::model
