// Compiled programs on the chip, one by one: does the SystemC model give the interpreter's bits and counts,
// the same cycles whatever is switched on or permuted, and is every wait in the code needed?
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "compiler/compiler.h"
#include "tests/model/helpers.h"
#include "tests/model/idle_watch.h"

using namespace leto;

namespace {

struct Workload {
  std::string name, text, recipe;  // text: a forward graph; recipe: TOML, empty = forward only
};

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> list{
      {"gemm",
       "graph \"gemm\" tokens=0\n%a: bf16[70,90] = input\n%b: bf16[90,130] = parameter\n"
       "%c: bf16[70,130] = matmul(%a, %b) phase=forward name=\"c\"\noutput %c\n",
       ""},
      {"add",
       "graph \"add\" tokens=0\n%a: bf16[64,96] = input\n%b: bf16[64,96] = input\n"
       "%c: bf16[64,96] = add(%a, %b) phase=forward name=\"c\"\noutput %c\n",
       ""},
      {"softmax",
       "graph \"softmax\" tokens=0\n%a: bf16[37,129] = input\n"
       "%c: bf16[37,129] = softmax(%a) phase=forward name=\"c\"\noutput %c\n",
       ""},
      {"layernorm",
       "graph \"layernorm\" tokens=0\n%a: bf16[37,129] = input\n%s: fp32[129] = parameter\n%b: fp32[129] = "
       "parameter\n"
       "%c: bf16[37,129] = layernorm(%a, %s, %b) {epsilon=1e-05} phase=forward name=\"c\"\noutput %c\n",
       ""},
      {"mlp step",
       "graph \"mlp\" tokens=32\n%x: fp32[32,64] = input\n%y: int64[32] = input limit=10\n%w: fp32[64,48] = "
       "parameter\n"
       "%b: fp32[48] = parameter\n%v: fp32[48,10] = parameter\n"
       "%h: fp32[32,48] = matmul(%x, %w) phase=forward name=\"fc1\"\n%i: fp32[32,48] = add(%h, %b) "
       "phase=forward name=\"bias\"\n"
       "%r: fp32[32,48] = relu(%i) phase=forward name=\"relu\"\n%s: fp32[32,10] = matmul(%r, %v) "
       "phase=forward name=\"fc2\"\n"
       "%loss: fp32[] = cross_entropy(%s, %y) phase=loss name=\"loss\"\noutput %s\nloss %loss\n",
       "optimizer = \"adamw\"\nlr = 0.01\n"},
      {"attention step",
       "graph \"attention\" tokens=800\n%t: int64[2,400] = input limit=40\n%e: fp32[40,32] = parameter\n%w: "
       "fp32[32,96] = parameter\n"
       "%o: fp32[32,32] = parameter\n"
       "%x: fp32[2,400,32] = gather(%e, %t) phase=forward name=\"embed\"\n"
       "%p: fp32[2,400,96] = matmul(%x, %w) phase=forward name=\"qkv\"\n"
       "%h: fp32[2,400,6,16] = reshape(%p) {shape=[2,400,6,16]} phase=forward name=\"heads\"\n"
       "%u: fp32[2,6,400,16] = transpose(%h) {perm=[0,2,1,3]} phase=forward name=\"heads\"\n"
       "%q: fp32[2,2,400,16] = slice(%u) {starts=[0,0,0,0], sizes=[2,2,400,16], steps=[1,1,1,1]} "
       "phase=forward "
       "name=\"q\"\n"
       "%k: fp32[2,2,400,16] = slice(%u) {starts=[0,2,0,0], sizes=[2,2,400,16], steps=[1,1,1,1]} "
       "phase=forward "
       "name=\"k\"\n"
       "%v: fp32[2,2,400,16] = slice(%u) {starts=[0,4,0,0], sizes=[2,2,400,16], steps=[1,1,1,1]} "
       "phase=forward "
       "name=\"v\"\n"
       "%s: fp32[2,2,400,400] = matmul(%q, %k) {trans_b=1} phase=forward name=\"scores\"\n"
       "%a: fp32[2,2,400,400] = softmax(%s) phase=forward name=\"softmax\"\n"
       "%c: fp32[2,2,400,16] = matmul(%a, %v) phase=forward name=\"context\"\n"
       "%m: fp32[2,400,2,16] = transpose(%c) {perm=[0,2,1,3]} phase=forward name=\"merge\"\n"
       "%f: fp32[2,400,32] = reshape(%m) {shape=[2,400,32]} phase=forward name=\"merge\"\n"
       "%y: fp32[2,400,32] = matmul(%f, %o) phase=forward name=\"out\"\noutput %y\n",
       "optimizer = \"momentum\"\nloss = \"mse\"\nlr = 0.01\n"},
      {"convolution step",
       "graph \"conv\" tokens=2\n%x: fp32[2,3,10,10] = input\n%w: fp32[4,3,3,3] = parameter\n"
       "%c: fp32[2,4,10,10] = conv(%x, %w) {strides=[1,1], pads=[1,1,1,1], dilations=[1,1], group=1} "
       "phase=forward name=\"conv\"\n"
       "%r: fp32[2,4,10,10] = relu(%c) phase=forward name=\"relu\"\n"
       "%y: fp32[2,4,5,5] = max_pool(%r) {kernel=[2,2], strides=[2,2], pads=[0,0,0,0]} phase=forward "
       "name=\"pool\"\noutput %y\n",
       "optimizer = \"sgd\"\nloss = \"mse\"\nlr = 0.01\n"},
  };
  return list;
}

