// An FST wave file (GTKWave, Surfer) being written, by the optional library `fst` (cmake/fst.cmake).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"

namespace leto::model {

class FstFile {
 public:
  /// Signal names are hierarchical, with dots. Throws Error(unsupported) in a build without the library.
  FstFile(const std::filesystem::path& path, const std::string& comment);
  ~FstFile();

  /// Declare signals in the order of their names; the answer is the signal's number for value().
  std::uint32_t text(const std::string& name);
  std::uint32_t count(const std::string& name);
  std::uint32_t vector(const std::string& name, int bits);
  /// Dates may not go back.
  void time(std::uint64_t cycle);
  void value(std::uint32_t signal, const std::string& text);
  void value(std::uint32_t signal, std::uint32_t count);
  /// Of a vector: a 0, 1 or x for each bit, highest first.
  void vector_value(std::uint32_t signal, const std::string& digits);
  /// Ends the file and puts it in its place.
  void publish();

  /// Does this build have the library?
  static bool supported();

 private:
  void enter(const std::string& name);
  void close();

  PendingFile file_;
  void* context_ = nullptr;
  std::vector<std::string> scopes_;  // open ones
};

}  // namespace leto::model
