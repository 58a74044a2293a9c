// The blocks of tests/twin/foreign, in a test's folder.
#pragma once

#include "tests/e2e/leto_process.h"

namespace leto::e2e {

inline const fs::path kBlocks = fs::path(LETO_SOURCE_DIR) / "tests/twin/foreign",
                      kRtl = fs::path(LETO_SOURCE_DIR) / "rtl";

inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

/// The same in every place.
inline std::string with_all(std::string text, const std::string& from, const std::string& to) {
  std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  for (; at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

inline void place(const Folder& folder) {
  for (const auto& file : fs::directory_iterator(kBlocks))
    write(folder / file.path().filename().string(), read(file.path()));
  for (const char* file : {"common/isa_pkg.sv", "fp/fp_pkg.sv", "reduction_engine/reduction_engine.sv"})
    write(folder / fs::path(file).filename().string(), read(kRtl / file));
}

}  // namespace leto::e2e
