// Trainings with twins, through the binary: what two of them left compared, and a mismatch replayed.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {

/// An MLP on digits, 20 steps.
inline std::string training(const Folder& folder, const std::string& chip) {
  must(folder, "zoo mlp --batch 32 -o m.onnx");
  write(folder / "r.toml",
        "optimizer = \"momentum\"\nloss = \"cross_entropy\"\nlr = 0.05\nbatch = 32\nsteps = 20\n"
        "data = \"digits\"\n");
  return "run m.onnx --train r.toml --values on --chip " + chip;
}

inline nlohmann::json record(const fs::path& out) {
  return nlohmann::json::parse(read(out / "record.json"));
}

/// `a` and `b` hold the same values, bit for bit.
inline void same_values(const fs::path& a, const fs::path& b) {
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(a / "values")) {
    ++compared;
    CHECK_MESSAGE(read(entry.path()) == read(b / "values" / entry.path().filename()), entry.path().string());
  }
  CHECK(compared > 0);
}

/// What a mismatch in `run` left in `out`: replayed alone it is the same.
inline void replayed(const Folder& folder, const fs::path& out, const std::string& instance,
                     const std::string& stderr_of_run) {
  const std::string stem = (out / "twins" / instance).string();
  const auto finding = nlohmann::json::parse(read(folder / (stem + ".json")));
  CHECK(stderr_of_run.find("leto twin replay '" + stem + ".twin'") != std::string::npos);
  for (const char* key : {"operation", "command", "model", "rtl", "program_hash", "rtl_hash", "config_hash"})
    CHECK_MESSAGE(!finding[key].get<std::string>().empty(), key);
  const auto again = leto(folder, "twin replay '" + stem + ".twin' --waves w.fst");
  check_refused(again, 8,
                "first difference at cycle " + finding["cycle"].dump() + " (compared cycle " +
                    finding["compared_cycle"].dump() + "), " + finding["signal"].get<std::string>());
  CHECK(again.out.find("the run's difference again, at the same cycle") != std::string::npos);
  CHECK(read(folder / "w.fst").size() > 100);
  const auto json = leto(folder, "twin replay '" + stem + ".twin' --json");
  CHECK(nlohmann::json::parse(json.out) == finding);
}

}  // namespace leto::e2e
