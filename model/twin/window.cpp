#include "model/twin/window.h"

#include <vector>

#include "model/waves/fst_file.h"

namespace leto::model {
namespace {

std::string digits(int bits, std::uint64_t value) {
  std::string text(static_cast<std::size_t>(bits), '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 1)
    if ((value & 1) != 0) *digit = '1';
  return text;
}

}  // namespace

void TwinWindow::put(Cycle cycle, const std::string& name, int bits, std::uint64_t value) {
  if (cycle < frozen_ || !holds(cycle)) return;
  Signal& signal = signals_.try_emplace(name, Signal{bits, {}}).first->second;
  signal.values[cycle] = value;
}

std::optional<std::uint64_t> TwinWindow::value(Cycle cycle, const std::string& name) const {
  const auto signal = signals_.find(name);
  if (signal == signals_.end()) return std::nullopt;
  const auto at = signal->second.values.find(cycle);
  return at == signal->second.values.end() ? std::nullopt : std::optional(at->second);
}

void TwinWindow::write(const std::filesystem::path& path, const std::string& instance,
                   const std::string& comment) const {
  FstFile file(path, comment);
  std::vector<std::pair<std::uint32_t, const Signal*>> numbered;
  for (const auto& [name, signal] : signals_)
    numbered.emplace_back(file.vector(instance + "." + name, signal.bits), &signal);
  std::vector<std::string> shown(numbered.size());
  for (Cycle cycle = from_; cycle <= to_; ++cycle) {
    file.time(cycle);
    for (std::size_t i = 0; i < numbered.size(); ++i) {
      const auto& [number, signal] = numbered[i];
      const auto at = signal->values.find(cycle);
      std::string now = at == signal->values.end() ? std::string(static_cast<std::size_t>(signal->bits), 'x')
                                                   : digits(signal->bits, at->second);
      if (now == shown[i]) continue;
      file.vector_value(number, now);
      shown[i] = std::move(now);
    }
  }
  file.time(to_ + 1);
  file.publish();
}

}  // namespace leto::model
