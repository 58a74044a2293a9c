#include "model/twin/sram_bank_programs.h"

#include <array>

namespace leto::model {
namespace {

constexpr std::array<const char*, kBankPorts> kPorts = {"load", "store", "fill", "write-back"};

}  // namespace

SramBankPrograms::SramBankPrograms(const ChipConfig& chip, const TwinSpec& spec, std::uint64_t seed,
                                   std::unique_ptr<rtl::Block> block)
    : checker(chip, spec, "sram.bank[0]", seed, std::move(block)),
      width_(static_cast<std::size_t>(chip.sram.bank_bytes_per_cycle)),
      most_(static_cast<std::size_t>(std::max(chip.sram.line_bytes, chip.sram.interleave_bytes))),
      latency_(static_cast<Cycle>(chip.sram.latency_cycles)),
      random_(seed),
      sram_(chip.sram, chip.pe.clock_mhz) {
  sram_.watch_banks(this);
}

void SramBankPrograms::program() {
  const std::size_t gap = std::array<std::size_t, 4>{1, 2, 5, 20}[below(4)];
  const std::size_t most_ports = 1 + below(kBankPorts);
  for (std::size_t left = 1 + below(below(3) ? 8 : 40); left > 0; --left) {
    now_ += below(gap);
    request(static_cast<BankPort>(below(most_ports)), size());
  }
  now_ += below(below(2) ? 300 : 20);
}

std::size_t SramBankPrograms::size() {
  switch (below(4)) {
    case 0:
      return 1 + below(width_);
    case 1:
      return width_ * (1 + below(most_ / width_));
    case 2:
      return most_;
    default:
      return 1 + below(most_);
  }
}

void SramBankPrograms::request(BankPort port, std::size_t size) {
  ++made;
  note(kPorts[static_cast<std::size_t>(port)]);
  note(size == most_        ? "the longest"
       : size % width_ == 0 ? "whole beats"
       : size < width_      ? "a part of a beat"
                            : "ends within a beat");
  note(now_ < free_ ? "waits" : "finds the bank idle");
  if (made > 1 && now_ == last_at_) note(port > last_ ? "comes with others" : "against the order of ports");
  if (made > 1 && writes(port) != writes(last_))
    note(writes(port) ? "a write after a read" : "a read after a write");
  last_ = port;
  last_at_ = now_;
  const auto bytes = static_cast<std::int64_t>(size);
  free_ = writes(port) ? sram_.write(port, 0, bytes, now_) : sram_.read(port, 0, bytes, now_) - latency_;
}

void SramBankPrograms::granted(int, BankPort port, std::int64_t bytes, Cycle asked, Cycle done) {
  checker.granted(port, bytes, asked, done);
}

}  // namespace leto::model
