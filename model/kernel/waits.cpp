#include "model/kernel/waits.h"

#include <algorithm>
#include <map>

#include "base/errors.h"

namespace leto::model {
namespace {

constexpr std::size_t kShown = 10;

std::string operation_of(const isa::Program& program, std::uint32_t source) {
  if (source >= program.sources.size()) return "";
  return fmt::format(" of {} ({})", program.sources[source].operation, program.sources[source].phase);
}

std::string name(const Wait& wait) {
  return fmt::format("pe {} {}", wait.pe, wait.who);
}

constexpr std::size_t kNobody = ~std::size_t{0};

/// For each wait the one that would end it: the first other one that brings what it needs, else itself.
std::vector<std::size_t> edges(const std::vector<Wait>& waits) {
  std::map<Release, std::vector<std::size_t>> bringers;
  for (std::size_t i = 0; i < waits.size(); ++i)
    for (const Release& one : waits[i].brings) {
      auto& list = bringers[one];
      if (list.empty() || list.back() != i) list.push_back(i);
    }
  std::vector<std::size_t> next;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const auto found = bringers.find(waits[i].needs);
    if (found == bringers.end())
      next.push_back(kNobody);
    else
      next.push_back(found->second[0] == i && found->second.size() > 1 ? found->second[1] : found->second[0]);
  }
  return next;
}

/// The waits met by following the edges from the first: the last one's edge leads back into them, or to
/// nobody.
std::vector<std::size_t> chain(const std::vector<std::size_t>& next) {
  std::vector<std::size_t> met;
  for (std::size_t at = 0; at != kNobody && std::find(met.begin(), met.end(), at) == met.end(); at = next[at])
    met.push_back(at);
  return met;
}

std::string verdict(const std::vector<Wait>& waits, const std::vector<std::size_t>& next,
                    const std::vector<std::size_t>& met) {
  const Wait& last = waits[met.back()];
  if (next[met.back()] == kNobody)
    return fmt::format("cause: nobody brings what {} waits for, {}", name(last), last.what);
  std::string text = "cycle: ";
  for (auto at = std::find(met.begin(), met.end(), next[met.back()]); at != met.end(); ++at)
    text += name(waits[*at]) + " -> ";
  return text + name(waits[next[met.back()]]);
}

std::string line(const std::vector<Wait>& waits, std::size_t at, std::size_t next,
                 const isa::Program& program) {
  const Wait& wait = waits[at];
  const isa::Instruction& instruction = program.code[wait.core][wait.pc];
  return fmt::format("{} waits for {} since cycle {} at core {} pc {} `{}`{}; {} would end it", name(wait),
                     wait.what, wait.since, wait.core, wait.pc, isa::to_text(instruction),
                     operation_of(program, wait.source), next == kNobody ? "nobody" : name(waits[next]));
}

/// All waits, those of the chain first.
std::vector<std::size_t> order(std::size_t count, std::vector<std::size_t> met) {
  const std::size_t first = met.size();
  for (std::size_t i = 0; i < count; ++i)
    if (std::find(met.begin(), met.begin() + static_cast<std::ptrdiff_t>(first), i) ==
        met.begin() + static_cast<std::ptrdiff_t>(first))
      met.push_back(i);
  return met;
}

}  // namespace

void throw_deadlock(const std::vector<Wait>& waits, const isa::Program& program, Cycle at) {
  const std::vector<std::size_t> next = edges(waits), met = chain(next), shown = order(waits.size(), met);
  std::string text = fmt::format("deadlock at cycle {}: nothing can happen any more, and {} wait\n  {}", at,
                                 waits.size(), verdict(waits, next, met));
  for (std::size_t i = 0; i < std::min(shown.size(), kShown); ++i)
    text += "\n  " + line(waits, shown[i], next[shown[i]], program);
  if (waits.size() > kShown) text += fmt::format("\n  and {} more", waits.size() - kShown);
  throw Error(ExitCode::deadlock, text,
              "find the command that should have pushed, popped, posted or arrived: it was never issued, or "
              "waits too");
}

}  // namespace leto::model
