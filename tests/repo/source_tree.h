// The checked-out tree as the repository tests see it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace leto::repo {

inline const std::filesystem::path kRoot = LETO_SOURCE_DIR;

inline std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Files below `folder` (relative to the root) with one of the suffixes, sorted; build and output folders are
/// left out.
inline std::vector<std::filesystem::path> files(const std::string& folder,
                                                const std::set<std::string>& suffixes) {
  static const std::set<std::string> kSkipped = {"build", "out", ".git"};
  std::vector<std::filesystem::path> found;
  for (auto it = std::filesystem::recursive_directory_iterator(kRoot / folder);
       it != std::filesystem::end(it); ++it) {
    if (it->is_directory() && kSkipped.contains(it->path().filename().string()))
      it.disable_recursion_pending();
    if (it->is_regular_file() && suffixes.contains(it->path().extension().string()))
      found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace leto::repo
