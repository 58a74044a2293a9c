// What verbs print: documents on stdout, progress on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace leto::host {

/// One JSON document, indented, and a newline.
void print_json(const nlohmann::json& document);

/// A progress line on stderr: a bar where the end is known, a note beside it. It shows only when stderr is a
/// terminal and the work has lasted a second, and takes itself off the screen when it goes.
class Progress {
 public:
  /// `total` 0: the end is not known, only the note and the elapsed time show.
  Progress(std::string_view what, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void update(std::int64_t done, std::string_view note);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::int64_t done, std::string_view note, Clock::time_point now);

  std::string what_;
  std::int64_t total_;
  bool terminal_, shown_ = false;
  Clock::time_point begin_, drawn_;
};

/// 1234567 -> "1.23 M"; for people, never for parsing.
std::string engineering(double value, std::string_view unit = "");

/// 0.00123 -> "1.23 ms".
std::string duration(double seconds);

}  // namespace leto::host
