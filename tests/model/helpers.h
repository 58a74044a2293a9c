// Runs programs on the model in child processes: SystemC allows one simulation a process, a test often needs
// several.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "isa/interp.h"
#include "isa/program.h"
#include "model/simulation.h"

namespace leto::model::test {

/// What a run left: statistics flattened to "name value", or the error.
struct Outcome {
  int code = 0;
  std::string error;
  std::map<std::string, std::uint64_t> number;
  std::string output;  // hexadecimal content of the region asked for

  std::uint64_t operator[](const std::string& key) const {
    const auto found = number.find(key);
    return found == number.end() ? 0 : found->second;
  }
  /// Cycles from begin to end of operation `id`.
  std::uint64_t span(int id) const {
    const std::string prefix = "operation." + std::to_string(id);
    return (*this)[prefix + ".last"] - (*this)[prefix + ".first"];
  }
};

struct Region {
  std::uint64_t address = 0;
  std::size_t bytes = 0;
};

struct Setup {
  ChipConfig chip = load_chip("tiny");
  RunOptions options;
  std::function<void(isa::Memory&)> fill = [](isa::Memory&) {};
  Region output;
  int steps = 1;
  /// Adds "name value" lines to the outcome, in the process that ran.
  std::function<void(std::ostream&)> tell = [](std::ostream&) {};
};

/// A chip with free issue, which the chip file does not allow.
inline Setup free_issue(Setup setup) {
  setup.chip.command_processor.issue_cycles = 0;
  return setup;
}

inline std::string hex(isa::Memory& memory, const Region& region) {
  std::vector<std::byte> bytes(region.bytes);
  memory.read(region.address, bytes.data(), bytes.size());
  std::string text;
  for (std::byte b : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

inline void flatten(const Statistics& s, std::ostream& out) {
  out << "cycles " << s.cycles << "\ncommands " << s.commands << "\nmacs " << s.macs << "\ninstructions "
      << s.instructions << "\nbursts " << s.bursts << "\n";
  for (const auto& [name, count] : s.counters) out << name << " " << count << "\n";
  for (const auto& [name, e] : s.engines) {
    out << name << ".busy " << e.busy << "\n" << name << ".idle " << e.idle << "\n";
    out << name << ".instances " << e.instances << "\n";
    for (const auto& [cause, cycles] : e.causes) out << name << "." << cause << " " << cycles << "\n";
  }
  for (const auto& [name, t] : s.bytes)
    out << name << ".read " << t.read << "\n" << name << ".write " << t.write << "\n";
  for (std::size_t i = 0; i < s.operations.size(); ++i) {
    const OperationAccount& o = s.operations[i];
    out << "operation." << i << ".first " << o.first_cycle << "\noperation." << i << ".last " << o.last_cycle
        << "\noperation." << i << ".commands " << o.commands << "\noperation." << i << ".bytes " << o.bytes
        << "\n";
    for (const auto& [key, cycles] : o.stalls)
      out << "operation." << i << "." << key << " " << cycles << "\n";
    for (const auto& [key, cycles] : o.busy)
      out << "operation." << i << "." << key << ".busy " << cycles << "\n";
  }
}

/// The child's side: runs and describes the outcome as text.
inline std::string simulate(const isa::Program& program, const Setup& setup) {
  std::ostringstream out;
  try {
    Simulation simulation(program, setup.chip, setup.options);
    setup.fill(simulation.memory());
    for (int step = 0; step < setup.steps; ++step) simulation.step();
    simulation.publish();
    flatten(simulation.statistics(), out);
    setup.tell(out);
    out << "output " << hex(simulation.memory(), setup.output) << "\n";
  } catch (const Error& error) {
    out.str("");
    std::string cause = error.what();
    for (char& c : cause) c = c == '\n' ? '|' : c;
    out << "error " << static_cast<int>(error.code()) << " " << cause << "\n";
  }
  return out.str();
}

inline Outcome parse(const std::string& text) {
  Outcome outcome;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "error") {
      words >> outcome.code;
      std::getline(words, outcome.error);
    } else if (key == "output") {
      words >> outcome.output;
    } else {
      words >> outcome.number[key];
    }
  }
  return outcome;
}

inline Outcome run(const isa::Program& program, const Setup& setup = {}) {
  int ends[2];
  if (pipe(ends) != 0) throw Error(ExitCode::resource, "no pipe", "free file descriptors");
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = simulate(program, setup);
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t n = write(ends[1], text.data() + done, text.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0)
    throw Error(ExitCode::internal, fmt::format("child ended with status {}", status), "debug it");
  return parse(text);
}

/// Assembles `text` with `sources` operations declared.
inline isa::Program program(const std::string& text, int sources = 4) {
  std::string head = ".name \"test\"\n.chip \"tiny\"\n";
  for (int i = 0; i < sources; ++i)
    head += fmt::format(".source \"op{}\" kind=\"test\" phase=\"forward\" useful_macs=0 dtype=\"\"\n", i);
  return isa::assemble(head + text, "test");
}

/// `set` instructions for the six shape registers from r`first` on.
inline std::string shape(int first, std::vector<std::int64_t> values) {
  std::string text;
  values.resize(isa::kShapeRegisters, 0);
  for (std::size_t i = 0; i < values.size(); ++i)
    text += fmt::format("set rd=r{} value={}\n", first + static_cast<int>(i), values[i]);
  return text;
}

/// A ramp of `count` elements of `type` with small, exactly represented values.
inline void ramp(isa::Memory& memory, std::uint64_t address, DType type, std::int64_t count, int seed) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count * size_of(type)));
  for (std::int64_t i = 0; i < count; ++i)
    store_element(type, bytes.data(), i, static_cast<float>((i * 7 + seed) % 13 - 6));
  memory.write(address, bytes.data(), bytes.size());
}

/// The same program in the untimed interpreter: its output and counts.
inline Outcome golden(const isa::Program& program, const Setup& setup) {
  isa::Memory memory;
  setup.fill(memory);
  const auto result = isa::interpret(program, {setup.chip.pe.rows, setup.chip.pe.columns},
                                     setup.chip.local_store.bytes, setup.chip.reduction_engine.banks, memory);
  Outcome outcome;
  outcome.number["commands"] = static_cast<std::uint64_t>(result.commands);
  outcome.number["macs"] = static_cast<std::uint64_t>(result.macs);
  outcome.output = hex(memory, setup.output);
  return outcome;
}

}  // namespace leto::model::test
