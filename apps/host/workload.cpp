#include "apps/host/workload.h"

#include <stdlib.h>

#include <filesystem>

#include "apps/host/child.h"
#include "apps/host/facts.h"
#include "apps/host/memory.h"
#include "apps/zoo/catalogue.h"
#include "base/errors.h"
#include "base/files.h"
#include "study/record.h"

namespace leto::host {
namespace {

/// A folder that goes when it is no longer needed.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "leto-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw Error(ExitCode::resource, name + ": cannot be created", "free some space, or set TMPDIR");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// A file with this content.
  std::string file(const char* name, const std::string& content) const {
    write_atomically(path_ / name, content);
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

std::string onnx(const Workload& workload) {
  const zoo::Workload* entry = zoo::find_workload(workload.name);
  if (entry == nullptr)
    throw Error(ExitCode::internal, workload.name + " is not in the zoo", "leto zoo --list says what is");
  zoo::Request request{workload.settings, entry->dtype};
  if (!workload.dtype.empty()) request.dtype = dtype_from_name(workload.dtype).value();
  for (const auto& setting : entry->settings)
    request.settings.try_emplace(std::string(setting.name), setting.otherwise);
  return zoo::build(*entry, request).SerializeAsString();
}

Job job_of(const Workload& workload) {
  const Folder folder;
  JobFlags flags;
  flags.input = folder.file("model.onnx", onnx(workload));
  if (!workload.recipe.empty()) flags.train = folder.file("recipe.toml", workload.recipe);
  flags.chip = workload.chip;
  flags.set = workload.set;
  flags.resident = workload.resident;
  flags.pinned_rows = workload.pinned_rows;
  return make_job(flags);
}

nlohmann::json record(const Workload& workload) {
  const Job job = job_of(workload);
  ExecuteOptions options;
  options.values = workload.values;
  options.lookups = parse_lookup_law(workload.lookups, lookup_histogram());
  options.reuse = workload.reuse;
  options.event = workload.event;
  options.roofline = workload.roofline;
  options.construction_seed = workload.construction_seed;
  const Outcome outcome = execute(job, options);
  return nlohmann::json::parse(study::to_json(study::build_record(facts_of(job, outcome, workload.values))));
}

}  // namespace

nlohmann::json record_of(const Workload& workload) {
  return in_child([&] { return record(workload); });
}

std::vector<nlohmann::json> records_of(const std::vector<Workload>& workloads, int jobs) {
  std::vector<Work> works;
  for (const Workload& workload : workloads) works.emplace_back([&workload] { return record(workload); });
  return in_children(works, jobs);
}

}  // namespace leto::host
