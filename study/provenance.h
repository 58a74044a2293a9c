// Where a figure comes from. No figure of study/ is shown without it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leto::study {

/// How a figure came to be. A comparison may rest on `measured`; the other kinds are shown with their names.
enum class Kind : std::uint8_t { measured, published, vendor, estimate };
std::string_view name_of(Kind kind);

struct Provenance {
  Kind kind = Kind::estimate;
  std::string source, reference, date, confidence, note;
  bool recalled() const { return confidence == "recalled"; }  // not read in a document: unverified
};

/// "published", "vendor, recalled: not verified": the kind as every page shows it.
std::string kind_text(const Provenance& from);

}  // namespace leto::study
