#include "base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/errors.h"
#include "scratch_folder.h"

using namespace leto;

namespace {

/// The code of the Error that f throws; ok when it throws none.
template <class F>
ExitCode code_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    CHECK_FALSE(std::string(error.what()).empty());
    CHECK_FALSE(error.remedy().empty());
    return error.code();
  }
  return ExitCode::ok;
}

/// While it lives, no file of this process grows past `bytes`: a full disk that needs no privileges.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &old_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
};

/// A tmpfs of 64 KiB in a mount namespace of this process's own; needs root.
bool mount_tiny(const std::filesystem::path& at) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=64k") == 0;
}

}  // namespace

TEST_CASE("files: what is written is read back, text and bytes, empty and large") {
  const ScratchFolder folder;
  for (const std::size_t size : {0, 1, 65535, 65536, 65537, 3000000}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 37);
    write_atomically(folder / "f", text);
    CHECK(read_text(folder / "f") == text);
    const auto bytes = read_bytes(folder / "f");
    CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == text);
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("files: a new file has the permissions that the umask leaves") {
  const ScratchFolder folder;
  const auto old = ::umask(022);
  write_atomically(folder / "f", "x");
  ::umask(old);
  struct stat info {};
  REQUIRE(::stat((folder / "f").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0644);
}

TEST_CASE("files: reading what is not there, is a folder or is too long is a bad input") {
  const ScratchFolder folder;
  write_atomically(folder / "f", "0123456789");
  CHECK(code_of([&] { read_text(folder / "none"); }) == ExitCode::bad_input);
  CHECK(code_of([&] { read_text(folder.path()); }) == ExitCode::bad_input);
  CHECK(code_of([&] { read_text(folder / "f" / "g"); }) == ExitCode::bad_input);
  CHECK(code_of([&] { read_text(folder / "f", 9); }) == ExitCode::bad_input);
  CHECK(read_text(folder / "f", 10) == "0123456789");
}

TEST_CASE("files: an endless device stops at the limit, a pipe ends where its writer does") {
  CHECK(code_of([] { read_bytes("/dev/zero", 1 << 20); }) == ExitCode::bad_input);
  CHECK(read_bytes("/dev/null", 0).empty());
  const ScratchFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::thread writer([&] { write_atomically(folder / "pipe", std::string(200000, 'p')); });
  CHECK(read_text(folder / "pipe", 200000) == std::string(200000, 'p'));
  writer.join();
}

TEST_CASE("files: writing into a missing folder, onto a folder or through a file is a resource error") {
  const ScratchFolder folder;
  write_atomically(folder / "f", "x");
  CHECK(code_of([&] { write_atomically(folder / "none" / "f", "x"); }) == ExitCode::resource);
  CHECK(code_of([&] { write_atomically(folder.path(), "x"); }) == ExitCode::resource);
  CHECK(code_of([&] { write_atomically(folder / "f" / "g", "x"); }) == ExitCode::resource);
  CHECK(code_of([&] { write_atomically("", "x"); }) == ExitCode::resource);
  CHECK(folder.entries() == 1);
}

TEST_CASE("files: a write that fails half-way leaves the old content and nothing else") {
  const ScratchFolder folder;
  write_atomically(folder / "f", "old");
  const FileSizeLimit full(100000);
  CHECK(code_of([&] { write_atomically(folder / "f", std::string(300000, 'n')); }) == ExitCode::resource);
  CHECK(code_of([&] { write_atomically(folder / "new", std::string(300000, 'n')); }) == ExitCode::resource);
  CHECK(read_text(folder / "f") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("files: a full disk is a resource error and leaves no partial file") {
  const ScratchFolder folder;
  if (!mount_tiny(folder.path())) {
    MESSAGE("skipped: mounting a small disk is not allowed here");
    return;
  }
  write_atomically(folder / "f", "old");
  CHECK(code_of([&] { write_atomically(folder / "f", std::string(300000, 'n')); }) == ExitCode::resource);
  CHECK(read_text(folder / "f") == "old");
  CHECK(folder.entries() == 1);
  write_atomically(folder / "f", std::string(20000, 'n'));  // what was taken has been given back
  CHECK(::umount(folder.path().c_str()) == 0);
}

TEST_CASE("files: a device is written, not replaced") {
  CHECK(code_of([] { write_atomically("/dev/full", "x"); }) == ExitCode::resource);
  write_atomically("/dev/null", "x");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("files: a symbolic link is followed, not replaced") {
  const ScratchFolder folder;
  write_atomically(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  write_atomically(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_text(folder / "real") == "new");
}

TEST_CASE("files: a reader sees the old or the new content, never a mixture") {
  const ScratchFolder folder;
  write_atomically(folder / "f", std::string(100000, 'a'));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i)
      write_atomically(folder / "f", std::string(100000, static_cast<char>('a' + i % 26)));
    done = true;
  });
  int reads = 0, torn = 0;
  while (!done || reads == 0) {
    const std::string text = read_text(folder / "f");
    torn += text.size() != 100000 || text.find_first_not_of(text[0]) != std::string::npos;
    ++reads;
  }
  writer.join();
  CHECK(torn == 0);
}
