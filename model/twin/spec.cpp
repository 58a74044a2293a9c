#include "model/twin/spec.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/errors.h"
#include "model/twin/blocks.h"

namespace leto::model {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw Error(ExitCode::usage, fmt::format("--twin {}: {}", text, why),
              "write --twin 'INSTANCE=model|rtl|check', such as 'pe[1].matrix_engine=check:every=4', "
              "'pe[*].matrix_engine=check:inject=c_data@100' or "
              "'pe[1].reduction_engine=check:block=FILE.toml' (no : or , in its name)");
}

std::uint64_t number(const std::string& text, const std::string& digits, std::uint64_t least) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < least)
    refuse(text, fmt::format("\"{}\" is no whole number from {}", digits, least));
  return value;
}

TwinSpec::Fault fault(const std::string& text, const std::string& value) {
  const auto at = value.find('@');
  if (at == std::string::npos) refuse(text, "inject needs SIGNAL@CYCLE");
  return {value.substr(0, at), number(text, value.substr(at + 1), 0)};
}

// Which signals a foreign block has its descriptor's level says: Twins looks there.
void check_signal(const std::string& text, const TwinSpec& spec) {
  if (!spec.inject || !spec.block.empty()) return;
  const std::string& signal = spec.inject->signal;
  std::string all;
  for (const TwinBlockRow& block : kTwinBlocks) {
    if (std::find(block.signals.begin(), block.signals.end(), signal) != block.signals.end()) return;
    all += fmt::format("; of a {} {}", block.name, fmt::join(block.signals, ", "));
  }
  refuse(text, fmt::format("no signal \"{}\" is compared{}", signal, all));
}

void option(const std::string& text, const std::string& word, TwinSpec& spec) {
  const auto equals = word.find('=');
  const std::string key = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (spec.mode == TwinMode::model || (spec.mode == TwinMode::rtl && key != "block"))
    refuse(text, "only check takes options, and rtl takes block");
  if (key == "block" && value.empty()) refuse(text, "block needs the descriptor's file");
  if (key == "block")
    spec.block = value;
  else if (key == "every")
    spec.every = number(text, value, 1);
  else if (key == "inject")
    spec.inject = fault(text, value);
  else
    refuse(text, fmt::format("unknown option \"{}\"; there are every, inject and block", key));
}

TwinMode mode_of(const std::string& text, const std::string& word) {
  if (word == "model") return TwinMode::model;
  if (word == "rtl") return TwinMode::rtl;
  if (word == "check") return TwinMode::check;
  refuse(text, fmt::format("unknown mode \"{}\"", word));
}

}  // namespace

TwinSpec parse_twin(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) refuse(text, "no INSTANCE=MODE");
  TwinSpec spec;
  bool sampled = false;
  spec.pattern = text.substr(0, equals);
  std::size_t from = equals + 1;
  for (bool first = true; from <= text.size(); first = false) {
    const std::size_t to = std::min(text.find_first_of(":,", from), text.size());
    const std::string word = text.substr(from, to - from);
    if (first)
      spec.mode = mode_of(text, word);
    else
      option(text, word, spec);
    sampled |= word.starts_with("every") || word.starts_with("inject");
    from = to + 1;
  }
  check_signal(text, spec);
  spec.budgeted = spec.mode == TwinMode::check && !sampled;
  return spec;
}

}  // namespace leto::model
