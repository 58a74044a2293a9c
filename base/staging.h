// The files of one job appear in their folder together or not at all.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace leto {

/// A hidden folder that a job writes into until everything is there; commit() then makes it appear as
/// `folder`, by one rename. When `folder` exists already, its other files stay: the hidden folder stands
/// inside, and commit() moves entry by entry, which takes no more space. Without commit() nothing is left
/// behind.
class Staging {
 public:
  /// Takes a name, creates nothing. Error(resource) when `folder` could not be created or written.
  explicit Staging(std::filesystem::path folder);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Removes what jobs for `folder` that were killed had half written.
  static void clear_up(const std::filesystem::path& folder);

  /// Where to write, with make_folder first.
  const std::filesystem::path& path() const { return path_; }
  /// `optional`: names that not every job of this kind leaves; those of an earlier job go.
  void commit(std::span<const std::string_view> optional = {});

 private:
  void move_entries(std::span<const std::string_view> optional) const;

  std::filesystem::path folder_, path_;
  bool inside_;  // folder_ exists
};

/// Creates a folder and its parents; Error(resource) when that fails.
void make_folder(const std::filesystem::path& dir);

}  // namespace leto
