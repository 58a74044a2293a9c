// The baselines' MFU model: it never sees the row it is checked on, knows precisions apart, and its error
// table in docs/validation.md is fresh.
#include "study/mfu_model.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "base/files.h"
#include "study/validate.h"

using namespace leto;
using namespace leto::study;

namespace {

Baseline part(const std::string& name, double peak_tflops,
              std::vector<std::pair<double, double>> size_and_mfu) {
  Baseline b;
  b.name = name;
  b.figures.push_back({"peak_bf16", "TFLOP/s", "bf16", peak_tflops, {}});
  for (const auto& [size, mfu] : size_and_mfu) {
    TrainingRow row;
    row.id = name + std::to_string(size);
    row.precision = "bf16";
    row.parameters = size;
    row.mfu = mfu;
    row.of_peak_flops = peak_tflops * 1e12;
    row.from.kind = Kind::measured;
    b.training.push_back(row);
  }
  return b;
}

}  // namespace

TEST_CASE("a row is predicted from the others only") {
  const MfuModel model({part("a", 100, {{1e9, 0.2}, {1e9, 0.4}, {1e9, 0.4}, {1e9, 0.4}})});
  REQUIRE(model.checks().size() == 4);
  CHECK(model.checks()[0].measured == doctest::Approx(0.2));
  CHECK(model.checks()[0].predicted == doctest::Approx(0.4));
}

TEST_CASE("rows of a part of the same peak come first whatever their size") {
  const MfuModel model({part("a", 100, {{1e9, 0.5}, {1e9, 0.5}, {1e9, 0.5}}),
                        part("b", 300, {{7e9, 0.3}, {7e9, 0.3}, {7e9, 0.3}})});
  CHECK(model.predict({"bf16", 1e9, 0, 1, 300e12})->share == doctest::Approx(0.3));
  CHECK(model.predict({"bf16", 1e9, 0, 1, 100e12})->share == doctest::Approx(0.5));
}

TEST_CASE("no prediction crosses precisions") {
  const MfuModel model({part("a", 100, {{1e9, 0.5}})});
  CHECK_FALSE(model.predict({"fp8", 1e9, 0, 1, 100e12}).has_value());
}

TEST_CASE("the measured rows are predicted to a tenth in the mean") {
  const MfuModel model(load_baselines());
  CHECK(model.checks().size() > 100);
  double sum = 0;
  for (const auto& check : model.checks()) sum += std::abs(check.error());
  CHECK(sum / double(model.checks().size()) < 0.10);
}

TEST_CASE("the MFU table of docs/validation.md is fresh") {
  const std::filesystem::path path = std::filesystem::path(LETO_SOURCE_DIR) / "docs/validation.md";
  const std::string document = read_text(path),
                    fresh =
                        with_section(document, "mfu", mfu_table(MfuModel(load_baselines())), path.string());
  if (std::getenv("LETO_RENEW_DOCS")) write_atomically(path, fresh);
  CHECK_MESSAGE(document == fresh, "renew with LETO_RENEW_DOCS=1 test_study");
}
