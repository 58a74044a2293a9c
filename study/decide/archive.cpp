#include "study/decide/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/errors.h"

namespace leto::study {
namespace {

constexpr std::size_t kBlock = 512, kNameBytes = 100;

/// A header block: fields at fixed places, numbers in octal digits (POSIX.1-1988).
std::string header(const ArchivedFile& file) {
  std::string block(kBlock, '\0');
  const auto put = [&](std::ptrdiff_t at, std::string_view text) {
    std::ranges::copy(text, block.begin() + at);
  };
  put(0, file.name);
  put(100, "0000644");                                    // mode
  put(108, "0000000");                                    // user
  put(116, "0000000");                                    // group
  put(124, fmt::format("{:011o}", file.content.size()));  // size
  put(136, "00000000000");                                // time
  put(148, "        ");                                   // checksum, counted as blanks
  put(156, "0");                                          // a regular file
  put(257, "ustar");
  put(263, "00");
  const unsigned sum = std::accumulate(block.begin(), block.end(), 0u,
                                       [](unsigned s, char c) { return s + static_cast<unsigned char>(c); });
  put(148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  return block;
}

}  // namespace

std::string to_tar(const std::vector<ArchivedFile>& files) {
  std::string out;
  for (const ArchivedFile& file : files) {
    if (file.name.empty() || file.name.size() >= kNameBytes)
      throw Error(ExitCode::internal, fmt::format("archive: no room for the name '{}'", file.name),
                  "report this");
    out += header(file);
    out += file.content;
    out.append((kBlock - file.content.size() % kBlock) % kBlock, '\0');
  }
  return out + std::string(2 * kBlock, '\0');
}

}  // namespace leto::study
