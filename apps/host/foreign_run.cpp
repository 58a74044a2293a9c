#include "apps/host/foreign_run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/staging.h"
#include "model/twin/foreign_trial.h"

namespace leto::host {
namespace {

namespace fs = std::filesystem;

std::uint64_t hash_of(const fs::path& file, std::uint64_t state = kFnvBasis) {
  return fnv1a(read_bytes(file), state);
}

/// Of all that verilate_foreign left: the same code is the same library.
std::uint64_t hash_of_code(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const auto kind = entry.path().extension(); kind == ".cpp" || kind == ".h")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::uint64_t hash = kFnvBasis;
  for (const fs::path& file : files) hash = hash_of(file, fnv1a(file.filename().string(), hash));
  return hash;
}

/// The SystemVerilog that Verilator read, included files too; its own files and its program aside.
std::vector<fs::path> sources_of(const ForeignDescriptor& block, const fs::path& folder) {
  std::vector<fs::path> files = block.files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".d") continue;
    const std::string all = read_text(entry.path());
    const auto colon = all.find(" : ");
    std::istringstream words(colon == std::string::npos ? "" : all.substr(colon + 3));
    for (std::string word; words >> word;)
      if (!fs::path(word).filename().string().starts_with("verilat")) files.push_back(fs::absolute(word));
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

class Built final : public model::ForeignTwin {
 public:
  Built(std::string descriptor, fs::path file, ForeignDescriptor block, const ChipConfig& chip,
        BlockFolders folders)
      : ForeignTwin(std::move(descriptor), block.module, block.stream),
        file_(std::move(file)),
        block_(std::move(block)),
        pins_(model::ForeignTrial::pins(block_.stream, chip)),
        folders_(std::move(folders)) {}

  std::unique_ptr<rtl::ForeignBlock> load() const override {
    build();
    return rtl::load_foreign(library_, block_.map, pins_);
  }
  std::uint64_t hash() const override {
    build();
    return hash_;
  }

 private:
  void build() const {
    if (scratch_) return;
    try {
      scratch_.emplace(fs::temp_directory_path() / "leto-twin");
      make();
    } catch (const Error& error) {
      scratch_.reset();
      const std::string cause = error.what();
      const bool placed = cause.starts_with(file_.string());
      throw Error(error.code(), placed ? cause : fmt::format("{}: {}", descriptor(), cause), error.remedy());
    }
  }

  void make() const {
    const fs::path folder = scratch_->path();
    verilate_foreign(block_, pins_, folder);
    hash_ = hash_sources(folder);
    const std::string name = fmt::format("{:016x}.so", hash_of_code(folder));
    const fs::path known = folders_.from / name;
    library_ = !folders_.from.empty() && fs::is_regular_file(known) ? known : compile_foreign(block_, folder);
    if (folders_.to.empty()) return;
    make_folder(folders_.to);
    fs::copy_file(library_, folders_.to / name, fs::copy_options::skip_existing);
  }

  /// Where the files lie does not count.
  std::uint64_t hash_sources(const fs::path& folder) const {
    std::vector<std::uint64_t> all;
    for (const fs::path& file : sources_of(block_, folder)) all.push_back(hash_of(file));
    std::sort(all.begin(), all.end());
    for (const std::string& parameter : block_.parameters) all.push_back(fnv1a(parameter));
    return fnv1a(std::as_bytes(std::span(all)), hash_of(file_));
  }

  fs::path file_;
  ForeignDescriptor block_;
  std::vector<rtl::ForeignPort> pins_;
  BlockFolders folders_;
  // Built when it is first needed.
  mutable std::optional<Staging> scratch_;
  mutable fs::path library_;
  mutable std::uint64_t hash_ = 0;
};

}  // namespace

void plug_in(std::vector<model::TwinSpec>& twins, const ChipConfig& chip, const BlockFolders& folders) {
  std::map<fs::path, std::shared_ptr<const model::ForeignTwin>> known;
  for (model::TwinSpec& twin : twins) {
    if (twin.block.empty()) continue;
    auto& block = known[fs::absolute(twin.block).lexically_normal()];
    if (!block)
      block = std::make_shared<Built>(twin.block, twin.block, read_foreign(twin.block, chip), chip, folders);
    twin.foreign = block;
  }
}

void plug_in(model::TwinLog& log, const fs::path& file) {
  std::vector<model::TwinSpec> one = {log.spec};
  plug_in(one, log.chip, {fs::absolute(file).parent_path().parent_path() / kBlocks, {}});
  log.spec = one.front();
}

}  // namespace leto::host
