#include "apps/host/checkpoint.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace leto::host {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 16> kMagic = {'l', 'e', 't', 'o', ' ', 'c', 'h', 'e',
                                         'c', 'k', 'p', 'o', 'i', 'n', 't', '\n'};
constexpr std::size_t kBlock = std::size_t{1} << 20;
using Checksum = std::uint32_t;

std::span<const std::byte> bytes_of(const auto& record) {
  return std::as_bytes(std::span(&record, 1));
}

[[noreturn]] void refuse(const fs::path& path, const std::string& cause, const std::string& remedy) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", path.string(), cause), remedy);
}
[[noreturn]] void refuse_damaged(const fs::path& path, const std::string& cause) {
  refuse(path, cause, "remove the file, and start the run afresh");
}

/// A file in blocks, with the checksum of all that went in.
class Output {
 public:
  explicit Output(const fs::path& path) : file_(path) { block_.reserve(kBlock); }
  void write(std::span<const std::byte> bytes) {
    if (block_.size() + bytes.size() > kBlock) flush();
    if (bytes.size() < kBlock)
      block_.insert(block_.end(), bytes.begin(), bytes.end());
    else
      put(bytes);
  }
  void publish() {
    flush();
    const Checksum sum = checksum_;
    file_.write(bytes_of(sum));
    file_.publish();
  }

 private:
  void flush() {
    put(block_);
    block_.clear();
  }
  void put(std::span<const std::byte> bytes) {
    checksum_ = crc32(bytes, checksum_);
    file_.write(bytes);
  }

  StreamedFile file_;
  std::vector<std::byte> block_;
  Checksum checksum_ = 0;
};

class Input {
 public:
  explicit Input(const fs::path& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code failed;
    const auto size = fs::file_size(path, failed);
    if (failed || !file_) refuse(path, "cannot be read", "check the path and its permissions");
    if (size < kMagic.size() + sizeof(Checksum)) refuse_damaged(path, "too short for a checkpoint");
    left_ = size - sizeof(Checksum);
    check(left_);
    std::array<char, kMagic.size()> magic{};
    read(std::as_writable_bytes(std::span(magic)));
    if (magic != kMagic) refuse(path, "is no checkpoint", "give the folder of a run that left one");
  }
  void read(std::span<std::byte> bytes) {
    if (!file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
      refuse_damaged(path_, "cannot be read to its end");
    left_ -= bytes.size();
  }
  std::uint64_t left() const { return left_; }

 private:
  void check(std::uint64_t bytes) {
    std::vector<std::byte> block(kBlock);
    Checksum sum = 0, stored = 0;
    for (std::uint64_t done = 0; done < bytes;) {
      const auto some = std::span(block).first(std::min<std::uint64_t>(kBlock, bytes - done));
      read(some);
      sum = crc32(some, sum);
      done += some.size();
    }
    read(std::as_writable_bytes(std::span(&stored, 1)));
    if (sum != stored) refuse_damaged(path_, "damaged: its checksum is not that of its bytes");
    file_.seekg(0);
    left_ = bytes;
  }

  fs::path path_;
  std::ifstream file_;
  std::uint64_t left_ = 0;
};

void compare(const fs::path& path, const Identity& theirs, const Identity& ours) {
  for (std::size_t i = 0; i < std::max(theirs.size(), ours.size()); ++i)
    if (i >= theirs.size() || i >= ours.size() || theirs[i] != ours[i])
      refuse(path,
             i < theirs.size() && i < ours.size() && theirs[i].first == ours[i].first
                 ? fmt::format("a checkpoint of another {}: {}, not {}", ours[i].first, theirs[i].second,
                               ours[i].second)
                 : "a checkpoint of another version of leto",
             "resume with the binary and the flags that left it, or start afresh without --resume");
}

}  // namespace

std::string binary_hash() {
  return fmt::format("{:016x}", fnv1a(read_bytes("/proc/self/exe")));
}

void save_checkpoint(const fs::path& path, Identity identity, const ShowState& state) {
  Output output(path);
  output.write(bytes_of(kMagic));
  Snapshot snapshot = Snapshot::saving([&](std::span<const std::byte> bytes) { output.write(bytes); });
  snapshot(identity);
  state(snapshot);
  output.publish();
}

void load_checkpoint(const fs::path& path, const Identity& identity, const ShowState& state) {
  Input input(path);
  Snapshot snapshot = Snapshot::loading([&](std::span<std::byte> bytes) { input.read(bytes); }, input.left());
  Identity theirs;
  snapshot(theirs);
  compare(path, theirs, identity);
  state(snapshot);
  if (input.left() != 0) refuse_damaged(path, fmt::format("holds {} bytes too many", input.left()));
}

}  // namespace leto::host
