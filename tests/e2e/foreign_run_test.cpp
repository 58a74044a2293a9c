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

/// `run` with the block `name` in the place of `instance`, and `from` replaced in its SystemVerilog: the
/// finding of `signal`, which a replay comes to again; of the block as it was it finds nothing, and says that
/// the block is another. What the finding says.
nlohmann::json check_fault(const Folder& folder, const std::string& run, const std::string& instance,
                           const std::string& name, const std::string& from, const std::string& to,
                           const std::string& signal) {
  CAPTURE(name);
  const std::string original = read(folder / (name + ".sv"));
  write(folder / (name + ".sv"), with(original, from, to));
  const auto done =
      leto(folder, run + " --twin '" + instance + "=check:every=1:block=" + name + ".toml' --out " + name);
  check_refused(done, 8, "twin " + instance + ": first difference at cycle");
  CHECK_MESSAGE(done.err.find(", " + signal) != std::string::npos, done.err);
  CHECK(!fs::exists(folder / (name + "/record.json")));
  replayed(folder, name, instance, done.err);
  auto finding = nlohmann::json::parse(read(folder / (name + "/twins/" + instance + ".json")));
  CHECK(finding["descriptor"].get<std::string>().ends_with("/" + name + ".toml"));
  write(folder / (name + ".sv"), original);
  const auto corrected = leto(folder, "twin replay '" + name + "/twins/" + instance + ".twin'");
  CHECK_MESSAGE(corrected.code == 0, corrected.err);
  CHECK(corrected.out.find(name + ".toml with its files has changed since the run") != std::string::npos);
  CHECK(corrected.out.find("no difference; the run had") != std::string::npos);
  return finding;
}

/// Blocks as the runs below have work for: bf16, other sizes, all of a PE's buffers.
void place_for_runs(const Folder& folder) {
  place(folder);
  for (const char* name : {"serial_gemm", "banked_engine"}) {
    const std::string sv = std::string(name) + ".sv", toml = std::string(name) + ".toml";
    write(folder / sv, with_all(read(folder / sv), "DTYPE_FP16", "DTYPE_BF16"));
    write(folder / toml, with(read(folder / toml), "fp16 = ", "bf16 = "));
  }
  std::string serial = read(folder / "serial_gemm.toml");
  serial = with(with_all(serial, "[1, 12]", "[1, 63]"), "[1, 40]", "[1, 128]");
  write(folder / "serial_gemm.toml", serial);
  write(folder / "ring_keeper.toml", with(read(folder / "ring_keeper.toml"), "[clock]",
                                          "[parameters]\nRings = 32\nPlaceBits = 18\n\n[clock]"));
}

/// A product in which a PE's commands have m rows and n vectors; two commands of 64 k a block of sums.
std::string product(const Folder& folder, int m, int n) {
  must(folder, "zoo gemm --m " + std::to_string(4 * m) + " --n " + std::to_string(n) + " --k 128 -o g.onnx");
  return "run g.onnx --chip tiny --values on";
}

