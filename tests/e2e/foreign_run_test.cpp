// Blocks that others wrote inside a training on digits, through the binary: at each level, without a fault
// and with one, in the place of ours, and what cannot be.
#include <set>

#include "tests/e2e/foreign_blocks.h"
#include "tests/e2e/twin_runs.h"

namespace leto::e2e {
namespace {

bool has_verilator(const Folder& folder) {
  return shell(folder, "command -v verilator").code == 0;
}

std::string twin(int pe, const std::string& block, const std::string& more = ":every=1") {
  return " --twin 'pe[" + std::to_string(pe) + "].reduction_engine=check" + more + ":block=" + block +
         ".toml'";
}

/// The libraries in a run's folder and when each was written.
std::set<std::pair<std::string, fs::file_time_type>> libraries(const fs::path& out) {
  std::set<std::pair<std::string, fs::file_time_type>> all;
  for (const auto& entry : fs::directory_iterator(out / "blocks"))
    all.insert({entry.path().filename().string(), fs::last_write_time(entry.path())});
  return all;
}

/// A training with `name` where `from` is replaced in its SystemVerilog: the finding of `signal`, which a
/// replay comes to again; of the block as it was it finds nothing, and says that the block is another.
void check_fault(const Folder& folder, const std::string& run, const std::string& name,
                 const std::string& from, const std::string& to, const std::string& signal) {
  CAPTURE(name);
  const std::string original = read(folder / (name + ".sv"));
  write(folder / (name + ".sv"), with(original, from, to));
  const auto done = leto(folder, run + twin(2, name) + " --out " + name);
  check_refused(done, 8, "twin pe[2].reduction_engine: first difference at cycle");
  CHECK_MESSAGE(done.err.find(", " + signal) != std::string::npos, done.err);
  CHECK(!fs::exists(folder / (name + "/record.json")));
  replayed(folder, name, "pe[2].reduction_engine", done.err);
  const auto finding = nlohmann::json::parse(read(folder / (name + "/twins/pe[2].reduction_engine.json")));
  CHECK(finding["descriptor"].get<std::string>().ends_with("/" + name + ".toml"));
  write(folder / (name + ".sv"), original);
  const auto corrected = leto(folder, "twin replay '" + name + "/twins/pe[2].reduction_engine.twin'");
  CHECK_MESSAGE(corrected.code == 0, corrected.err);
  CHECK(corrected.out.find(name + ".toml with its files has changed since the run") != std::string::npos);
  CHECK(corrected.out.find("no difference; the run had") != std::string::npos);
}

}  // namespace

TEST_CASE("foreign run: what cannot be says so before anything is built") {
  const Folder folder;
  place(folder);
  const std::string run = training(folder, "tiny");
  const auto with_twin = [&](const std::string& text) {
    return leto(folder, run + " --twin '" + text + "' --out o");
  };
  check_refused(with_twin("pe[1].reduction_engine=check:block=none.toml"), 3, "none.toml");
  check_refused(with_twin("pe[1].matrix_engine=check:block=axis_reducer.toml"), 2,
                "describes a reduction_engine, and pe[1].matrix_engine is a matrix_engine");
  check_refused(with_twin("pe[*].*=check:block=axis_reducer.toml"), 2, "describes a reduction_engine");
  check_refused(with_twin("pe[9].reduction_engine=check:block=axis_reducer.toml"), 2, "no such instance");
  check_refused(with_twin("pe[1].reduction_engine=model:block=axis_reducer.toml"), 2, "rtl takes block");
  check_refused(with_twin("pe[1].reduction_engine=rtl:every=2:block=axis_reducer.toml"), 2,
                "only check takes");
  check_refused(with_twin("pe[1].reduction_engine=check:block="), 2, "block needs");
  check_refused(with_twin("pe[1].reduction_engine=check:inject=data@5:block=axis_reducer.toml"), 2,
                "has no signal \"data\"");
  check_refused(leto(folder,
                     "run m.onnx --chip tiny --values off --twin "
                     "'pe[1].reduction_engine=check:block=axis_reducer.toml' --out o"),
                4, "values");
  check_refused(shell(folder, "PATH=\"$(dirname \"$(command -v leto)\")\" && leto " + run +
                                  twin(1, "axis_reducer") + " --out o"),
                4, "no Verilator");
  CHECK(!fs::exists(folder / "o"));
}

// Each compiles Verilated blocks.
TEST_SUITE("slow") {
  TEST_CASE("foreign run: at every level a training keeps its weights and cycles and finds no mismatch") {
    const Folder folder;
    place(folder);
    if (!has_verilator(folder)) return;
    const std::string run = training(folder, "tiny");
    must(folder, run + " --out plain");
    const std::string checked = run + twin(0, "axis_reducer") + twin(1, "axis_reducer", "") +
                                twin(2, "drain_unit") + twin(3, "lockstep_engine") + " --out checked";
    const auto done = leto(folder, checked);
    REQUIRE_MESSAGE(done.code == 0, done.err);
    same_values(folder / "plain", folder / "checked");
    const auto with = record(folder / "checked"), without = record(folder / "plain");
    CHECK(with["cycles"] == without["cycles"]);
    REQUIRE(with["twins"].size() == 4);
    for (const auto& [instance, twin] : with["twins"].items()) {
      CAPTURE(instance);
      CHECK(twin["mismatches"] == 0);
      CHECK(twin["values_compared"].get<int>() > 100);
      CHECK(twin["commands_compared"].get<int>() > 0);
      CHECK(twin["descriptor_hash"].get<std::string>().size() == 16);
    }
    const auto& all = with["twins"];
    CHECK(all["pe[0].reduction_engine"]["level"] == "data");
    CHECK(all["pe[2].reduction_engine"]["level"] == "window");
    CHECK(all["pe[3].reduction_engine"]["level"] == "cycle");
    for (const auto& [instance, twin] : all.items())
      CHECK(twin["commands_left_out"] == 0);  // there are drains alone
    CHECK(all["pe[1].reduction_engine"]["commands_compared"] <
          all["pe[0].reduction_engine"]["commands_compared"]);
    CHECK(done.out.find("left out") != std::string::npos);

    // Sums of several PEs: this block takes drains and merges, and is not given what is passed on.
    must(folder, "zoo gemm --m 32 --n 32 --k 4096 -o g.onnx");
    must(folder,
         "run g.onnx --chip tiny --values on --twin "
         "'pe[*].reduction_engine=check:every=1:block=axis_reducer.toml' "
         "--out sums");
    int compared = 0, left_out = 0;
    const auto sums = record(folder / "sums");
    for (const auto& [instance, twin] : sums["twins"].items()) {
      CHECK(twin["mismatches"] == 0);
      compared += twin["commands_compared"].get<int>();
      left_out += twin["commands_left_out"].get<int>();
    }
    CHECK(compared > 0);
    CHECK(left_out > 0);

    const auto built = libraries(folder / "checked");
    CHECK(built.size() == 3);  // two PEs share one
    must(folder, checked);
    std::set<std::string> before, after;
    for (const auto& [name, time] : built) before.insert(name);
    for (const auto& [name, time] : libraries(folder / "checked")) after.insert(name);
    CHECK(before == after);
    const auto again = record(folder / "checked");
    CHECK(again["twins"] == with["twins"]);
  }

  TEST_CASE("foreign run: a fault ends a run at every level with its place and can be replayed alone") {
    const Folder folder;
    place(folder);
    if (!has_verilator(folder)) return;
    const std::string run = training(folder, "tiny");
    check_fault(folder, run, "axis_reducer", "rounded = x + 32'h7fff + 32'(x[16]);", "rounded = x;",
                "d_data[");
    check_fault(folder, run, "drain_unit", "= x[31:16]", "= x[30:15]", "d_data[");
    check_fault(folder, run, "lockstep_engine", "assign out = result;", "assign out = result ^ 1;", "data[");
  }

  TEST_CASE("foreign run: a planted fault is found and a block in the place of ours gives the same weights") {
    const Folder folder;
    place(folder);
    if (!has_verilator(folder)) return;
    const std::string run = training(folder, "tiny");
    for (const auto& [name, signal] :
         {std::pair<std::string, std::string>{"axis_reducer", "d_last"}, {"lockstep_engine", "done"}}) {
      const auto done = leto(folder, run + twin(1, name, ":inject=" + signal + "@300") + " --out " + name);
      check_refused(done, 8, "(compared cycle 30");
      CHECK(done.err.find(", " + signal) != std::string::npos);
      replayed(folder, name, "pe[1].reduction_engine", done.err);
    }
    must(folder, run + " --out plain");
    must(folder, run + " --twin 'pe[*].reduction_engine=rtl:block=axis_reducer.toml' --out data");
    must(folder, run + " --twin 'pe[2].reduction_engine=rtl:block=lockstep_engine.toml' --out cycle");
    same_values(folder / "plain", folder / "data");
    same_values(folder / "plain", folder / "cycle");
  }
}

}  // namespace leto::e2e
