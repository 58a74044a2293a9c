// Whole files in, whole files out: a reader never sees half of a written file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leto {

/// Largest file that is read unless the caller says otherwise: the values that a host may hold (apps/host).
inline constexpr std::uint64_t kReadLimit = std::uint64_t{4} << 30;
/// The same for what is no regular file: a pipe or a device may never end.
inline constexpr std::uint64_t kStreamLimit = std::uint64_t{256} << 20;

/// The content of a file. Error(bad_input) when it is missing, a folder, unreadable or longer than `limit`
/// bytes.
std::vector<std::byte> read_bytes(const std::filesystem::path& path, std::uint64_t limit = kReadLimit);
std::string read_text(const std::filesystem::path& path, std::uint64_t limit = kReadLimit);

/// Replaces or creates `path` as a whole: a temporary file beside it, fsync, rename. On Error(resource) (disk
/// full, no such folder, no permission) the old content is untouched and no temporary file stays. A symbolic
/// link is followed; a device or pipe (/dev/stdout) is written directly.
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, std::string_view text);

/// A temporary file beside `path` that takes its place on publish(); without that nothing stays. For writers
/// that want a name to write to.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& temporary() const { return temporary_; }
  void publish();

 private:
  std::filesystem::path path_, temporary_;  // temporary_ is empty once published
};

/// The same for a file too long to hold, written piece by piece. Throws as write_atomically does.
class StreamedFile {
 public:
  explicit StreamedFile(std::filesystem::path path);
  ~StreamedFile();
  void write(std::span<const std::byte> bytes);
  void publish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
/// A hidden name beside `path` that no other process or thread uses.
std::filesystem::path temporary_name(const std::filesystem::path& path);
/// Removes what bears such a name of a process that is no more.
void remove_orphans(const std::filesystem::path& path);

}  // namespace leto
