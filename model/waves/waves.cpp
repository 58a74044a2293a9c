#include "model/waves/waves.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace leto::model {

Waves::Waves(const std::filesystem::path& path, const std::vector<std::string>& patterns,
             const isa::Program& program, const ChipConfig& chip, std::size_t most_changes)
    : most_changes_(most_changes),
      signals_(patterns, program, chip),
      file_(path, fmt::format("1 ns is 1 PE cycle of {} ({} MHz)", chip.name, chip.pe.clock_mhz)),
      now_(signals_.chosen().size(), Signals::kNone) {
  for (const Signals::Signal& signal : signals_.chosen())
    numbers_.push_back(signal.is_state ? file_.text(signal.name) : file_.count(signal.name));
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    if (!signals_.chosen()[i].is_state) change(0, static_cast<int>(i), 0);
}

void Waves::change(Cycle at, int signal, int value) {
  if (!cut_ && changes_.size() >= most_changes_) cut_ = at;
  if (!cut_) changes_.push_back({at, signal, value});
}

void Waves::count(int signal, Cycle from, Cycle to) {
  if (signal == Signals::kNone || from == to) return;
  change(from, signal, 1);
  change(to, signal, -1);
}

void Waves::on_interval(Engine engine, int instance, State state, std::uint32_t, Cycle from, Cycle to) {
  end_ = std::max(end_, to);
  const int signal = signals_.state(engine, instance);
  if (signal == Signals::kNone) return;
  int& now = now_[static_cast<std::size_t>(signal)];
  if (now != static_cast<int>(state)) change(from, signal, static_cast<int>(state));
  now = static_cast<int>(state);
}

void Waves::on_command(const CommandLife& life) {
  count(signals_.queue(life.pe, life.unit), life.issued, life.begun);
}

void Waves::on_memory(const MemoryAccess& access) {
  count(signals_.memory(access.memory, access.unit), access.asked, access.done);
}

void Waves::on_buffer(int pe, int buffer, std::int64_t tiles, Cycle at) {
  const int signal = signals_.buffer(pe, buffer);
  if (signal == Signals::kNone) return;
  int& now = now_[static_cast<std::size_t>(signal)];
  const int before = std::max(now, 0);
  now = static_cast<int>(tiles);
  if (now != before) change(at, signal, now - before);
}

/// Writes the changes of one signal in one cycle, from changes_[next] on, as one.
void Waves::write(std::size_t& next) {
  const Change first = changes_[next];
  const auto signal = static_cast<std::size_t>(first.signal);
  const bool is_state = signals_.chosen()[signal].is_state;
  int& value = now_[signal];
  const int before = value;
  for (; next < changes_.size() && changes_[next].at == first.at && changes_[next].signal == first.signal;
       ++next)
    value = is_state ? changes_[next].value : std::max(value, 0) + changes_[next].value;
  if (value == before) return;
  if (is_state)
    file_.value(numbers_[signal], std::string(name_of(static_cast<State>(value))));
  else
    file_.value(numbers_[signal], static_cast<std::uint32_t>(value));
}

void Waves::publish() {
  std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
    return std::tie(a.at, a.signal) < std::tie(b.at, b.signal);
  });
  std::fill(now_.begin(), now_.end(), Signals::kNone);
  for (std::size_t next = 0; next < changes_.size();) {
    if (next == 0 || changes_[next].at != changes_[next - 1].at) file_.time(changes_[next].at);
    write(next);
  }
  if (const Cycle end = cut_.value_or(end_); changes_.empty() || end > changes_.back().at) file_.time(end);
  file_.publish();
}

}  // namespace leto::model
