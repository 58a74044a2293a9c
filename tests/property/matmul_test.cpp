// Matrix products on the chip against closed forms of their plan: every multiply-accumulate once, every
// operand as often as the plan says, and the interpreter's bits; over shapes whose plans differ in kind.
#include <doctest/doctest.h>

#include <set>

#include "compiler/compiler.h"
#include "compiler/lower/matmul_plan.h"
#include "tests/property/filled_run.h"

using namespace leto;
using namespace leto::compiler;

namespace {

struct Product {
  std::string chip;
  std::int64_t batch, m, n, k;
  bool a_adjacent_in_m, b_adjacent_in_n;
};

MatmulPlan plan_of(const Product& p, const ChipConfig& chip) {
  const auto operand = [&](int storage, std::int64_t rows, bool by_k) {
    if (!by_k) return dense_view(storage, {p.batch, rows, p.k});
    return transposed(dense_view(storage, {p.batch, p.k, rows}), {0, 2, 1});
  };
  const MatmulKernel kernel{{operand(0, p.m, p.a_adjacent_in_m), DType::bf16},
                            {operand(1, p.n, p.b_adjacent_in_n), DType::bf16},
                            {dense_view(2, {p.batch, p.m, p.n}), DType::bf16}};
  return plan_matmul(normalise(kernel), chip);
}

isa::Program program_of(const Product& p, const ChipConfig& chip) {
  const auto type = [&](std::int64_t rows, std::int64_t columns) {
    return fmt::format("bf16[{},{},{}]", p.batch, rows, columns);
  };
  const std::string text = fmt::format(
      "graph \"g\" tokens=0\n%a: {} = input\n%b: {} = input\n"
      "%c: {} = matmul(%a, %b) {{trans_a={}, trans_b={}}} phase=forward name=\"c\"\noutput %c\n",
      p.a_adjacent_in_m ? type(p.k, p.m) : type(p.m, p.k),
      p.b_adjacent_in_n ? type(p.k, p.n) : type(p.n, p.k), type(p.m, p.n), int(p.a_adjacent_in_m),
      int(!p.b_adjacent_in_n));
  return lower(parse(text, "g"), chip, Recipe{}, {});
}

// Bytes that all PEs together move between memory and local stores, a multicast once.
std::int64_t expected_bytes(const Product& p, const MatmulPlan& plan) {
  std::int64_t bytes = 0;
  for (const MatmulPart& part : plan.parts) {
    const std::int64_t rows = part.m_end - part.m_start,
                       units = part.dealt ? (rows + part.tile_m - 1) / part.tile_m : 1;
    const std::int64_t a = rows * p.k * (plan.a.kept ? 1 : part.tiles_n()),
                       b = p.n * p.k * units * (plan.b.kept ? 1 : part.tiles_m());
    bytes += p.batch * 2 * (a + b + rows * p.n);
  }
  return bytes;
}

// What the plans of a list of products should cover between them.
void note_kinds(const Product& p, const MatmulPlan& plan, std::set<std::string>& kinds) {
  kinds.insert(plan.parts.size() > 1 ? "two parts" : "one part");
  for (const MatmulPart& part : plan.parts) {
    if (part.dealt) kinds.insert("dealt");
    if (part.splits(MatmulDim::k)) kinds.insert("k split");
    if (part.splits(MatmulDim::batch)) kinds.insert("batch split");
    if (part.over_rows == part.over_columns && !part.dealt) kinds.insert("one dim over the grid");
    if (part.tiles_m() > 1 && part.tiles_n() > 1) kinds.insert("tiles both ways");
  }
  if (plan.a.kept) kinds.insert(p.a_adjacent_in_m ? "a kept and transposed" : "a kept");
  if (plan.b.kept) kinds.insert(p.b_adjacent_in_n ? "b kept and transposed" : "b kept");
  if (plan.round() > 1) kinds.insert("long runs");
}

const std::vector<Product>& products() {
  static const std::vector<Product> list{
      {"tiny", 1, 131, 77, 203, false, false},   {"tiny", 1, 131, 77, 203, true, true},
      {"tiny", 1, 40, 72, 512, true, false},     {"tiny", 6, 40, 72, 64, true, false},
      {"tiny", 1, 40, 72, 200, true, true},      {"tiny", 1, 320, 72, 64, false, true},
      {"tiny", 1, 192, 250, 64, false, false},   {"tiny", 1, 900, 72, 64, false, false},
      {"tiny", 1, 320, 250, 64, true, false},    {"tiny", 1, 320, 250, 1024, false, true},
      {"tiny", 1, 320, 1000, 200, false, false}, {"pilot", 5, 100, 130, 70, false, true},
      {"artemis", 1, 600, 100, 90, false, true}, {"pilot", 1, 600, 40, 203, true, false},
  };
  return list;
}

}  // namespace

