#include "model/twin/finding.h"

namespace leto::model {

std::string Finding::text() const {
  std::string line =
      fmt::format("twin {}: first difference at cycle {} (compared cycle {}), {}: model {}, rtl {}; {}",
                  instance, cycle, compared_cycle, signal, model, rtl, story.command);
  if (story.operation != kForNone) line += " of " + story.operation;
  if (!story.doing.empty()) line += ", " + story.doing;
  if (!story.inputs.empty()) line += "; inputs: " + story.inputs;
  return line + fmt::format("; seed {}", seed);
}

TwinMismatch::TwinMismatch(Finding finding, std::shared_ptr<const TwinLog> log)
    : Error(ExitCode::mismatch, finding.text(),
            finding.planted
                ? "the fault was planted by inject: leave it out"
                : "the model, rtl/ or Verilator is wrong; docs/why/013-rtl-twins.md says how to tell"),
      finding_(std::move(finding)),
      log_(std::move(log)) {}

}  // namespace leto::model
