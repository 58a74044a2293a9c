// Is the answer right, and the same however it is reached?
#include <doctest/doctest.h>

#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

struct Case {
  std::string name;
  std::string text;
  Setup setup;
};

void fill_gemm(isa::Memory& memory) {
  ramp(memory, 0, DType::bf16, 64 * 256, 1);
  ramp(memory, 1048576, DType::bf16, 4 * 64 * 256, 5);
}

std::vector<Case> cases() {
  std::vector<Case> all(5);
  all[0] = {"copy", copy_text(0, 1 << 20, 5, 3000, 2), {}};
  all[0].setup.fill = [](isa::Memory& m) { ramp(m, 0, DType::bf16, 30000, 2); };
  all[0].setup.output = {1 << 20, 60000};
  all[1] = {"gemm", gemm_text(256, 4, false), {}};
  all[2] = {"gemm multicast", gemm_text(256, 4, true), {}};
  for (int i : {1, 2}) {
    all[static_cast<std::size_t>(i)].setup.fill = fill_gemm;
    all[static_cast<std::size_t>(i)].setup.output = {4194304, 64 * 1024};
  }
  all[3] = {"everything", everything_text(), {}};
  all[3].setup.fill = fill_everything;
  all[3].setup.output = {1048576, 4 * 1048576};
  all[4] = {"partials", partials_text(), {}};
  all[4].setup.fill = [](isa::Memory& m) { ramp(m, 0, DType::bf16, 4096, 2); };
  all[4].setup.output = {1 << 20, 4096};
  return all;
}

}  // namespace

TEST_CASE("values and counts equal the interpreter's, bit for bit") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const isa::Program p = program(c.text);
    const Outcome timed = run(p, c.setup), untimed = golden(p, c.setup);
    CHECK(timed.error == "");
    CHECK(timed.output == untimed.output);
    CHECK(timed.output.find_first_not_of('0') != std::string::npos);
    CHECK(timed["commands"] == untimed["commands"]);
    CHECK(timed["macs"] == untimed["macs"]);
  }
}

TEST_CASE("cycles and every other statistic: same with values off, run twice, constructed in any order") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const isa::Program p = program(c.text);
    const Outcome first = run(p, c.setup);
    CHECK(first["cycles"] > 1000);
    Setup off = c.setup;
    off.options.values = false;
    CHECK(run(p, off).number == first.number);
    CHECK(run(p, c.setup).number == first.number);
    for (std::uint64_t seed : {1, 2, 3}) {
      Setup permuted = c.setup;
      permuted.options.construction_seed = seed;
      CHECK(run(p, permuted).number == first.number);
    }
  }
}

TEST_CASE("every engine's accounts close: busy + causes + idle = instances x cycles") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const Outcome o = run(program(c.text), c.setup);
    for (const char* engine : {"issue_core", "matrix_engine", "reduction_engine", "vector_engine",
                               "layout_engine", "fabric_interface_load", "fabric_interface_store"}) {
      CAPTURE(engine);
      const std::string prefix = std::string(engine) + ".";
      std::uint64_t sum = 0;
      for (const auto& [key, value] : o.number)
        if (key.rfind(prefix, 0) == 0 && key != prefix + "instances") sum += value;
      CHECK(sum == o["cycles"] * o[prefix + "instances"]);
      CHECK(o[prefix + "instances"] == (prefix == "issue_core." ? 8 : 4));
    }
  }
}

TEST_CASE("a second step goes on from the first: the counter, the memory, the replacement cost") {
  Case c = cases()[0];
  c.setup.chip.sram.scratch_fraction = 1;  // no cache that the second step would find warm
  const Outcome one = run(program(c.text), c.setup);
  c.setup.steps = 2;
  const Outcome two = run(program(c.text), c.setup);
  CHECK(two.output == one.output);
  CHECK(two["commands"] == 2 * one["commands"]);
  const ChipConfig& chip = c.setup.chip;
  const auto body = one["cycles"] - static_cast<std::uint64_t>(chip.control_core.launch_cycles);
  const auto expected = one["cycles"] + body + static_cast<std::uint64_t>(chip.control_core.replace_cycles);
  CHECK(double(two["cycles"]) ==
        doctest::Approx(double(expected)).epsilon(0.1));  // open rows and refreshes differ
}

}  // namespace leto::model::test
