// The address generator's RTL against the fabric: random transfers of all PEs of a chip, every piece and its
// cycle.
#include <doctest/doctest.h>

#include <deque>

#include "base/errors.h"
#include "model/twin/address_programs.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"

using namespace leto;
using namespace leto::model;

namespace {

using Programs = AddressPrograms;

/// A fabric of its own in the one simulation that SystemC allows a process.
struct Bench {
  Bench(const std::string& chip_name, int transfers, std::uint64_t seed, Sizes sizes = Sizes::ordinary)
      : chip(chip_name + (sizes == Sizes::any ? " at the limits" : "")),
        programs(kernel, chip_of(chip_name, sizes), seed, transfers, sizes) {}

  /// With the most device memory that a chip file may have, where transfers may be anywhere.
  static ChipConfig chip_of(const std::string& name, Sizes sizes) {
    ChipConfig config = load_chip(name);
    if (sizes == Sizes::any) config.hbm.bytes = std::int64_t{1} << 40;
    return config;
  }

  /// The finding; empty: none.
  std::string found() const {
    try {
      if (kernel.failure) std::rethrow_exception(kernel.failure);
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::mismatch);
      return error.what();
    }
    return "";
  }

  std::string chip;
  Kernel kernel{sc_core::sc_gen_unique_name("kernel")};
  Programs programs;
};

void check_alike(const Bench& bench, int least) {
  const Programs& programs = bench.programs;
  CHECK(bench.found() == "");
  TwinCount counted;
  std::uint64_t further = 0;
  for (const auto& [place, twin] : programs.twins) {
    const TwinCount& one = twin->comparison().count();
    counted.mismatches += one.mismatches;
    counted.cycles_compared += one.cycles_compared;
    counted.values_compared += one.values_compared;
    further += twin->further_clocks();
  }
  CHECK(counted.mismatches == 0);
  CHECK(programs.shown >= least);
  for (const char* arm :
       {"load", "store", "multicast", "by index", "scratch", "backwards", "the same row again", "rows touch",
        "touch at a plane's end", "several fragments", "a slower port"})
    CHECK_MESSAGE(programs.arms.contains(arm), arm);
  for (const auto& [arm, count] : programs.arms) CHECK_MESSAGE(count * 50 > programs.shown, arm, " ", count);
  MESSAGE(bench.chip << " address_generator: " << programs.shown << " transfers, " << counted.cycles_compared
                     << " clocks (" << further << " further ones), " << counted.values_compared << " values");
}

}  // namespace

TEST_CASE("twin: random transfers are cut alike and a fault in each signal is found where it was planted") {
  if (!rtl::has_rtl()) return;
  std::deque<Bench> alike;
  for (const auto& [chip, transfers] : {std::pair("tiny", 4000), std::pair("pilot", 60000)}) {
    if (!rtl::make_block("address_generator", load_chip(chip))) continue;  // tests/twin/faults.sh builds one
    Bench& bench = alike.emplace_back(chip, transfers, alike.size() + 1);
    for (const int pe : {kCheckedPe, kCheckedPe + 1})
      bench.programs.check(pe, {"", TwinMode::check, 1, {}}, 1);
  }
  Bench limits("tiny", 1000, 5, Sizes::any);
  for (const int pe : {kCheckedPe, kCheckedPe + 1})
    limits.programs.check(pe, {"", TwinMode::check, 1, {}}, 1);
  std::deque<Bench> faulty;
  for (const auto signal : kAddressSignals)
    faulty.emplace_back("tiny", 1000, 3)
        .programs.check(kCheckedPe, {"", TwinMode::check, 1, TwinSpec::Fault{std::string(signal), 300}}, 3);
  sc_core::sc_start();
  for (const Bench& bench : alike) check_alike(bench, 1000);
  check_alike(limits, 400);
  for (const char* arm : {"far", "long", "many rows", "far strides"})
    CHECK_MESSAGE(limits.programs.arms.contains(arm), arm);
  for (std::size_t i = 0; i < faulty.size(); ++i) {
    const std::string found = faulty[i].found();
    CHECK_MESSAGE(found.find(fmt::format(" {}:", kAddressSignals[i])) != std::string::npos,
                  kAddressSignals[i], ": ", found);
  }
}
