// Measured matrix products by shape: the row itself, between rows, what is not there.
#include "study/measured_rows.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "study/baseline_rate.h"
#include "study/report/sections.h"
#include "tests/study/sample.h"

using namespace leto;
using namespace leto::study;

namespace {

/// One forward product C[m, n] = A[m, k] B[k, n], as `leto zoo gemm` leaves it.
Record product(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& dtype) {
  RunFacts run = sample_run();
  run.recipe = "";
  run.steps = 1;
  run.sequence = 0;
  run.kernel = fmt::format("matmul {} {}x{}x{}", dtype, m, n, k);
  run.operations = {sample_operation("c", "matmul", "forward", 1'000'000, m * n * k)};
  run.operations[0].dtype = dtype;
  return build_record(run);
}

}  // namespace

TEST_CASE("a product of a measured shape is compared with its row") {
  const MeasuredRows rows(load_facts("matmul"));
  const auto shape = kernel_of(product(8192, 8192, 8192, "fp16"));
  REQUIRE(shape);
  CHECK(shape->rows == doctest::Approx(8192));
  const auto found = rows.predict("a100-80", "fp16", *shape);
  REQUIRE(found);
  CHECK(found->measured);
  CHECK(found->rate == doctest::Approx(277.6e12));
  CHECK(found->rests_on[0]->from.kind == Kind::measured);
}

TEST_CASE("a product of another shape is an estimate between rows whose interval holds it") {
  const MeasuredRows rows(load_facts("matmul"));
  const auto found = rows.predict("a100-80", "fp16", *kernel_of(product(8192, 6144, 6144, "fp16")));
  REQUIRE(found);
  CHECK_FALSE(found->measured);
  CHECK(found->rate > 269.2e12);  // of 4096 x 4096
  CHECK(found->rate < 277.6e12);  // of 8192 x 8192
  CHECK(found->low < found->rate);
  CHECK(found->high > found->rate);
  CHECK(found->rests_on.size() == 3);
}

TEST_CASE("no product crosses parts or precisions") {
  const MeasuredRows rows(load_facts("matmul"));
  const Kernel shape{"matmul", "fp16", 8192, 8192.0 * 8192};
  CHECK_FALSE(rows.predict("a100-80", "bf16", shape));
  CHECK_FALSE(rows.predict("h200", "fp16", shape));
  CHECK(rows.left_out("a100-80", "fp16").size() == 20);
  CHECK(rows.left_out("h100-sxm", "fp8").size() == 18);
}

TEST_CASE("fp8 is one precision of the parts and whichever of its formats the operands have") {
  Record record = product(4096, 7168, 2048, "fp8_e4m3");
  CHECK(precision_of(record) == "fp8");
  record.flops_by_dtype["fp8_e5m2"] = 1;
  CHECK(precision_of(record) == "fp8");
  record.flops_by_dtype["bf16"] = 1;
  CHECK(precision_of(record).empty());
  const auto found = MeasuredRows(load_facts("matmul")).predict("h100-sxm", "fp8", *kernel_of(record));
  REQUIRE(found);
  CHECK(found->measured);
  CHECK(found->rate == doctest::Approx(1168e12));
}

TEST_CASE("rows of softmax and layernorm count elements and need no useful FLOPs") {
  RunFacts run = sample_run();
  run.recipe = "";
  run.steps = 2;
  run.sequence = 0;
  run.kernel = "softmax fp16 4096x1024";
  run.operations.resize(0);
  const Record record = build_record(run);
  const Counted counted = counted_in(record);
  CHECK(counted.amount == 2 * 4096.0 * 1024);
  CHECK(counted.unit == "elem/s");
  CHECK(counted.precision == "fp16");
  const auto found = MeasuredRows(load_facts("softmax")).predict("a100-80", "fp16", *kernel_of(record));
  REQUIRE(found);
  CHECK(found->measured);
  CHECK(found->rate == doctest::Approx(153e9));
  const BaselineRates rates(load_baselines());
  CHECK(rates.of(record, 0, load_baseline("a100-80"))->value == doctest::Approx(153e9));
  CHECK_FALSE(rates.of(record, 0, load_baseline("h100-sxm")));
  CHECK(MeasuredRows(load_facts("layernorm")).left_out("a100-80", "fp16").size() == 21);
}

TEST_CASE("only a model of one operator that was measured somewhere is a kernel") {
  Record record = product(64, 64, 64, "fp16");
  for (const char* text : {"", "matmul", "matmul fp16", "matmul fp16 64", "matmul fp16 0x8x8",
                           "gelu fp16 8x8", "softmax fp16 ax8"}) {
    record.kernel = text;
    CHECK_FALSE(kernel_of(record));
  }
  record.kernel = std::nullopt;
  CHECK_FALSE(kernel_of(record));
}
