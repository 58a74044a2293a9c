#include "study/report/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>

namespace leto::study {
namespace {

bool digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

void add(std::map<std::string, std::uint64_t>& to, const std::map<std::string, std::uint64_t>& from) {
  for (const auto& [key, cycles] : from) to[key] += cycles;
}

void add(OperationRecord& to, const OperationRecord& op) {
  to.cycles += op.cycles;
  to.share += op.share;
  to.commands += op.commands;
  to.macs += op.macs;
  to.flops += op.flops;
  to.bytes += op.bytes;
  to.live_hbm = std::max(to.live_hbm, op.live_hbm);
  to.live_sram = std::max(to.live_sram, op.live_sram);
  if (op.first && (!to.first || *op.first < *to.first)) to.first = op.first;
  if (op.last && (!to.last || *op.last > *to.last)) to.last = op.last;
  add(to.busy, op.busy);
  add(to.stalls, op.stalls);
}

}  // namespace

std::string structure_of(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size();) {
    std::size_t end = i;
    while (end < name.size() && digit(name[end])) ++end;
    const bool layer = end > i && end < name.size() && name[end] == '.';
    out += layer ? "*" : name.substr(i, std::max<std::size_t>(end - i, 1));
    i = std::max(end, i + 1);
  }
  return out;
}

std::vector<Fold> folds(const Record& record) {
  std::vector<Fold> out;
  std::map<std::tuple<std::string, std::string, std::string, std::int64_t, std::int64_t>, std::size_t> place;
  for (const OperationRecord& op : record.ops) {
    const std::tuple key(structure_of(op.name), op.kind, op.phase, op.flops, op.commands);
    const auto [at, first] = place.emplace(key, out.size());
    if (first) {
      out.push_back({op, {&op}});
      continue;
    }
    Fold& fold = out[at->second];
    const auto longest = std::ranges::max_element(fold.members, {}, &OperationRecord::cycles);
    if (op.cycles > (*longest)->cycles) fold.sum.bound_by = op.bound_by;
    add(fold.sum, op);
    fold.members.push_back(&op);
  }
  for (Fold& fold : out)
    if (fold.members.size() > 1)
      fold.sum.name = fmt::format("{} (x {})", structure_of(fold.sum.name), fold.members.size());
  return out;
}

Record folded(const Record& record) {
  Record out = record;
  out.ops.clear();
  for (Fold& fold : folds(record)) out.ops.push_back(std::move(fold.sum));
  if (out.energy_j) {
    out.energy_j->by_operation.clear();
    for (const auto& [name, joules] : record.energy_j->by_operation)
      out.energy_j->by_operation[structure_of(name)] += joules;
  }
  return out;
}

}  // namespace leto::study
