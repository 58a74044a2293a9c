// RTL twins inside whole runs, through the binary.
#include <set>

#include "tests/e2e/twin_runs.h"

namespace leto::e2e {
namespace {

constexpr std::array<const char*, 6> kBlocks = {"matrix_engine",           "reduction_engine",
                                                "buffer_manager",          "load_address_generator",
                                                "store_address_generator", "vector_lookup"};

/// Does this build have RTL? Without it a twin is refused, and that is all there is to see.
bool is_built(const Folder& folder, const std::string& run) {
  const auto done = leto(folder, run + " --twin 'pe[0].matrix_engine=check' --out built");
  if (done.code == 0) return true;
  check_refused(done, 4, "no RTL");
  return false;
}

TEST_CASE(
    "twin: a training with one PE of the seed in check keeps weights and cycles and finds no mismatch") {
  const Folder folder;
  for (const std::string chip : {"tiny", "pilot"}) {
    CAPTURE(chip);
    const std::string run = training(folder, chip);
    if (!is_built(folder, run)) return;
    std::set<std::string> pes;
    for (const std::string seed : {"1", "2", "3", "4"}) {
      const std::string plain = "plain_" + chip + seed, checked = "checked_" + chip + seed;
      must(folder, run + " --seed " + seed + " --out " + plain);
      must(folder,
           run + " --seed " + seed +
               " --twin 'pe[seed].*=check' --twin 'sram.bank[3]=check' --twin 'noc.router[*]=check' --out " +
               checked);
      same_values(folder / plain, folder / checked);
      const auto with = record(folder / checked), without = record(folder / plain);
      CHECK(with["cycles"] == without["cycles"]);
      REQUIRE(with["twins"].size() ==
              kBlocks.size() + 1 + (chip == "tiny" ? 4 : 12));  // a bank and the routers
      for (const auto& [instance, twin] : with["twins"].items()) {
        CAPTURE(instance);
        CHECK(twin["mismatches"] == 0);
        if (instance.ends_with("vector_lookup")) continue;  // not every PE has a share of the softmax
        CHECK(twin["cycles_compared"].get<int>() > 20);
        CHECK(twin["values_compared"].get<int>() > 20);
        if (instance.starts_with("pe[")) pes.insert(instance.substr(0, instance.find('.')));
      }
    }
    CHECK(pes.size() > 1);
    CHECK(!pes.contains("pe[0]"));
  }
}

TEST_CASE("twin: a fault in each block ends a run with its place and can be replayed alone") {
  const Folder folder;
  const std::string run = training(folder, "tiny");
  if (!is_built(folder, run)) return;
  for (const auto& [block, signal] :
       std::vector<std::pair<std::string, std::string>>{{"matrix_engine", "c_data"},
                                                        {"reduction_engine", "data"},
                                                        {"buffer_manager", "beg_tile"},
                                                        {"load_address_generator", "p_delay"},
                                                        {"store_address_generator", "p_address"},
                                                        {"vector_lookup", "y_data"},
                                                        {"sram.bank[1]", "m_tag"},
                                                        {"noc.router[1]", "g_head"}}) {
    const std::string instance = block.ends_with("]")       ? block
                                 : block == "vector_lookup" ? "pe[0]." + block  // the softmax's PE
                                                            : "pe[2]." + block;
    const auto done =
        leto(folder, run + " --twin '" + instance + "=check:inject=" + signal + "@200' --out " + block);
    check_refused(done, 8, "twin " + instance + ": first difference at cycle");
    CHECK(done.err.find(", " + signal) != std::string::npos);
    CHECK(!fs::exists(folder / (block + "/record.json")));
    CHECK(fs::exists(folder / (block + "/twins/" + instance + ".fst")));
    replayed(folder, block, instance, done.err);
  }
  check_refused(leto(folder, run + " --twin 'pe[1].reduction_engine=check:inject=c_data@1' --out o"), 2,
                "has no signal");
  check_refused(leto(folder, run + " --twin 'sram.bank[4]=check' --out o"), 2, "no such instance");
}

TEST_CASE("twin: a log that is damaged or no log is refused") {
  const Folder folder;
  const std::string run = training(folder, "tiny");
  if (!is_built(folder, run)) return;
  leto(folder, run + " --twin 'pe[1].reduction_engine=check:inject=data@90' --out o");
  const std::string log = read(folder / "o/twins/pe[1].reduction_engine.twin");
  REQUIRE(log.size() > 1000);
  check_refused(leto(folder, "twin replay nothing.twin"), 3, "nothing.twin");
  write(folder / "a", "no log at all, whatever its name says");
  check_refused(leto(folder, "twin replay a"), 3, "no log of a twin");
  for (std::size_t at = 9; at < log.size(); at += log.size() / 7) {
    std::string damaged = log;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write(folder / "b", damaged);
    const auto done = leto(folder, "twin replay b --waves b.fst");
    CHECK(done.code == 3);
    CHECK(!fs::exists(folder / "b.fst"));
    write(folder / "c", log.substr(0, at));
    CHECK(leto(folder, "twin replay c").code == 3);
  }
}

TEST_CASE("twin: with the RTL in the place of the engines the weights are the same") {
  const Folder folder;
  const std::string run = training(folder, "tiny");
  if (!is_built(folder, run)) return;
  must(folder, run + " --out plain");
  must(folder, run + " --twin 'pe[*].matrix_engine=rtl' --twin 'pe[*].reduction_engine=rtl' --out rtl");
  same_values(folder / "plain", folder / "rtl");
  check_refused(leto(folder, run + " --twin 'pe[1].buffer_manager=rtl' --out o"), 4, "take the place");
  check_refused(leto(folder, run + " --twin 'sram.bank[0]=rtl' --out o"), 4, "take the place");
}

}  // namespace
}  // namespace leto::e2e