compiler::Recipe recipe_of(const Workload& w) {
  compiler::Recipe recipe;
  if (w.recipe.empty()) return recipe;
  const auto path = std::filesystem::temp_directory_path() / fmt::format("leto-compiled-{}.toml", ::getpid());
  std::ofstream(path) << w.recipe;
  recipe = compiler::load_recipe(path);
  std::filesystem::remove(path);
  return recipe;
}

isa::Program compiled(const Workload& w, const ChipConfig& chip) {
  const auto recipe = recipe_of(w);
  return compiler::lower(compiler::training_step(compiler::parse(w.text, w.name), recipe), chip, recipe, {});
}

// Every tensor the host owns gets small random numbers (indices within their limit).
void fill(const isa::Program& program, isa::Memory& memory) {
  std::mt19937 gen(7);
  for (const auto& t : program.tensors) {
    std::vector<std::byte> bytes = t.data;
    if (bytes.empty()) {
      std::vector<float> data(std::size_t(isa::elements(t)));
      for (auto& x : data)
        x = t.limit ? float(gen() % std::uint64_t(t.limit)) : float(int(gen() % 2001) - 1000) / 1000;
      bytes.resize(std::size_t(isa::bytes(t)));
      store_elements(t.dtype, data.data(), bytes.data(), std::int64_t(data.size()));
    }
    memory.write(t.address, bytes.data(), bytes.size());
  }
}

// All of the memory that tensors of the program occupy.
model::test::Region tensors_of(const isa::Program& program) {
  std::size_t end = 0;
  for (const auto& t : program.tensors)
    end = std::max(end, std::size_t(t.address) + std::size_t(isa::bytes(t)));
  return {0, end};
}

struct Golden {
  isa::InterpResult counts;
  std::string output;
};

Golden interpret(const isa::Program& program, const ChipConfig& chip) {
  isa::Memory memory;
  fill(program, memory);
  const auto counts = isa::interpret(program, {chip.pe.rows, chip.pe.columns}, chip.local_store.bytes,
                                     chip.reduction_engine.banks, memory);
  return {counts, model::test::hex(memory, tensors_of(program))};
}

model::test::Outcome simulate(const isa::Program& program, const ChipConfig& chip, bool values,
                              std::uint64_t seed) {
  model::test::Setup setup;
  setup.chip = chip;
  setup.options.values = values;
  setup.options.construction_seed = seed;
  setup.fill = [&](isa::Memory& memory) { fill(program, memory); };
  if (values) setup.output = tensors_of(program);
  return model::test::run(program, setup);
}

}  // namespace

TEST_CASE("compiled programs: the chip gives the interpreter's bits and counts, and the same cycles always") {
  for (const char* chip_name : {"tiny", "pilot"}) {
    const ChipConfig chip = load_chip(chip_name);
    for (const auto& w : workloads()) {
      CAPTURE(w.name);
      CAPTURE(chip_name);
      const auto program = compiled(w, chip);
      const Golden golden = interpret(program, chip);
      const auto on = simulate(program, chip, true, 0);
      REQUIRE_MESSAGE(on.code == 0, on.error);
      CHECK(on.output == golden.output);
      CHECK(on["commands"] == std::uint64_t(golden.counts.commands));
      CHECK(on["macs"] == std::uint64_t(golden.counts.macs));
      CHECK(on["bursts"] * std::uint64_t(chip.dram.burst_bytes) == on["hbm.read"] + on["hbm.write"]);
      for (auto [values, seed] : {std::pair{true, 0}, {false, 0}, {true, 5}, {false, 11}}) {
        auto other = simulate(program, chip, values, std::uint64_t(seed));
        REQUIRE_MESSAGE(other.code == 0, other.error);
        auto same = on.number;
        for (auto* numbers : {&same, &other.number}) numbers->erase("kernel_switches");
        CHECK(same == other.number);
      }
    }
  }
}

