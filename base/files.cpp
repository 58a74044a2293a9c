#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/errors.h"

namespace leto {
namespace {

namespace fs = std::filesystem;

/// Owns a descriptor; close() reports, the destructor only cleans up.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

[[noreturn]] void fail_read(const fs::path& path, int error) {
  throw Error(ExitCode::bad_input, fmt::format("{}: cannot read: {}", path.string(), std::strerror(error)),
              "check the path and its permissions");
}

[[noreturn]] void fail_write(const fs::path& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const bool missing = error == ENOENT || error == ENOTDIR;
  throw Error(ExitCode::resource, fmt::format("{}: cannot write: {}", path.string(), std::strerror(error)),
              full      ? "free some space or write to another disk; nothing was changed"
              : missing ? "create the folder first"
                        : "check the permissions of the folder; nothing was changed");
}

int open_to_read(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail_read(path, errno);
  return fd;
}

/// Reads at most `bytes.size()` bytes; fewer only at the end of the file.
std::size_t read_up_to(const Descriptor& file, std::span<std::byte> bytes, const fs::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      fail_read(path, errno);
    }
  }
  return done;
}

[[noreturn]] void fail_too_long(const fs::path& path, std::uint64_t limit) {
  throw Error(ExitCode::bad_input, fmt::format("{}: longer than {} bytes", path.string(), limit),
              "this is more than a file of this kind holds; check the path");
}

constexpr std::uint64_t kBlock = 65536;

/// The size a regular file claims, plus one byte to meet its end; one block, and a lower limit, for anything
/// else.
std::uint64_t first_block(const Descriptor& file, const fs::path& path, std::uint64_t& limit) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_read(path, errno);
  if (S_ISDIR(info.st_mode)) fail_read(path, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    limit = std::min(limit, kStreamLimit);
    return kBlock;
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > limit) fail_too_long(path, limit);
  return size + 1;
}

template <class Container>
Container read_whole(const fs::path& path, std::uint64_t limit) {
  const Descriptor file(open_to_read(path));
  Container content;
  std::uint64_t block = first_block(file, path, limit);
  std::size_t size = 0;
  do {
    content.resize(std::min(size + block, limit + 1));
    size += read_up_to(file, std::as_writable_bytes(std::span(content)).subspan(size), path);
    block = std::max<std::uint64_t>(size, kBlock);
  } while (size == content.size() && size <= limit);
  if (size > limit) fail_too_long(path, limit);
  content.resize(size);
  return content;
}

void write_all(const Descriptor& file, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      fail_write(path, errno);
    }
  }
}

void write_directly(const fs::path& path, std::span<const std::byte> bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) fail_write(path, errno);
  write_all(file, bytes, path);
  if (!file.close()) fail_write(path, errno);
}

void write_and_rename(const fs::path& path, std::span<const std::byte> bytes) {
  StreamedFile file(path);
  file.write(bytes);
  file.publish();
}

/// The file behind a symbolic link, so that the rename replaces the file and not the link.
fs::path follow(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? path : real;
}

}  // namespace

fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> serial{0};
  return path.parent_path() /
         fmt::format(".{}.{}.{}.tmp", path.filename().string().substr(0, 200), ::getpid(), serial++);
}

void remove_orphans(const fs::path& path) {
  const std::string before = fmt::format(".{}.", path.filename().string().substr(0, 200));
  const fs::path folder = path.parent_path().empty() ? "." : path.parent_path();
  std::error_code ignored;
  std::vector<fs::path> orphans;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t process = 0;
    if (!name.starts_with(before) || !name.ends_with(".tmp")) continue;
    if (std::from_chars(name.data() + before.size(), name.data() + name.size(), process).ec != std::errc())
      continue;
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) orphans.push_back(entry.path());
  }
  for (const fs::path& orphan : orphans) fs::remove_all(orphan, ignored);
}

std::vector<std::byte> read_bytes(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::vector<std::byte>>(path, limit);
}

std::string read_text(const fs::path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

void write_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  const fs::path real = follow(path);
  std::error_code error;
  const fs::file_status status = fs::status(real, error);
  if (fs::is_directory(status)) fail_write(path, EISDIR);
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_directly(real, bytes);
  write_and_rename(real, bytes);
}

void write_atomically(const fs::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

PendingFile::PendingFile(fs::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {}

PendingFile::~PendingFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void PendingFile::publish() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_, errno);
  temporary_.clear();
}

struct StreamedFile::Impl {
  explicit Impl(fs::path path) : pending(std::move(path)), file(create()) {}
  int create() const {
    const int fd = ::open(pending.temporary().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) fail_write(pending.path(), errno);
    return fd;
  }
  PendingFile pending;
  Descriptor file;
};

StreamedFile::StreamedFile(fs::path path) : impl_(std::make_unique<Impl>(std::move(path))) {}
StreamedFile::~StreamedFile() = default;

void StreamedFile::write(std::span<const std::byte> bytes) {
  write_all(impl_->file, bytes, impl_->pending.path());
}

void StreamedFile::publish() {
  const fs::path& path = impl_->pending.path();
  if (::fsync(impl_->file.get()) != 0) fail_write(path, errno);
  if (!impl_->file.close()) fail_write(path, errno);
  impl_->pending.publish();
}

}  // namespace leto
