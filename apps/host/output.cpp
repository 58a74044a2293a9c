#include "apps/host/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace leto::host {

void print_json(const nlohmann::json& document) {
  // names of an input file need not be UTF-8, JSON must be
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Progress::Progress(std::string_view what, std::int64_t total)
    : what_(what),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_(Clock::now()),
      drawn_(begin_) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::update(std::int64_t done, std::string_view note) {
  using namespace std::chrono_literals;
  const auto now = Clock::now();
  if (!terminal_ || now - begin_ < 1s || (now - drawn_ < 100ms && done != total_)) return;
  draw(done, note, now);
}

void Progress::draw(std::int64_t done, std::string_view note, Clock::time_point now) {
  constexpr int kWidth = 30;
  const auto seconds = std::chrono::duration<double>(now - begin_).count();
  std::string bar;
  if (total_ > 0) {
    const auto filled = static_cast<std::size_t>(kWidth * done / total_);
    bar = fmt::format("[{:<{}}] {}/{} ", std::string(filled, '#'), kWidth, done, total_);
  }
  fmt::print(stderr, "\r\x1b[K{} {}{}  {:.0f} s", what_, bar, note, seconds);
  std::fflush(stderr);
  shown_ = true;
  drawn_ = now;
}

std::string engineering(double value, std::string_view unit) {
  constexpr std::array<std::string_view, 6> kPrefix = {"", "k", "M", "G", "T", "P"};
  std::size_t step = 0;
  while (std::abs(value) >= 1000.0 && step + 1 < kPrefix.size()) {
    value /= 1000.0;
    ++step;
  }
  return fmt::format("{:.3g} {}{}", value, kPrefix[step], unit);
}

std::string duration(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  return seconds >= 1e-3 ? fmt::format("{:.3g} ms", seconds * 1e3) : fmt::format("{:.3g} us", seconds * 1e6);
}

}  // namespace leto::host
