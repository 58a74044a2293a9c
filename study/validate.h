// What a validation found: figures beside what they should be, as text, JSON or a section of a document.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace leto::study {

/// One figure beside what it should be.
struct Check {
  std::string name, unit;
  double expected = 0, measured = 0;
  /// Signed errors that are tolerated, as fractions of `expected`; both 0: it must be equal.
  double lowest = 0, highest = 0;
  std::string note{};
  bool judged = true;  // false: shown beside the expected figure, for want of the same workload

  /// Signed, as a fraction of what is expected; the difference itself where that is 0.
  double error() const;
  bool holds() const;
};

/// Checks of one kind, and what they rest on in a line.
struct Suite {
  std::string name, about;
  std::vector<Check> checks;
  std::string details{};  // Markdown, for a document only

  int failed() const;
};

/// A table for a terminal, its last column "ok", "FAILED" or "shown".
std::string to_text(const Suite& suite);
nlohmann::json to_json(const Suite& suite);
std::string to_markdown(const Suite& suite);

/// `document` with what stands between the lines `<!-- leto validate NAME -->` and `<!-- end -->` replaced.
/// Error(bad_input) naming `where` when the document has no such lines.
std::string with_section(std::string document, std::string_view name, std::string_view content,
                         std::string_view where);

}  // namespace leto::study
