#include "base/errors.h"

#include <doctest/doctest.h>

using namespace leto;

TEST_CASE("errors: an error carries code, cause and remedy") {
  try {
    throw Error(ExitCode::does_not_fit, "pe[3]: buffer 2 ends at 393728", "make the tiles smaller");
  } catch (const std::runtime_error& e) {
    CHECK(std::string(e.what()) == "pe[3]: buffer 2 ends at 393728");
    const auto& error = dynamic_cast<const Error&>(e);
    CHECK(error.code() == ExitCode::does_not_fit);
    CHECK(error.remedy() == "make the tiles smaller");
  }
}

TEST_CASE("errors: the exit codes are frozen") {
  const int codes[] = {static_cast<int>(ExitCode::ok),           static_cast<int>(ExitCode::usage),
                       static_cast<int>(ExitCode::bad_input),    static_cast<int>(ExitCode::unsupported),
                       static_cast<int>(ExitCode::does_not_fit), static_cast<int>(ExitCode::illegal_program),
                       static_cast<int>(ExitCode::deadlock),     static_cast<int>(ExitCode::mismatch),
                       static_cast<int>(ExitCode::resource),     static_cast<int>(ExitCode::internal)};
  const int frozen[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 70};
  for (int i = 0; i < 10; ++i) CHECK(codes[i] == frozen[i]);
}