namespace {

bool is_hold(const isa::FieldSpec& field) {
  return field.kind == isa::FieldKind::flag && (field.name == "reserve" || field.name.ends_with("wait"));
}

// Does the interpreter refuse the program (a broken rule, a race, a deadlock)?
bool refused(const isa::Program& program, const ChipConfig& chip) {
  try {
    interpret(program, chip);
  } catch (const Error& e) {
    return e.code() == ExitCode::illegal_program || e.code() == ExitCode::deadlock;
  }
  return false;
}

}  // namespace

TEST_CASE("compiled programs: a program with one wait removed is caught, whichever wait it is") {
  const ChipConfig chip = load_chip("tiny");
  int waits = 0, barriers = 0;
  for (const auto& w : workloads()) {
    CAPTURE(w.name);
    const auto program = compiled(w, chip);
    CHECK_FALSE(refused(program, chip));
    for (int core = 0; core < isa::kCores; ++core)
      for (std::size_t pc = 0; pc < program.code[core].size(); ++pc) {
        const auto& spec = isa::spec_of(program.code[core][pc].opcode);
        for (std::size_t f = 0; f < spec.fields.size(); ++f) {
          if (!is_hold(spec.fields[f]) || program.code[core][pc].field[f] == 0) continue;
          if (waits++ % 7 != 0 && w.name != "gemm") continue;  // all of the gemm's, a sample of the rest
          isa::Program broken = program;
          broken.code[core][pc].field[f] = 0;
          CHECK_MESSAGE(refused(broken, chip), isa::to_text(program.code[core][pc]));
        }
        if (program.code[core][pc].opcode != isa::Opcode::barrier) continue;
        if (barriers++ % 5 != 0 && w.name != "gemm") continue;
        isa::Program broken = program;
        broken.code[core].erase(broken.code[core].begin() + std::ptrdiff_t(pc));
        CHECK_MESSAGE(refused(broken, chip), isa::to_text(program.code[core][pc]));
      }
  }
  CHECK(waits > 200);
  CHECK(barriers > 100);
}

TEST_CASE("compiled programs: a barrier removed from both cores is caught, whichever it is") {
  const ChipConfig chip = load_chip("tiny");
  int barriers = 0, spare = 0;
  for (const auto& w : workloads()) {
    CAPTURE(w.name);
    const auto program = compiled(w, chip);
    const auto at = [&](int core) {
      std::vector<std::size_t> pcs;
      for (std::size_t pc = 0; pc < program.code[core].size(); ++pc)
        if (program.code[core][pc].opcode == isa::Opcode::barrier) pcs.push_back(pc);
      return pcs;
    };
    const auto moving = at(0), computing = at(1);
    REQUIRE(moving.size() == computing.size());
    for (std::size_t i = 1; i < moving.size(); ++i) {  // nothing comes before the first
      if (barriers++ % 3 != 0 && w.name != "gemm") continue;
      isa::Program broken = program;
      broken.code[0].erase(broken.code[0].begin() + std::ptrdiff_t(moving[i]));
      broken.code[1].erase(broken.code[1].begin() + std::ptrdiff_t(computing[i]));
      if (refused(broken, chip)) continue;
      // The compiler orders whole tensors; two kernels may still touch disjoint parts of one. Then every
      // access was seen to be ordered (or apart) without this barrier, and the result is the program's, not
      // luck.
      INFO("barrier " << i << " of " << moving.size() << ": " << isa::to_text(program.code[0][moving[i]]));
      CHECK(program.code[0][moving[i]].field[isa::barrier_t::scope] == std::int64_t(isa::Scope::all));
      CHECK(interpret(broken, chip).output == interpret(program, chip).output);
      ++spare;
    }
  }
  CHECK(barriers > 50);
  CHECK(spare * 10 < barriers);
}

TEST_CASE("compiled programs: a unit is billed idle only while it has no work pending") {
  for (const char* chip_name : {"tiny", "pilot"}) {
    const ChipConfig chip = load_chip(chip_name);
    for (const auto& w : workloads()) {
      CAPTURE(w.name);
      const auto program = compiled(w, chip);
      model::test::IdleWatch watch;
      model::test::Setup setup;
      setup.chip = chip;
      setup.options.values = false;
      setup.fill = [&](isa::Memory& memory) { fill(program, memory); };
      const auto o = model::test::run(program, watched(setup, watch));
      REQUIRE_MESSAGE(o.code == 0, o.error);
      CHECK(idle_is_idle(o));
    }
  }
}
