#include "study/validate.h"

#include <doctest/doctest.h>

#include "base/errors.h"

namespace leto::study {

TEST_CASE("validate: a check is exact unless it tolerates an error, signed") {
  CHECK(Check{"", "", 100, 100}.holds());
  CHECK_FALSE(Check{"", "", 100, 101}.holds());
  CHECK(Check{"", "", 100, 101, 0, 0.02}.holds());
  CHECK_FALSE(Check{"", "", 100, 99, 0, 0.02}.holds());
  CHECK(Check{"", "", 100, 99}.error() == doctest::Approx(-0.01));
  CHECK(Check{"", "", 0, 3}.error() == 3);
  CHECK_FALSE(Check{"", "", 0, 3}.holds());
}

TEST_CASE("validate: what is only shown does not fail") {
  Suite suite{"s", "about", {{"wrong", "", 1, 2}, {"shown", "", 1, 2}}};
  suite.checks[1].judged = false;
  CHECK(suite.failed() == 1);
  CHECK(to_text(suite).find("FAILED") != std::string::npos);
  CHECK(to_text(suite).find("shown") != std::string::npos);
  CHECK(to_json(suite)["checks"][0]["verdict"] == "FAILED");
  CHECK(to_markdown(suite).find("| wrong | 1  | 2 | +100.00 % |") != std::string::npos);
}

TEST_CASE("validate: a section is replaced between its lines, everything else stays") {
  const std::string document = "a\n<!-- leto validate s -->\nold\n<!-- end -->\nb\n<!-- end -->\n";
  CHECK(with_section(document, "s", "new\n", "f") ==
        "a\n<!-- leto validate s -->\nnew\n<!-- end -->\nb\n<!-- end -->\n");
  CHECK_THROWS_AS(with_section(document, "other", "new\n", "f"), Error);
}

}  // namespace leto::study
