// Every #include of every source folder against the graph of who may include whom: no edge upwards, and
// outside libraries only where they belong.
#include <doctest/doctest.h>

#include <map>
#include <regex>

#include "tests/repo/source_tree.h"

namespace leto::repo {
namespace {

const std::map<std::string, std::set<std::string>>& allowed() {
  static const std::map<std::string, std::set<std::string>> kAllowed = {
      {"base", {"base"}},
      {"arch", {"base", "arch"}},
      {"isa", {"base", "isa"}},
      {"rtl", {"base", "arch", "rtl"}},
      {"compiler", {"base", "arch", "isa", "compiler"}},
      {"model", {"base", "arch", "isa", "rtl", "model"}},
      {"study", {"base", "arch", "study"}},
      {"apps", {"base", "arch", "isa", "rtl", "compiler", "model", "study", "apps"}},
  };
  return kAllowed;
}

/// Outside libraries that only some folders may see, by the first part of their header's path.
const std::map<std::string, std::set<std::string>>& guarded() {
  static const std::map<std::string, std::set<std::string>> kGuarded = {
      {"systemc", {"model"}},
      {"systemc.h", {"model"}},
      {"tlm", {"model"}},
      {"tlm.h", {"model"}},
      {"verilated.h", {"rtl"}},
      {"onnx", {"compiler", "apps"}},
      {"google", {"compiler", "apps"}},
      {"CLI", {"apps"}},
      {"zlib.h", {"apps", "study"}},
      {"nlohmann", {"study", "apps", "compiler"}},
      {"toml++", {"arch", "compiler", "study", "apps"}},
  };
  return kGuarded;
}

/// What is wrong with the includes of one file, in words.
std::vector<std::string> faults(const std::string& folder, const std::string& file, const std::string& text) {
  static const std::regex kInclude(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">])re");
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), kInclude), end; it != end; ++it) {
    const std::string header = (*it)[2], top = header.substr(0, header.find('/'));
    const bool ours = allowed().contains(top) && header.find('/') != std::string::npos;
    if (ours && !allowed().at(folder).contains(top))
      found.push_back(file + ": " + folder + " may not include " + header);
    if ((*it)[1] == "\"" && !ours && header != "leto_version.h")
      found.push_back(file + ": no folder owns \"" + header + "\"");
    if (const auto rule = guarded().find(top); rule != guarded().end() && !rule->second.contains(folder))
      found.push_back(file + ": " + folder + " may not see <" + header + ">");
  }
  return found;
}

TEST_CASE("layering: no folder includes upwards") {
  int read_files = 0;
  for (const auto& [folder, unused] : allowed())
    for (const auto& path : files(folder, {".h", ".cpp", ".inc"})) {
      ++read_files;
      for (const auto& fault : faults(folder, path.lexically_relative(kRoot).string(), read(path)))
        FAIL_CHECK(fault);
    }
  CHECK(read_files > 50);
}

TEST_CASE("layering: the check finds planted includes") {
  CHECK(faults("isa", "x.h", "#include \"arch/chip_config.h\"\n").size() == 1);
  CHECK(faults("compiler", "x.cpp", "// first\n#  include \"model/simulation.h\"").size() == 1);
  CHECK(faults("study", "x.cpp", "#include <systemc>\n#include \"study/record.h\"\n").size() == 1);
  CHECK(faults("rtl", "x.h", "#include \"model/twin/twins.h\"\n").size() == 1);
  CHECK(faults("model", "x.cpp", "#include <verilated.h>\n").size() == 1);
  CHECK(faults("base", "x.cpp", "#include \"files.h\"\n").size() == 1);
  CHECK(faults("apps", "x.cpp", "#include <vector>\n#include \"model/simulation.h\"\n").empty());
}

TEST_CASE("layering: the CMake link graph says the same") {
  static const std::regex kLayer(R"re(leto_layer\(([^)]*)\))re");
  for (const auto& [folder, may] : allowed()) {
    if (folder == "apps") continue;  // an executable, allowed everything
    const auto text = read(kRoot / folder / "CMakeLists.txt");
    std::smatch found;
    REQUIRE_MESSAGE(std::regex_search(text, found, kLayer), folder);
    std::istringstream words(found[1]);
    for (std::string word; words >> word;)
      if (allowed().contains(word)) CHECK_MESSAGE(may.contains(word), folder, " links ", word);
  }
}

}  // namespace
}  // namespace leto::repo
