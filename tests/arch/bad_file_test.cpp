// Every kind of fault in a chip file is Error(bad_input) that names the place and says what to do.
#include <doctest/doctest.h>

#include <algorithm>

#include "arch/chip_config.h"
#include "base/errors.h"
#include "base/files.h"
#include "tests/arch/temp_file.h"

using namespace leto;

namespace {

struct Fault {
  const char* what;
  const char* from;  // text of the pilot's file that is replaced
  const char* to;
  const char* message;  // must be in the cause
  bool line = true;     // the line of `from` must be named (else only the file)
};

constexpr Fault kFaults[] = {
    {"unknown key", "rows = 12 ", "rows = 12\nrowz = 3 #", "unknown key pe.rowz", false},
    {"missing key", "rows = 12 ", "#", "missing key pe.rows", false},
    {"duplicate key", "rows = 12 ", "rows = 12\nrows = 12 #", "rows", false},
    {"duplicate section", "[local_store]", "[pe]\n[local_store]", "pe", true},
    {"unknown section", "[pe]", "[pea]", "unknown section or key pea"},
    {"missing section",
     "[sync]\nbarrier_cycles = 100                # ours\nmessage_cycles = 40                 # ours", "",
     "missing section [sync]", false},
    {"section as a value", "[pe]", "sync = 3\n[pe]", "sync", false},
    {"syntax", "rows = 12 ", "rows = = 12 ", ""},
    {"text for a number", "rows = 12 ", "rows = \"12\" ", "pe.rows must be a whole number, not a string"},
    {"fraction for a count", "rows = 12 ", "rows = 12.5 ",
     "pe.rows must be a whole number, not a number with a fraction"},
    {"number for a text", "timing = \"hbm3e_8000\"", "timing = 3", "hbm.timing must be a string"},
    {"number for a truth value", "double_rate_8bit = true", "double_rate_8bit = 1", "must be true or false"},
    {"zero rate", "bytes_per_cycle = 1024              # 1.9", "bytes_per_cycle = 0 # 1.9",
     "local_store.bytes_per_cycle = 0"},
    {"negative", "columns = 6 ", "columns = -6 ", "pe.columns = -6 is outside 1 to 32"},
    {"grid too large", "columns = 6 ", "columns = 33 ", "pe.columns = 33"},
    {"beyond 64 bit", "columns = 6 ", "columns = 99999999999999999999 ", ""},
    {"infinite clock", "clock_mhz = 1900.0", "clock_mhz = inf", "pe.clock_mhz = inf"},
    {"no clock", "clock_mhz = 1900.0", "clock_mhz = nan", "pe.clock_mhz = nan"},
    {"share above one", "scratch_fraction = 0.5", "scratch_fraction = 1.5", "sram.scratch_fraction = 1.5"},
    {"too many tiles", "tiles = 2 ", "tiles = 3 ", "matrix_engine.tiles = 3"},
    {"odd inner width", "inner_bytes = 64", "inner_bytes = 63",
     "matrix_engine.inner_bytes must be a multiple"},
    {"fragment above the window", "fragment_bytes = 4096", "fragment_bytes = 131072",
     "fabric_interface.fragment_bytes must be at most"},
    {"interleave is no whole burst", "interleave_bytes = 1024             #",
     "interleave_bytes = 1000 #", "hbm.interleave_bytes must be a multiple"},
    {"unknown grade", "timing = \"hbm3e_8000\"", "timing = \"hbm9\"", "no DRAM grade 'hbm9'"},
    {"grade that is not all there", "[sync]", "[dram]\ntck_ns = 1.0\n[sync]", "missing key dram.", true},
    {"empty name", "name = \"pilot\"", "name = \"\"", "name must be a string"},
    {"name that is a path", "name = \"pilot\"", "name = \"../pilot\"", "name must be", false},
    {"no description", "description = ", "#", "missing key description", false},
};

std::string cause_of(const std::string& path, const std::vector<std::string>& overrides = {}) {
  try {
    load_chip(path, overrides);
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::bad_input);
    CHECK_FALSE(error.remedy().empty());
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a fault in a chip file is named with file and line") {
  const std::string good = read_text(arch_data() / "chips" / "pilot.toml");
  for (const Fault& fault : kFaults) {
    CAPTURE(std::string(fault.what));
    const auto at = good.find(fault.from);
    REQUIRE(at != std::string::npos);
    std::string bad = good;
    bad.replace(at, std::string(fault.from).size(), fault.to);
    const TempFile file(bad);
    const std::string cause = cause_of(file.path());
    CAPTURE(cause);
    CHECK(cause.find(fault.message) != std::string::npos);
    const bool has_place =
        cause.find(file.path() + ":") == 0 || cause.find("name must be") != std::string::npos;
    CHECK(has_place);
    const auto line = 1 + std::count(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    if (fault.line) CHECK(cause.find(fmt::format(":{}:", line)) != std::string::npos);
  }
}

TEST_CASE("a fault in --set is named with the flag") {
  const std::pair<const char*, const char*> faults[] = {
      {"pe.rows", "section.key=value"},         {"rows=3", "section.key=value"},
      {"pe.rowz=3", "unknown key pe.rowz"},     {"nothing.rows=3", "unknown key nothing.rows"},
      {"pe.rows=", "is not a value"},           {"pe.rows=0", "pe.rows = 0"},
      {"pe.rows=a", "is not a value"},          {"pe.rows=3\npe=4", "more than one value"},
      {"dram.rc_ns=1", "dram.ras_ns must be"},  {"hbm.timing=hbm9", "no DRAM grade"},
      {"sram.interleave_bytes=100", "multiple"}};
  for (const auto& [text, message] : faults) {
    CAPTURE(std::string(text));
    const std::string cause = cause_of("pilot", {text});
    CAPTURE(cause);
    CHECK(cause.find(message) != std::string::npos);
  }
}

TEST_CASE("a memory smaller than a row a channel is refused") {
  const std::string cause = cause_of("pilot", {"hbm.bytes=1048576", "hbm.channels=4096"});
  CHECK(cause.find("--set hbm.channels=4096: hbm.channels must be at most") == 0);
}

TEST_CASE("a file that cannot be a chip file") {
  CHECK(cause_of("nosuchchip").find("no such preset") != std::string::npos);
  CHECK(cause_of("/nonexistent/chip.toml").find("chip.toml") != std::string::npos);
  CHECK(cause_of("/dev/zero/x.toml") != "accepted");
  const TempFile folder("");
  CHECK(cause_of(std::filesystem::path(folder.path()).parent_path().string() + "/") != "accepted");
  const TempFile large(std::string(2 << 20, '#'), "large.toml");
  CHECK(cause_of(large.path()) != "accepted");
  const TempFile deep("a = " + std::string(100000, '['), "deep.toml");
  CHECK(cause_of(deep.path()) != "accepted");
}
