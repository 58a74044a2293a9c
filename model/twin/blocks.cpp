#include "model/twin/blocks.h"

#include "base/errors.h"
#include "model/noc/noc.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

namespace leto::model {

std::string instance_of(int number, TwinBlock block) {
  const TwinBlockRow& row = kTwinBlocks[static_cast<std::size_t>(block)];
  return row.of_pe ? fmt::format("pe[{}].{}", number, row.name) : fmt::format("{}[{}]", row.name, number);
}

int instances(TwinBlock block, const ChipConfig& chip) {
  if (block == TwinBlock::sram_bank) return chip.sram.banks;
  return block == TwinBlock::router ? Noc(chip).routers() : chip.pes();
}

std::unique_ptr<rtl::Block> built_block(TwinBlock block, const ChipConfig& chip, const std::string& instance,
                                        std::unique_ptr<rtl::Block> other) {
  const std::string_view name = kTwinBlocks[static_cast<std::size_t>(block)].name;
  auto built =
      other ? std::move(other) : rtl::make_block(kTwinBlocks[static_cast<std::size_t>(block)].rtl, chip);
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

void show_inputs(TwinWindow& window, Cycle now, rtl::Block& rtl) {
  for (std::size_t pin = 0; pin < rtl.ports().size(); ++pin) {
    const rtl::Port& port = rtl.ports()[pin];
    if (port.input)
      window.put(now, fmt::format("rtl.{}", port.name), port.bits, rtl.value(static_cast<int>(pin)));
  }
}

}  // namespace leto::model
