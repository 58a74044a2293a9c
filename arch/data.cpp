// Where the presets and the DRAM grades lie.
#include "arch/chip_config.h"
#include "arch/toml_file.h"
#include "base/errors.h"

namespace leto {
namespace {

/// <prefix>/share/leto of an installed <prefix>/bin/leto; empty when the executable is not known.
std::filesystem::path installed_data() {
  std::error_code failed;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::filesystem::path() : executable.parent_path().parent_path() / "share" / "leto";
}

}  // namespace

std::filesystem::path arch_data() {
  for (const std::filesystem::path& folder : {installed_data(), std::filesystem::path(LETO_ARCH_DATA)})
    if (std::filesystem::is_directory(folder / "chips")) return folder;
  throw Error(ExitCode::resource, "the chip presets are nowhere to be found",
              "reinstall leto, or run it from its build tree with the source tree in place");
}

std::vector<std::string> chip_names() {
  return toml_stems(arch_data() / "chips");
}

}  // namespace leto
