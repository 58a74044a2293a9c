#include "apps/host/packed_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <memory>
#include <vector>

#include "base/errors.h"

namespace leto::host {
namespace {

constexpr std::size_t kUnpackedLimit = 16 << 20;  // the largest set unpacks to 7.8 MB

}  // namespace

void damaged(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", path.string(), why),
              "restore the file from traces/");
}

std::string gunzip(const std::filesystem::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) damaged(path, "cannot be opened");
  std::string text;
  std::vector<char> chunk(1 << 16);
  int got = 0;
  while ((got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0 &&
         text.size() < kUnpackedLimit)
    text.append(chunk.data(), static_cast<std::size_t>(got));
  if (got != 0) damaged(path, "damaged, or not gzip");
  return text;
}

}  // namespace leto::host
