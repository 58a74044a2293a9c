#include "model/pe/index_flow.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "isa/command.h"

namespace leto::model {
namespace {

using isa::Instruction;
using isa::Opcode;

bool moves(const Instruction& i) {
  return i.opcode == Opcode::transpose || i.opcode == Opcode::copy;
}

/// Barriers in the code before each instruction, and behind the last.
std::vector<int> barriers_before(const std::vector<Instruction>& code) {
  std::vector<int> before(code.size() + 1, 0);
  for (std::size_t pc = 0; pc < code.size(); ++pc)
    before[pc + 1] = before[pc] + (code[pc].opcode == Opcode::barrier ? 1 : 0);
  return before;
}

/// What the definitions of all buffers hold, each from one on until the next: numbers of sets that are united
/// where a loop joins them.
class Lifetimes {
 public:
  explicit Lifetimes(const isa::Program& program) {
    for (int core = 0; core < isa::kCores; ++core) before_[at(core)] = barriers_before(program.code[core]);
    const bool alike = before_[0].back() == before_[1].back();
    for (auto& before : before_)
      if (!alike) std::ranges::fill(before, 0);
    for (int core = 0; core < isa::kCores; ++core)
      for (std::size_t pc = 0; pc < program.code[core].size(); ++pc)
        if (const Instruction& i = program.code[core][pc]; i.opcode == Opcode::buffer)
          defined_[at(static_cast<int>(i.field[isa::buffer_t::id]))].push_back(before_[at(core)][pc]);
    int first = 0;
    for (std::size_t b = 0; b < defined_.size(); ++b) {
      std::ranges::sort(defined_[b]);
      first_[b] = first;
      first += static_cast<int>(defined_[b].size()) + 1;
    }
    parent_.resize(at(first));
    std::iota(parent_.begin(), parent_.end(), 0);
    for (int core = 0; core < isa::kCores; ++core) unite_loops(program.code[core], core);
  }

  std::size_t count() const { return parent_.size(); }
  std::size_t of(std::int64_t buffer, int core, std::size_t pc) const {
    return at(root(seen(at(static_cast<int>(buffer)), before_[at(core)][pc])));
  }

 private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }
  int seen(std::size_t buffer, int barriers) const {
    const auto& defined = defined_[buffer];
    return first_[buffer] + static_cast<int>(std::ranges::upper_bound(defined, barriers) - defined.begin());
  }
  int root(int one) const {
    while (parent_[at(one)] != one) one = parent_[at(one)];
    return one;
  }
  void unite_loops(const std::vector<Instruction>& code, int core) {
    for (std::size_t pc = 0; pc < code.size(); ++pc) {
      if (code[pc].opcode != Opcode::loop) continue;
      const auto end =
          std::min(code.size(), pc + 1 + static_cast<std::size_t>(code[pc].field[isa::loop_t::length]));
      for (std::size_t b = 0; b < defined_.size(); ++b)
        parent_[at(root(seen(b, before_[at(core)][end])))] = root(seen(b, before_[at(core)][pc]));
    }
  }

  std::array<std::vector<int>, isa::kCores> before_;
  std::array<std::vector<int>, isa::kBuffers> defined_;  // barriers before each definition
  std::array<int, isa::kBuffers> first_{};               // number of what holds before any
  std::vector<int> parent_;
};

}  // namespace

IndexFlow::IndexFlow(const isa::Program& program) {
  const Lifetimes lifetimes(program);
  std::vector<char> marked(lifetimes.count(), 0);
  const auto each = [&](auto visit) {
    for (int core = 0; core < isa::kCores; ++core)
      for (std::size_t pc = 0; pc < program.code[core].size(); ++pc) visit(core, pc, program.code[core][pc]);
  };
  each([&](int core, std::size_t pc, const Instruction& i) {
    if (i.opcode == Opcode::gather) marked[lifetimes.of(i.field[isa::gather_t::index], core, pc)] = 1;
    if (i.opcode == Opcode::scatter) marked[lifetimes.of(i.field[isa::scatter_t::index], core, pc)] = 1;
    if (i.opcode == Opcode::spread) marked[lifetimes.of(i.field[isa::spread_t::src], core, pc)] = 1;
    if (isa::is_sort(i.opcode))
      for (const int buffer : {isa::copy_t::dst, isa::copy_t::src})
        marked[lifetimes.of(i.field[buffer], core, pc)] = 1;
  });
  for (bool changed = true; changed;) {
    changed = false;
    each([&](int core, std::size_t pc, const Instruction& i) {
      if (!moves(i) || !marked[lifetimes.of(i.field[isa::copy_t::dst], core, pc)]) return;
      char& source = marked[lifetimes.of(i.field[isa::copy_t::src], core, pc)];
      changed |= !std::exchange(source, char{1});
    });
  }
  for (int core = 0; core < isa::kCores; ++core)
    carries_[static_cast<std::size_t>(core)].assign(program.code[core].size(), 0);
  each([&](int core, std::size_t pc, const Instruction& i) {
    const bool loads = i.opcode == Opcode::load;
    if (!loads && !moves(i)) return;
    const std::int64_t to = loads ? i.field[isa::load_t::dst] : i.field[isa::copy_t::dst];
    carries_[static_cast<std::size_t>(core)][pc] = marked[lifetimes.of(to, core, pc)];
  });
}

}  // namespace leto::model
