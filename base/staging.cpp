#include "base/staging.h"

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"

namespace leto {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& folder, const std::string& cause) {
  throw Error(ExitCode::resource, fmt::format("{}: the folder cannot be {}", folder.string(), cause),
              "choose another --out, or check permissions and space");
}

/// The folder itself, or the nearest one above it that exists.
fs::path nearest(fs::path folder) {
  folder = fs::absolute(folder);
  while (!fs::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

void check_writable(const fs::path& folder) {
  const auto there = nearest(folder);
  if (!fs::is_directory(there) || ::access(there.c_str(), W_OK | X_OK) != 0) fail(folder, "created");
}

/// "a/b/" and "a/b" are one folder.
fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() || !folder.has_parent_path() ? folder : folder.parent_path();
}

}  // namespace

Staging::Staging(fs::path folder) : folder_(without_slash(folder)), inside_(fs::exists(folder_)) {
  check_writable(folder_);
  path_ = temporary_name(inside_ ? folder_ / "leto" : folder_);
}

Staging::~Staging() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Staging::clear_up(const fs::path& folder) {
  remove_orphans(without_slash(folder));
  remove_orphans(folder / "leto");
}

void Staging::commit(std::span<const std::string_view> optional) {
  try {
    if (inside_ || fs::exists(folder_))
      move_entries(optional);
    else
      fs::rename(path_, folder_);
  } catch (const fs::filesystem_error& error) {
    fail(folder_, fmt::format("replaced: {}", error.code().message()));
  }
}

void Staging::move_entries(std::span<const std::string_view> optional) const {
  for (const auto name : optional)
    if (!fs::exists(path_ / name)) fs::remove_all(folder_ / name);
  for (const auto& entry : fs::directory_iterator(path_)) {
    const auto target = folder_ / entry.path().filename();
    if (fs::is_directory(target)) fs::remove_all(target);
    fs::rename(entry.path(), target);
  }
}

void make_folder(const fs::path& dir) {
  std::error_code failed;
  fs::create_directories(dir, failed);
  if (failed || !fs::is_directory(dir, failed)) fail(dir, "created");
}

}  // namespace leto
