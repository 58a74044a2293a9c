// A compiled operation of two bf16 inputs and one output, ready to run on the chip and in the interpreter.
#pragma once

#include "tests/model/programs.h"

namespace leto::property {

/// Values on, ramps in the first two tensors, the last one as the output. `program` must outlive it.
inline model::test::Setup filled_run(const isa::Program& program, const ChipConfig& chip) {
  model::test::Setup setup;
  setup.chip = chip;
  setup.options.values = true;
  setup.fill = [&program](isa::Memory& memory) {
    for (std::size_t i = 0; i < 2; ++i)
      model::test::ramp(memory, program.tensors[i].address, DType::bf16, isa::elements(program.tensors[i]),
                        int(i));
  };
  const isa::Tensor& output = program.tensors.back();
  setup.output = {output.address, std::size_t(isa::bytes(output))};
  return setup;
}

}  // namespace leto::property
