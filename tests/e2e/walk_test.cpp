// docs/walk.md and docs/write-a-pass.md as scripts: every `$ command` runs, in order, in one folder, and
// prints what the page quotes. "…" in a quoted line stands for any text, a line of "…" alone for any number
// of lines.
#include <span>
#include <sstream>
#include <vector>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

struct Quote {
  std::string command;
  std::vector<std::string> lines;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The commands inside ``` fences of no language, each with the lines quoted below it.
std::vector<Quote> quotes(const std::string& page) {
  std::vector<Quote> found;
  bool fenced = false, inside = false;
  for (const auto& line : lines_of(page)) {
    if (line.starts_with("```")) {
      fenced = !fenced;
      inside = fenced && line == "```";
    } else if (inside && line.starts_with("$ "))
      found.push_back({line.substr(2), {}});
    else if (inside && !found.empty())
      found.back().lines.push_back(line);
  }
  return found;
}

constexpr std::string_view kAny = "…";

/// Does `text` match `pattern`, whose "…" stand for anything?
bool matches(std::string_view pattern, std::string_view text) {
  const auto gap = pattern.find(kAny);
  if (gap == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, gap))) return false;
  const auto rest = pattern.substr(gap + kAny.size());
  for (auto at = gap; at <= text.size(); ++at)
    if (matches(rest, text.substr(at))) return true;
  return false;
}

bool matches_lines(std::span<const std::string> pattern, std::span<const std::string> text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != kAny)
    return !text.empty() && matches(pattern.front(), text.front()) &&
           matches_lines(pattern.subspan(1), text.subspan(1));
  for (std::size_t skip = 0; skip <= text.size(); ++skip)
    if (matches_lines(pattern.subspan(1), text.subspan(skip))) return true;
  return false;
}

void run_page(const std::string& name, std::size_t commands) {
  const Folder folder;
  const auto all = quotes(read(fs::path(LETO_SOURCE_DIR) / "docs" / name));
  CHECK(all.size() >= commands);
  for (const auto& quote : all) {
    const auto done = shell(folder, quote.command);
    CHECK_MESSAGE(done.code == 0, quote.command, "\n", done.err);
    CHECK_MESSAGE(matches_lines(quote.lines, lines_of(done.out)), quote.command, "\nprinted:\n", done.out);
  }
}

TEST_CASE("walk: the page's commands print what it quotes") {
  run_page("walk.md", 7);
}

TEST_CASE("walk: the commands of docs/write-a-pass.md print what it quotes") {
  run_page("write-a-pass.md", 3);
}

TEST_CASE("walk: the comparison can fail") {
  CHECK(matches("a … c", "a b c"));
  CHECK_FALSE(matches("a … c", "a b d"));
  const std::vector<std::string> pattern = {"first", "…", "last"}, good = {"first", "x", "y", "last"},
                                 bad = {"first", "x"};
  CHECK(matches_lines(pattern, good));
  CHECK_FALSE(matches_lines(pattern, bad));
}

}  // namespace
}  // namespace leto::e2e