TEST_CASE("matmul: every product once, every byte as often as the plan says, the interpreter's bits") {
  std::set<std::string> kinds;
  for (const Product& p : products()) {
    const ChipConfig chip = load_chip(p.chip);
    const MatmulPlan plan = plan_of(p, chip);
    note_kinds(p, plan, kinds);
    INFO(fmt::format("{}: {} x {} x {} x {}, {}{}", p.chip, p.batch, p.m, p.n, p.k, p.a_adjacent_in_m,
                     p.b_adjacent_in_n));
    const isa::Program program = program_of(p, chip);
    const model::test::Setup setup = property::filled_run(program, chip);
    const auto chip_says = model::test::run(program, setup);
    REQUIRE_MESSAGE(chip_says.code == 0, chip_says.error);
    CHECK(chip_says["macs"] == std::uint64_t(p.batch * p.m * p.n * p.k));
    CHECK(chip_says["operation.0.bytes"] == std::uint64_t(expected_bytes(p, plan)));
    CHECK(chip_says.output == model::test::golden(program, setup).output);
  }
  const std::set<std::string> all{"one part",        "two parts",   "dealt",
                                  "k split",         "batch split", "one dim over the grid",
                                  "tiles both ways", "a kept",      "a kept and transposed",
                                  "b kept",          "long runs",   "b kept and transposed"};
  CHECK_MESSAGE(kinds == all, fmt::format("{}", fmt::join(kinds, ", ")));
}

TEST_CASE("matmul: a plan fits the local store, the accumulators and the held rows, and covers c once") {
  for (const char* name : {"tiny", "artemis", "pilot"}) {
    const ChipConfig chip = load_chip(name);
    for (std::int64_t m : {1, 63, 200, 1500})
      for (std::int64_t n : {1, 65, 700})
        for (std::int64_t k : {5, 130, 1024, 5000}) {
          const MatmulPlan plan = plan_of({name, 1, m, n, k, m % 2 == 0, n % 2 == 0}, chip);
          std::int64_t next = 0, c = 0;
          for (const MatmulPart& part : plan.parts) {
            CHECK(part.m_start == next);
            next = part.m_end;
            c = std::max(c, part.tile_m * part.tile_n * 2);
            const std::int64_t banks =
                (std::min(plan.held, part.tile_m) + 31) / 32 * ((part.slot_n + 31) / 32) * part.slots();
            CHECK(banks <= chip.reduction_engine.banks);
            CHECK(part.tile_m <= part.slots_m * plan.held);
            CHECK(part.tile_n <= part.slots_n * part.slot_n);
          }
          CHECK(next == m);
          CHECK(plan.held <= 32 * chip.matrix_engine.tiles);
          std::int64_t bytes = c * plan.c_depth;
          for (auto [operand, rows] : {std::pair{&plan.a, plan.tile_m()}, {&plan.b, plan.tile_n()}})
            bytes += tile_bytes(plan, *operand, rows, k, 2) * operand->depth +
                     raw_tile_bytes(plan, rows, 2) * operand->raw_depth;
          CHECK(bytes <= chip.local_store.bytes);
        }
  }
}
