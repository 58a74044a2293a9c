#include "model/twin/blocks.h"

#include "base/errors.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

namespace leto::model {

int instances_of(TwinBlock block, const ChipConfig& chip) {
  return is_of_pe(block) ? chip.pes() : chip.sram.banks;
}

std::string instance_of(int index, TwinBlock block) {
  if (block == TwinBlock::sram_bank) return fmt::format("sram.bank[{}]", index);
  return fmt::format("pe[{}].{}", index, kTwinBlocks[static_cast<std::size_t>(block)].name);
}

std::unique_ptr<rtl::Block> built_block(TwinBlock block, const ChipConfig& chip,
                                        const std::string& instance) {
  const std::string_view name = kTwinBlocks[static_cast<std::size_t>(block)].name;
  auto built = rtl::make_block(kTwinBlocks[static_cast<std::size_t>(block)].rtl, chip);
  if (!built && !rtl::has_rtl())
    throw Error(
        ExitCode::unsupported, fmt::format("--twin {}: this build has no RTL", instance),
        "install Verilator 5.006 or newer and build again (cmake -DLETO_RTL=ON says what is missing)");
  if (!built)
    throw Error(
        ExitCode::unsupported, fmt::format("--twin {}: no RTL was built for this {}", instance, name),
        fmt::format("run on a chip of arch/chips without changing {}, or add the chip's file there and build "
                    "again",
                    name));
  built->reset();
  return built;
}

}  // namespace leto::model
