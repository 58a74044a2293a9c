#include "study/decide/audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "study/table_reader.h"

namespace leto::study {
namespace {

constexpr std::size_t kLongestName = 60;

/// A workload's name as a file's: letters, digits, '-', '_' and '.'.
std::string file_name(const std::string& workload) {
  std::string out = workload.substr(0, kLongestName);
  for (char& c : out)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  return out;
}

void add_folder(std::vector<ArchivedFile>& files, const std::string& folder) {
  for (const std::string& stem : toml_stems(study_data(folder)))
    files.push_back({folder + "/" + stem + ".toml", read_text(study_data(folder) / (stem + ".toml"))});
}

std::string readme(const std::vector<Evidence>& records) {
  std::string out =
      "# Audit bundle of a decision\n\nTo decide again with the same version of leto (same bytes):\n\n"
      "    leto decide criteria.toml records/*.json --out again\n"
      "    diff decision.json again/decision.json     (the paths of the records may differ)\n\n"
      "tables/ and baselines/ are the facts that the version carried; hashes.txt has the FNV-1a hash of each "
      "file\n"
      "here. FNV-1a finds damage and mix-ups, not forgery.\n\n"
      "| record | workload | chip | config hash | program hash | seed | steps | fidelity | leto |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const Evidence& e : records) {
    const Record& r = e.record;
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", e.path, r.workload, r.chip,
                       r.config_hash, r.program_hash, r.seed, r.steps, r.fidelity, r.commit);
  }
  out +=
      "\nTo make a record again: `leto run MODEL --chip CHIP --train RECIPE --seed SEED --values off --out "
      "DIR` at\n"
      "that commit, then `leto diff --exact`. Recipes as the records hold them:\n";
  for (const Evidence& e : records)
    out += fmt::format("\n{} of {}:\n\n```\n{}\n```\n",
                       e.record.recipe.empty() ? "No recipe (forward)" : "Recipe", e.record.workload,
                       e.record.recipe);
  return out;
}

}  // namespace

std::vector<ArchivedFile> audit_files(const std::string& criteria_path, const std::vector<Evidence>& records,
                                      const std::vector<ArchivedFile>& pages) {
  std::vector<ArchivedFile> files = {{"README.md", readme(records)},
                                     {"criteria.toml", read_text(criteria_path)}};
  for (const Evidence& e : records)
    files.push_back({"records/" + file_name(e.record.workload) + ".json", to_json(e.record)});
  add_folder(files, "tables");
  add_folder(files, "baselines");
  files.insert(files.end(), pages.begin(), pages.end());
  std::string hashes;
  for (const ArchivedFile& file : files)
    hashes += fmt::format("{:016x}  {}\n", fnv1a(file.content), file.name);
  files.push_back({"hashes.txt", hashes});
  return files;
}

}  // namespace leto::study
