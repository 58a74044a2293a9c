// The presets: public figures by closed form, round trips, overrides, documentation.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "arch/chip_config.h"
#include "arch/config_keys.h"
#include "base/errors.h"
#include "base/files.h"
#include "tests/arch/temp_file.h"

using namespace leto;

TEST_CASE("every preset loads and prints what it loaded") {
  CHECK(chip_names() == std::vector<std::string>{"artemis", "pilot", "tiny"});
  for (const std::string& name : chip_names()) {
    CAPTURE(name);
    const ChipConfig chip = load_chip(name);
    CHECK(chip.name == name);
    const TempFile copy(to_toml(chip));
    const ChipConfig again = load_chip(copy.path());
    CHECK(to_toml(again) == to_toml(chip));
    CHECK(config_hash(again) == config_hash(chip));
  }
}

TEST_CASE("pilot has the public rates of the training chip") {
  const ChipConfig chip = load_chip("pilot");
  CHECK(chip.pes() == 72);
  CHECK(peak_flops(chip, 2) == doctest::Approx(560.3e12).epsilon(1e-3));
  CHECK(peak_flops(chip, 1) == doctest::Approx(1120.6e12).epsilon(1e-3));
  CHECK(hbm_bytes_per_second(chip) == doctest::Approx(6.144e12));
  CHECK(sram_bytes_per_second(chip) == doctest::Approx(11.6736e12));
  CHECK(chip.sram.bytes == std::int64_t{192} << 20);
  CHECK(chip.hbm.bytes == 216'000'000'000);
  CHECK(chip.dram.name == "hbm3e_8000");
}

TEST_CASE("artemis has the public rates of the inference chip") {
  const ChipConfig chip = load_chip("artemis");
  CHECK(peak_flops(chip, 2) == doctest::Approx(176.9e12).epsilon(1e-3));
  CHECK(hbm_bytes_per_second(chip) == doctest::Approx(204.8e9));
  CHECK(sram_bytes_per_second(chip) == doctest::Approx(2.7648e12));
}

TEST_CASE("the matrix engines have no peak for 32-bit operands") {
  CHECK_THROWS_AS(peak_flops(load_chip("tiny"), 4), Error);
}

TEST_CASE("8-bit operands run at the 16-bit rate unless the chip doubles it") {
  const ChipConfig chip = load_chip("pilot", {"matrix_engine.double_rate_8bit=false"});
  CHECK(peak_flops(chip, 1) == peak_flops(chip, 2));
}

// Memory stands west and east, requests spread evenly over banks and PEs: the busiest link of a row of
// routers then carries what its side sends to the columns beyond the first.
TEST_CASE("the links of the presets do not cap the shared SRAM") {
  for (const char* name : {"artemis", "pilot"}) {
    CAPTURE(name);
    const ChipConfig chip = load_chip(name);
    const double rows = std::ceil(double(chip.pe.rows) / chip.noc.cluster_rows);
    const double columns = std::ceil(double(chip.pe.columns) / chip.noc.cluster_columns);
    const double side = double(chip.sram.banks) * chip.sram.bank_bytes_per_cycle / 2;
    CHECK(chip.noc.link_bytes_per_cycle >= side / rows * (columns - 1) / columns);
  }
}

TEST_CASE("grids from 1x1 to 32x32 load with any cluster") {
  for (const char* grid : {"1", "5", "32"})
    for (const char* cluster : {"1", "3", "32"}) {
      const std::string g(grid), c(cluster);
      const ChipConfig chip =
          load_chip("pilot", {"pe.rows=" + g, "pe.columns=" + g, "noc.cluster_rows=" + c});
      CHECK(chip.pes() == std::stoi(g) * std::stoi(g));
    }
}

TEST_CASE("--set changes one key, text without quotes, numbers as TOML writes them") {
  const ChipConfig base = load_chip("pilot");
  CHECK(load_chip("pilot", {"pe.rows=16"}).pe.rows == 16);
  CHECK(load_chip("pilot", {"sram.bytes=0x1000000"}).sram.bytes == 16 << 20);
  CHECK(load_chip("pilot", {"pe.clock_mhz=1000"}).pe.clock_mhz == 1000.0);
  CHECK(load_chip("pilot", {"hbm.timing=hbm3_6400"}).dram.name == "hbm3_6400");
  CHECK(load_chip("pilot", {"dram.cl_ns=20"}).dram.cl_ns == 20.0);
  CHECK(config_hash(load_chip("pilot", {"dram.cl_ns=20"})) != config_hash(base));
  CHECK(config_hash(load_chip("pilot", {"pe.rows=12"})) == config_hash(base));
}

TEST_CASE("a printed chip keeps its grade unless --set names another") {
  const TempFile copy(to_toml(load_chip("pilot", {"dram.cl_ns=20"})));
  CHECK(load_chip(copy.path()).dram.cl_ns == 20.0);
  CHECK(load_chip(copy.path(), {"hbm.timing=hbm3_6400"}).dram.cl_ns == 12.5);
}

TEST_CASE("names and descriptions survive quotes and control characters") {
  ChipConfig chip = load_chip("tiny");
  chip.description = "a \"quoted\" \\ line\nand\ttab";
  const TempFile copy(to_toml(chip));
  CHECK(load_chip(copy.path()).description == chip.description);
}

TEST_CASE("a grade file can lie beside the chip file") {
  std::string text = read_text(arch_data() / "chips" / "pilot.toml");
  const std::string name = "\"hbm3e_8000\"";
  text.replace(text.find(name), name.size(), "\"mine.toml\"");
  const TempFile chip(text);
  const std::filesystem::path beside = std::filesystem::path(chip.path()).parent_path() / "mine.toml";
  std::filesystem::copy_file(arch_data() / "timings" / "hbm2_2000.toml", beside);
  CHECK(load_chip(chip.path()).dram.name == "hbm2_2000");
}

TEST_CASE("grades have the public peak of their channels") {
  const std::pair<const char*, double> grades[] = {
      {"hbm2_2000", 16.0}, {"hbm3_6400", 25.6}, {"hbm3e_8000", 32.0}, {"lpddr5_6400", 12.8}};
  for (const auto& [name, gigabytes] : grades) {
    const DramTiming timing = load_dram_timing(name);
    CHECK(timing.name == name);
    CHECK(timing.burst_bytes / timing.burst_ns == doctest::Approx(gigabytes));
  }
}

TEST_CASE("a key prints in the shortest form that reads back") {
  const ChipConfig chip = load_chip("pilot");
  CHECK(value_text(*find_key("pe", "rows"), chip) == "12");
  CHECK(value_text(*find_key("hbm", "timing"), chip) == "\"hbm3e_8000\"");
  CHECK(value_text(*find_key("sram", "scratch_fraction"), chip) == "0.5");
  CHECK(find_key("pe", "nothing") == nullptr);
}

TEST_CASE("docs/config.md is fresh") {
  const std::filesystem::path file = std::filesystem::path(LETO_SOURCE_DIR) / "docs" / "config.md";
  if (std::getenv("LETO_RENEW_DOCS")) write_atomically(file, config_markdown());
  REQUIRE_MESSAGE(std::filesystem::exists(file), "run test_arch with LETO_RENEW_DOCS=1");
  CHECK_MESSAGE(read_text(file) == config_markdown(),
                "run test_arch with LETO_RENEW_DOCS=1 to renew docs/config.md");
}
