#include "apps/host/tune_database.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "leto_version.h"

namespace leto::host {
namespace {

constexpr std::string_view kHeader =
    "leto tune database 1: chip, compiler, kernel, candidates, cycles, check";
// Operands lie elsewhere in a whole program than in a measurement, which moves its cycles by less than this.
constexpr double kLeastGain = 0.005;

std::string check_of(std::string_view line) {
  return fmt::format("{:08x}", crc32(std::as_bytes(std::span(line))));
}

std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> fields(1);
  for (const char c : line)
    if (c == at)
      fields.emplace_back();
    else
      fields.back() += c;
  return fields;
}

template <class Number>
bool parse(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [ptr, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && ptr == end && !text.empty();
}

}  // namespace

int Measured::choice() const {
  const auto fastest = std::min_element(cycles.begin(), cycles.end());
  const bool worth = double(*fastest) < double(cycles.front()) * (1 - kLeastGain);
  return worth ? int(fastest - cycles.begin()) : 0;
}

TuneDatabase::TuneDatabase(std::filesystem::path path, const ChipConfig& chip)
    : path_(std::move(path)),
      chip_(fmt::format("{:016x}", config_hash(chip))),
      compiler_(LETO_VERSION "-" LETO_COMMIT),
      entries_(read()) {}

const Measured* TuneDatabase::find(const std::string& kernel, int candidates) const {
  const auto found = entries_.find(key(kernel));
  if (found == entries_.end() || found->second.asked < candidates) return nullptr;
  return &found->second;
}

TuneDatabase::Entries TuneDatabase::read() const {
  Entries entries;
  if (path_.empty() || !std::filesystem::exists(path_)) return entries;
  const std::vector<std::string> lines = split(read_text(path_), '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto refuse = [&](const char* what) {
      return Error(ExitCode::bad_input, fmt::format("{}:{}: {}", path_.string(), i + 1, what),
                   "delete the file and tune again with --autotune N");
    };
    const std::string& line = lines[i];
    if (i == 0 && line != kHeader) throw refuse("this is no tune database of this version of leto");
    if (i + 1 == lines.size() && !line.empty()) throw refuse("the last line is cut short");
    if (i == 0 || line.empty()) {
      if (line.empty() && i + 1 != lines.size()) throw refuse("an empty line");
      continue;
    }
    const auto tab = line.rfind('\t');
    const auto fields = split(line, '\t');
    Measured m;
    if (fields.size() != 6 || check_of(line.substr(0, tab)) != fields[5])
      throw refuse("the line is damaged: its check does not match");
    bool good = parse(fields[3], m.asked);
    for (const std::string& text : split(fields[4], ',')) good = parse(text, m.cycles.emplace_back()) && good;
    if (!good || m.cycles.size() > std::size_t(std::max(m.asked, 0))) throw refuse("not a kernel's cycles");
    if (!entries.emplace(Key{fields[0], fields[1], fields[2]}, m).second)
      throw refuse("the kernel is there twice");
  }
  return entries;
}

void TuneDatabase::add(const std::string& kernel, Measured measured) {
  entries_[key(kernel)] = std::move(measured);
  if (path_.empty()) return;
  entries_.merge(read());
  std::string text = std::string(kHeader) + "\n";
  for (const auto& [key, m] : entries_) {
    const auto& [chip, compiler, name] = key;
    const std::string line =
        fmt::format("{}\t{}\t{}\t{}\t{}", chip, compiler, name, m.asked, fmt::join(m.cycles, ","));
    text += fmt::format("{}\t{}\n", line, check_of(line));
  }
  write_atomically(path_, text);
}

}  // namespace leto::host