/// What a run with `name` in the place of all `pattern` said of them: no mismatch. Values and commands of all
/// together.
struct Seen {
  int commands = 0, values = 0, left_out = 0;
};
Seen seen(const Folder& folder, const std::string& run, const std::string& pattern, const std::string& name) {
  CAPTURE(name);
  must(folder, run + " --twin '" + pattern + "=check:every=1:block=" + name + ".toml' --out of_" + name);
  Seen all;
  const auto whole = record(folder / ("of_" + name));
  for (const auto& [instance, twin] : whole["twins"].items()) {
    CHECK(twin["mismatches"] == 0);
    all.commands += twin["commands_compared"].get<int>();
    all.values += twin["values_compared"].get<int>();
    all.left_out += twin["commands_left_out"].get<int>();
  }
  return all;
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
  check_refused(with_twin("pe[1].buffer_manager=rtl:block=ring_keeper.toml"), 4, "take the place");
  check_refused(with_twin("pe[1].vector_lookup=rtl:block=reciprocal_unit.toml"), 4, "take the place");
  check_refused(with_twin("pe[1].buffer_manager=check:inject=full@5:block=ring_keeper.toml"), 2,
                "has no signal \"full\"");
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
    write(folder / "sized.toml", read(folder / "axis_reducer.toml") + "\n[shape]\ncount = [1, 65535]\n");
    const Seen sized = seen(folder, "run g.onnx --chip tiny --values on", "pe[*].reduction_engine", "sized");
    CHECK(sized.commands == compared);

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
    check_fault(folder, run, "pe[2].reduction_engine", "axis_reducer", "rounded = x + 32'h7fff + 32'(x[16]);",
                "rounded = x;", "d_data[");
    check_fault(folder, run, "pe[2].reduction_engine", "drain_unit", "= x[31:16]", "= x[30:15]", "d_data[");
    check_fault(folder, run, "pe[2].reduction_engine", "lockstep_engine", "assign out = result;",
                "assign out = result ^ 1;", "data[");
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
    for (const auto& [instance, twin] : record(folder / "data")["twins"].items()) {
      CHECK(twin["mode"] == "rtl");
      CHECK(twin["commands_replaced"].get<int>() > 0);
      CHECK(twin["commands_compared"] == 0);
    }
    same_values(folder / "plain", folder / "cycle");
  }

  TEST_CASE("foreign run: matrix engines of others leave the model's sums in products and a training") {
    const Folder folder;
    place_for_runs(folder);
    if (!has_verilator(folder)) return;
    const Seen serial = seen(folder, product(folder, 8, 32), "pe[*].matrix_engine", "serial_gemm");
    CHECK(serial.commands == 8);
    CHECK(serial.values == 8 * 8 * 32);
    CHECK(serial.left_out == 0);
    const Seen banked = seen(folder, product(folder, 4, 16), "pe[*].matrix_engine", "banked_engine");
    CHECK(banked.commands == 8);
    CHECK(banked.values == 8 * 8 * 4 * 16);  // the sums of each eight of k
    // Its sums stay in it: the second command of a block goes on from the first one's.
    const Seen outer = seen(folder, product(folder, 8, 8), "pe[*].matrix_engine", "outer_array");
    CHECK(outer.commands == 8);
    CHECK(outer.left_out == 0);

    const std::string run = training(folder, "tiny");
    const Seen all = seen(folder, run, "pe[1].matrix_engine", "serial_gemm");
    CHECK(all.commands > 100);
    CHECK(all.values > 50000);
    must(folder, run + " --out plain");
    same_values(folder / "plain", folder / "of_serial_gemm");
    must(folder, run + " --twin 'pe[2].matrix_engine=rtl:block=serial_gemm.toml' --out replaced");
    same_values(folder / "plain", folder / "replaced");
    const auto twin = record(folder / "replaced")["twins"]["pe[2].matrix_engine"];
    CHECK(twin["commands_replaced"] == all.commands);
  }

  TEST_CASE("foreign run: a fault in a matrix engine is found with its command and operation") {
    const Folder folder;
    place_for_runs(folder);
    if (!has_verilator(folder)) return;
    const auto in = [&](const std::string& run, const std::string& name, const std::string& from,
                        const std::string& to, const std::string& signal) {
      return check_fault(folder, run, "pe[1].matrix_engine", name, from, to, signal);
    };
    auto finding =
        in(training(folder, "tiny"), "serial_gemm", "(accumulate ? c_word : 32'h0)", "32'h0", "c_data[");
    CHECK(finding["operation"].get<std::string>().starts_with("fc"));
    CHECK(finding["command"].get<std::string>().find(": matmul @") != std::string::npos);
    CHECK(finding["last_inputs"].get<std::string>().find("h[0 to ") == 0);  // read by index
    finding =
        in(product(folder, 4, 16), "banked_engine", "write_at <= met_at;", "write_at <= at;", "c_index");
    CHECK(finding["operation"] == "c");
    in(product(folder, 8, 8), "outer_array", "if (run_clear) sums", "if (1'b1) sums", "c_data[");
  }

  TEST_CASE("foreign run: a lookup of others leaves the model's values in a training and a fault is found") {
    const Folder folder;
    place(folder);
    if (!has_verilator(folder)) return;
    const std::string run = training(folder, "tiny");
    const Seen all = seen(folder, run, "pe[*].vector_lookup", "reciprocal_unit");
    CHECK(all.commands == 20);      // a softmax a step
    CHECK(all.values == 20 * 32);   // of each row the sum
    CHECK(all.left_out == 2 * 20);  // exponential and logarithm
    const auto finding = check_fault(folder, run, "pe[0].vector_lookup", "reciprocal_unit",
                                     "rounded = 25'(q[27:4]) + 25'(up)", "rounded = 25'(q[27:4])", "y_data[");
    CHECK(finding["operation"] == "fc2");  // the last before the loss
    CHECK(finding["command"].get<std::string>().find(": vector @") != std::string::npos);
    const auto planted = leto(folder, run +
                                          " --twin 'pe[0].vector_lookup=check:inject=y_last@20:block="
                                          "reciprocal_unit.toml' --out planted");
    check_refused(planted, 8, ", y_last: ");
    replayed(folder, "planted", "pe[0].vector_lookup", planted.err);
  }

  TEST_CASE("foreign run: a buffer manager of others grants what the model does and a fault is found") {
    const Folder folder;
    place_for_runs(folder);
    if (!has_verilator(folder)) return;
    const std::string run = training(folder, "tiny");
    must(folder, run + " --out plain");
    const Seen all = seen(folder, run, "pe[*].buffer_manager", "ring_keeper");
    CHECK(all.commands > 10000);
    CHECK(all.values > 10000);
    CHECK(all.left_out < all.commands / 2);  // held while something is ahead
    same_values(folder / "plain", folder / "of_ring_keeper");
    const auto finding = check_fault(folder, run, "pe[3].buffer_manager", "ring_keeper",
                                     "start[r] : tail[r] + size[r]", "start[r] : tail[r]", "r_tile");
    CHECK(!finding["operation"].get<std::string>().empty());
    CHECK(finding["doing"].get<std::string>().find("reserve b") != std::string::npos);
    const auto planted = leto(folder, run +
                                          " --twin 'pe[1].buffer_manager=check:inject=r_full@100:block="
                                          "ring_keeper.toml' --out planted");
    check_refused(planted, 8, ", r_full: ");
    replayed(folder, "planted", "pe[1].buffer_manager", planted.err);

    // Of one with four buffers of 64 KiB it is shown those that fit.
    write(folder / "ring_keeper.toml", read(kBlocks / "ring_keeper.toml"));
    const Seen few = seen(folder, run, "pe[*].buffer_manager", "ring_keeper");
    CHECK(few.commands > 0);
    CHECK(few.commands + few.left_out == all.commands + all.left_out);
    CHECK(few.left_out > all.left_out);
  }
}

}  // namespace leto::e2e
