// leto chips: the presets and their bounds.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "arch/chip_config.h"
#include "base/errors.h"

namespace leto::verbs {
namespace {

struct ChipsFlags {
  bool json = false;
  std::string show;
  std::vector<std::string> set;
};

nlohmann::json describe(const ChipConfig& chip) {
  return {{"name", chip.name},
          {"description", chip.description},
          {"rows", chip.pe.rows},
          {"columns", chip.pe.columns},
          {"clock_mhz", chip.pe.clock_mhz},
          {"peak_flops_16bit", peak_flops(chip, 2)},
          {"peak_flops_8bit", peak_flops(chip, 1)},
          {"memory_bytes", chip.hbm.bytes},
          {"memory_bytes_per_second", hbm_bytes_per_second(chip)},
          {"sram_bytes", chip.sram.bytes},
          {"sram_bytes_per_second", sram_bytes_per_second(chip)}};
}

void row(const ChipConfig& chip) {
  fmt::print(
      "{:<9} {:>2} x {:<2} PEs at {:.2f} GHz  {:>6.1f} TFLOP/s (16 bit)  memory {:>5.1f} GB at {:.3f} TB/s  "
      "{}\n",
      chip.name, chip.pe.rows, chip.pe.columns, chip.pe.clock_mhz * 1e-3, peak_flops(chip, 2) * 1e-12,
      static_cast<double>(chip.hbm.bytes) * 1e-9, hbm_bytes_per_second(chip) * 1e-12, chip.description);
}

void show_all(bool json) {
  auto document = nlohmann::json::array();
  for (const auto& name : chip_names()) {
    const auto chip = load_chip(name);
    if (json)
      document.push_back(describe(chip));
    else
      row(chip);
  }
  if (json) host::print_json(document);
}

}  // namespace

void add_chips(CLI::App& app) {
  auto flags = std::make_shared<ChipsFlags>();
  auto* verb = app.add_subcommand("chips", "list the chip presets, or print one as a chip file");
  verb->add_option("name", flags->show, "a preset or a chip file: print every key of it as TOML");
  verb->add_option("--set", flags->set, "section.key=value, changes one key")->allow_extra_args(false);
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->footer("example:\n  leto chips\n  leto chips pilot > mine.toml");
  verb->callback([flags] {
    if (flags->show.empty()) return show_all(flags->json);
    const auto chip = load_chip(flags->show, flags->set);
    if (flags->json) return host::print_json(describe(chip));
    fmt::print("{}", to_toml(chip));
  });
}

}  // namespace leto::verbs
