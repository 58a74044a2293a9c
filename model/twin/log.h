// The file that a mismatch leaves: a block's newest commands, from which `leto twin replay` runs the block
// alone.
#pragma once

#include <filesystem>
#include <variant>

#include "arch/chip_config.h"
#include "model/twin/address_checker.h"
#include "model/twin/buffer_twin.h"
#include "model/twin/lookup_checker.h"
#include "model/twin/matrix_checker.h"
#include "model/twin/reduction_checker.h"
#include "model/twin/router_checker.h"
#include "model/twin/sram_bank_checker.h"

namespace leto::model {

struct TwinLog {
  TwinBlock block = TwinBlock::matrix_engine;
  ChipConfig chip;
  TwinSpec spec;  // mode check
  std::uint64_t program_hash = 0;
  std::uint64_t rtl_hash = 0;  // of all of rtl/ as it was built, or of the foreign block
  Finding finding;             // with the instance and the seed
  /// What the twin kept: its checker's log.
  std::variant<MatrixChecker::Log, ReductionChecker::Log, BufferTwin::Log, AddressChecker::Log,
               LookupChecker::Log, SramBankChecker::Log, RouterChecker::Log>
      commands;

  std::size_t count() const {
    return std::visit([](const auto& kept) { return kept.size(); }, commands);
  }
  /// There was more than a log holds.
  bool lost() const {
    return std::visit(
        [](const auto& kept) {
          if constexpr (requires { kept.lost; }) return kept.lost;
          return false;
        },
        commands);
  }
  /// When it was, in microseconds of the chip.
  double microseconds(const Finding& at) const { return static_cast<double>(at.cycle) / chip.pe.clock_mhz; }
};

std::vector<std::byte> to_bytes(const TwinLog& log);
/// `where` names the file in errors. Throws Error(bad_input) on what no run leaves.
TwinLog log_from_bytes(std::span<const std::byte> bytes, std::string_view where);

}  // namespace leto::model
