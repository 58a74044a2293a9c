// The list of planted defects (tools/mutate.sh) keeps up with the model, and no test is lost on its way to
// ctest.
#include <doctest/doctest.h>

#include <regex>
#include <sstream>

#include "tests/repo/source_tree.h"

namespace leto::repo {
namespace {

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("mutations: each row's text stands once in its file, and is replaced by another") {
  std::istringstream rows(read(kRoot / "tests/mutation/mutations.tsv"));
  std::set<std::string> names;
  std::string line;
  std::getline(rows, line);
  while (std::getline(rows, line)) {
    std::vector<std::string> field;
    std::istringstream fields(line);
    for (std::string one; std::getline(fields, one, '\t');) field.push_back(one);
    REQUIRE_MESSAGE(field.size() == 4, line);
    CHECK_MESSAGE(names.insert(field[0]).second, field[0]);
    CHECK_MESSAGE(field[1].starts_with("model/"), line);
    CHECK_MESSAGE(occurrences(read(kRoot / field[1]), field[2]) == 1, field[0]);
    CHECK(field[2] != field[3]);
  }
  CHECK(names.size() >= 20);
}

// CMake cuts a name at a semicolon into two that run nothing; doctest takes one with a comma for two, and
// then tells ctest no label.
TEST_CASE("tests: no name has a semicolon, none in a suite has a comma") {
  static const std::regex kSemicolon(R"re(TEST_CASE\(\s*"[^"\n]*;)re");
  static const std::regex kInSuite(
      R"re(\n +TEST_CASE\("[^"\n]*,|TEST_CASE\("[^"\n]*,[^"\n]*"\s*\*\s*doctest::test_suite)re");
  for (const auto& path : files("tests", {".cpp"})) {
    const auto text = read(path);
    CHECK_MESSAGE(!std::regex_search(text, kSemicolon), path.string());
    CHECK_MESSAGE(!std::regex_search(text, kInSuite), path.string());
  }
}

}  // namespace
}  // namespace leto::repo
