// leto zoo: writes a workload as ONNX.
#include <CLI/CLI.hpp>
#include <memory>

#include "apps/host/output.h"
#include "apps/verbs/verbs.h"
#include "apps/zoo/catalogue.h"
#include "base/errors.h"
#include "base/files.h"

namespace leto::verbs {
namespace {

struct ZooFlags {
  bool list = false, json = false;
  std::string dtype, output;
  std::uint64_t seed = 1;
  std::map<std::string, std::int64_t, std::less<>> settings;  // of the workload that was named
};

void list(const ZooFlags& flags) {
  if (flags.json) {
    auto document = nlohmann::json::array();
    for (const auto& workload : zoo::workloads()) {
      auto settings = nlohmann::json::object();
      for (const auto& setting : workload.settings) settings[std::string(setting.name)] = setting.otherwise;
      document.push_back({{"name", workload.name},
                          {"about", workload.doc},
                          {"built", workload.build != nullptr},
                          {"settings", settings},
                          {"dtype", name_of(workload.dtype)}});
    }
    return host::print_json(document);
  }
  for (const auto& workload : zoo::workloads())
    fmt::print("{:<12} {}{}\n", workload.name, workload.doc, workload.build ? "" : " (not yet)");
}

DType dtype_of(const zoo::Workload& workload, const std::string& name) {
  if (name.empty()) return workload.dtype;
  const auto dtype = dtype_from_name(name == "fp8" ? "fp8_e4m3" : name);
  if (!dtype || !is_float(*dtype))
    throw Error(ExitCode::usage, fmt::format("zoo {}: no element type '{}'", workload.name, name),
                "give --dtype bf16, fp16, fp32 or fp8");
  return *dtype;
}

void write(const zoo::Workload& workload, const ZooFlags& flags) {
  const auto model = zoo::build(workload, {flags.settings, dtype_of(workload, flags.dtype), flags.seed});
  if (flags.output.empty())
    throw Error(ExitCode::usage, fmt::format("zoo {}: no output file", workload.name), "add -o model.onnx");
  std::string bytes;
  if (!model.SerializeToString(&bytes))
    throw Error(ExitCode::internal, "the model does not serialise",
                "this is a defect of leto: please report it");
  write_atomically(flags.output, bytes);
  if (flags.json)
    return host::print_json({{"model", workload.name},
                             {"file", flags.output},
                             {"nodes", model.graph().node_size()},
                             {"bytes", bytes.size()}});
  fmt::print("{}: {} nodes, {} bytes\n", flags.output, model.graph().node_size(), bytes.size());
}

void add_workload(CLI::App& zoo_verb, const zoo::Workload& workload, const std::shared_ptr<ZooFlags>& flags) {
  auto* sub = zoo_verb.add_subcommand(std::string(workload.name), std::string(workload.doc));
  sub->fallthrough();  // -o and the other common options may follow the workload's own
  std::string example = fmt::format("example:\n  leto zoo {}", workload.name);
  for (const auto& setting : workload.settings) {
    const auto name = std::string(setting.name), option = "--" + name;
    if (setting.flag) {
      sub->add_flag_callback(
          option, [flags, name] { flags->settings[name] = 1; }, std::string(setting.doc));
    } else {
      sub->add_option_function<std::int64_t>(
          option, [flags, name](const std::int64_t& value) { flags->settings[name] = value; },
          fmt::format("{} (default {})", setting.doc, setting.otherwise));
      example += fmt::format(" {} {}", option, setting.otherwise);
    }
  }
  sub->footer(example + fmt::format(" -o {}.onnx", workload.name));
  sub->callback([flags, &workload] {
    for (const auto& setting : workload.settings)
      flags->settings.try_emplace(std::string(setting.name), setting.otherwise);
    write(workload, *flags);
  });
}

}  // namespace

void add_zoo(CLI::App& app) {
  auto flags = std::make_shared<ZooFlags>();
  auto* verb = app.add_subcommand("zoo", "write a workload as ONNX");
  verb->add_flag("--list", flags->list, "name the workloads");
  verb->add_flag("--json", flags->json, "one JSON document on stdout");
  verb->add_option("--dtype", flags->dtype, "bf16, fp16, fp32 or fp8: of inputs, weights and activations");
  verb->add_option("--seed", flags->seed, "of the weights stored in the file (default 1)");
  verb->add_option("-o,--output", flags->output, "the file to write");
  verb->footer("example:\n  leto zoo gpt2-small --batch 8 --seq 1024 -o gpt2.onnx\n  leto zoo --list");
  for (const auto& workload : zoo::workloads()) add_workload(*verb, workload, flags);
  verb->require_subcommand(0, 1);
  verb->callback([flags, verb] {
    if (!verb->get_subcommands().empty()) return;
    if (!flags->list) throw Error(ExitCode::usage, "zoo: no workload named", "leto zoo --list names them");
    list(*flags);
  });
}

}  // namespace leto::verbs
