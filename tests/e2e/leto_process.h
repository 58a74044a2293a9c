// Runs the leto binary as a user would: a process, its exit code, what it wrote.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace leto::e2e {

namespace fs = std::filesystem;

inline std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The binary under test stands beside the test program.
inline fs::path binary() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "leto";
}

/// A folder of its own for a test, gone when the test is.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "leto-e2e-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Finished {
  int code = -1;
  std::string out, err;
};

/// Runs a shell command in `folder` with `leto` in reach.
inline Finished shell(const Folder& folder, const std::string& command) {
  const auto out = folder / ".stdout", err = folder / ".stderr";
  const auto line = "cd '" + folder.path().string() + "' && PATH='" + binary().parent_path().string() +
                    "':\"$PATH\" && { " + command + "\n} >'" + out.string() + "' 2>'" + err.string() +
                    "' </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(err)};
}

inline Finished leto(const Folder& folder, const std::string& arguments) {
  return shell(folder, "leto " + arguments);
}

/// Runs a step that the test needs and does not test.
inline void must(const Folder& folder, const std::string& arguments) {
  const auto done = leto(folder, arguments);
  REQUIRE_MESSAGE(done.code == 0, "leto ", arguments, "\n", done.err);
}

/// Two lines on stderr, cause and remedy, nothing else; and the exit code.
inline void check_refused(const Finished& done, int code, const std::string& cause_part) {
  CHECK_MESSAGE(done.code == code, done.err);
  const auto newline = done.err.find('\n');
  REQUIRE_MESSAGE(newline != std::string::npos, "stderr: ", done.err);
  CHECK_MESSAGE(done.err.starts_with("leto: error: "), done.err);
  CHECK_MESSAGE(done.err.substr(newline + 1).starts_with("leto: remedy: "), done.err);
  CHECK_MESSAGE(done.err.find('\n', newline + 1) == done.err.size() - 1, done.err);
  CHECK_MESSAGE(done.err.substr(0, newline).find(cause_part) != std::string::npos, done.err);
}

}  // namespace leto::e2e
