// leto asm, leto disasm: programs as text.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "base/files.h"
#include "isa/program.h"

namespace leto::verbs {
namespace {

constexpr std::uint64_t kTextLimit = std::uint64_t{1} << 30;

struct AsmFlags {
  bool json = false;
  std::string input, output;
};

nlohmann::json summary(const isa::Program& program) {
  return {{"name", program.name},
          {"chip", program.chip},
          {"instructions", {program.code[0].size(), program.code[1].size()}},
          {"tensors", program.tensors.size()},
          {"sources", program.sources.size()}};
}

void assemble(const AsmFlags& flags) {
  const auto program = isa::assemble(read_text(flags.input, kTextLimit), flags.input);
  isa::save(program, flags.output);
  if (flags.json) return host::print_json(summary(program));
  fmt::print("{}: {} + {} instructions\n", flags.output, program.code[0].size(), program.code[1].size());
}

void disassemble(const AsmFlags& flags) {
  const auto program = isa::load(flags.input);
  if (flags.json) return host::print_json(summary(program));
  const auto text = isa::disassemble(program);
  if (flags.output.empty())
    fmt::print("{}", text);
  else
    write_atomically(flags.output, text);
}

}  // namespace

void add_asm(CLI::App& app) {
  auto flags = std::make_shared<AsmFlags>();
  auto* assembler = app.add_subcommand("asm", "assemble a program from text");
  assembler->add_option("input", flags->input, "the assembler file")->required();
  assembler->add_option("-o,--output", flags->output, "the program file to write")->required();
  assembler->add_flag("--json", flags->json, "one JSON document on stdout");
  assembler->footer("example:\n  leto asm step.lasm -o step.prog");
  assembler->callback([flags] { assemble(*flags); });

  auto* disassembler = app.add_subcommand("disasm", "print a program as text that leto asm reads back");
  disassembler->add_option("input", flags->input, "the program file")->required();
  disassembler->add_option("-o,--output", flags->output, "write the text to a file instead of stdout");
  disassembler->add_flag("--json", flags->json, "a summary as one JSON document instead of the text");
  disassembler->footer("example:\n  leto disasm step.prog | less");
  disassembler->callback([flags] { disassemble(*flags); });
}

}  // namespace leto::verbs
