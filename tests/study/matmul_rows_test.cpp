// Measured matrix products by shape: the row itself, between rows, what is not there.
#include "study/matmul_rows.h"

#include <doctest/doctest.h>

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
  run.parameters = n * k;
  run.operations = {sample_operation("c", "matmul", "forward", 1'000'000, m * n * k)};
  run.operations[0].dtype = dtype;
  return build_record(run);
}

}  // namespace

TEST_CASE("a product of a measured shape is compared with its row") {
  const MatmulRows rows(load_facts("matmul"));
  const auto shape = shape_of(product(8192, 8192, 8192, "fp16"));
  REQUIRE(shape);
  CHECK(shape->m == doctest::Approx(8192));
  const auto found = rows.predict("a100-80", "fp16", *shape);
  REQUIRE(found);
  CHECK(found->measured);
  CHECK(found->flops_per_s == doctest::Approx(277.6e12));
  CHECK(found->rests_on[0]->from.kind == Kind::measured);
}

TEST_CASE("a product of another shape is an estimate between rows whose interval holds it") {
  const MatmulRows rows(load_facts("matmul"));
  const auto found = rows.predict("a100-80", "fp16", *shape_of(product(8192, 6144, 6144, "fp16")));
  REQUIRE(found);
  CHECK_FALSE(found->measured);
  CHECK(found->flops_per_s > 269.2e12);  // of 4096 x 4096
  CHECK(found->flops_per_s < 277.6e12);  // of 8192 x 8192
  CHECK(found->low < found->flops_per_s);
  CHECK(found->high > found->flops_per_s);
  CHECK(found->rests_on.size() == 3);
}

TEST_CASE("no product crosses parts or precisions") {
  const MatmulRows rows(load_facts("matmul"));
  const MatmulShape shape{8192, 8192.0 * 8192};
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
  const auto found = MatmulRows(load_facts("matmul")).predict("h100-sxm", "fp8", *shape_of(record));
  REQUIRE(found);
  CHECK(found->measured);
  CHECK(found->flops_per_s == doctest::Approx(1168e12));
}

TEST_CASE("only one forward product has a shape") {
  CHECK_FALSE(shape_of(build_record(sample_run())));
  Record trained = product(64, 64, 64, "fp16");
  trained.recipe = "optimizer = \"sgd\"";
  CHECK_FALSE(shape_of(trained));
  Record no_weights = product(64, 64, 64, "fp16");
  no_weights.parameters = 0;
  CHECK_FALSE(shape_of(no_weights));
}
