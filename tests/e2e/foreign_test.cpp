// Blocks that others wrote, through the binary: two that are right, with names, polarity, streams and latencies of their
// own, faults in them, and descriptors that do not fit.
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

const fs::path kBlocks = fs::path(LETO_SOURCE_DIR) / "tests/twin/foreign";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

void place(const Folder& folder) {
  for (const char* file : {"axis_reducer.sv", "axis_reducer.toml", "drain_unit.sv", "drain_unit.toml"})
    write(folder / file, read(kBlocks / file));
  write(folder / "isa_pkg.sv", read(kBlocks / "../../../rtl/common/isa_pkg.sv"));
  write(folder / "fp_pkg.sv", read(kBlocks / "../../../rtl/fp/fp_pkg.sv"));
}

/// Is there a Verilator? Without one the verb says so, and that is all there is to see.
bool is_there(const Folder& folder) {
  if (shell(folder, "command -v verilator").code == 0) return true;
  check_refused(leto(folder, "twin import drain_unit.toml"), 4, "Verilator");
  return false;
}

/// What 1,000 commands showed of a block that is right.
nlohmann::json imported(const Folder& folder, const std::string& name) {
  const auto done = leto(folder, "twin import " + name + ".toml --commands 1000 --json");
  CHECK_MESSAGE(done.code == 0, done.err);
  REQUIRE(!done.out.empty());
  return nlohmann::json::parse(done.out);
}

/// Imports `name` with one text of its SystemVerilog replaced.
Finished changed(const Folder& folder, const std::string& name, const std::string& from, const std::string& to) {
  const std::string original = read(kBlocks / (name + ".sv"));
  write(folder / (name + ".sv"), with(original, from, to));
  auto done = leto(folder, "twin import " + name + ".toml --commands 300 --waves w.fst");
  write(folder / (name + ".sv"), original);
  return done;
}

/// Imports `name` with one text of its descriptor replaced.
Finished described(const Folder& folder, const std::string& name, const std::string& from, const std::string& to) {
  write(folder / "other.toml", with(read(kBlocks / (name + ".toml")), from, to));
  return leto(folder, "twin import other.toml --commands 50");
}

}  // namespace

TEST_CASE("foreign: descriptors that do not fit are refused with their place") {
  const Folder folder;
  place(folder);
  if (!is_there(folder)) return;
  check_refused(described(folder, "drain_unit", "\"size\"", "\"length\""), 3, "no port \"length\"");
  check_refused(described(folder, "drain_unit", "\"address\"", "\"size\""), 3, "is an input, and an output is needed");
  check_refused(described(folder, "drain_unit", "[\"low\", \"high\"]", "[\"low\", \"high[6:0]\"]"), 3, "multiples of 8");
  check_refused(described(folder, "drain_unit", "d_ready = \"!stop\"", ""), 3, "nothing drives stop");
  check_refused(described(folder, "drain_unit", "d_valid = \"valid\"", ""), 3, "leaves out d_valid");
  check_refused(described(folder, "drain_unit", "\"drain_unit.sv\"", "\"none.sv\""), 3, "none.sv");
  check_refused(described(folder, "drain_unit", "level = \"window\"", "level = \"exact\""), 3, "exact");
  check_refused(described(folder, "drain_unit", "packing", "packaging"), 3, "unknown key \"packaging\"");
  check_refused(described(folder, "drain_unit", "module = \"drain_unit\"", "module = \"drain\""), 3, "Verilator");
  check_refused(leto(folder, "twin import none.toml"), 3, "none.toml");
  check_refused(changed(folder, "drain_unit", "assign idle_n = busy;", "assign idle_n = !idle_n || busy;"), 3,
                "UNOPTFLAT");
}

// Each compiles a Verilated block.
TEST_SUITE("slow") {
  TEST_CASE("foreign: an engine with AXI streams and one that reads by address keep the model's contract") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    const auto axis = imported(folder, "axis_reducer");
    CHECK(axis["commands"] == 1000);
    CHECK(axis["difference"] == "");
    CHECK(axis["left_out"] > 100);
    CHECK(axis["values_compared"] > 100000);
    const auto drain = imported(folder, "drain_unit");
    CHECK(drain["level"] == "window");
    CHECK(drain["least_more_cycles"] == 0);
    CHECK(drain["most_more_cycles"] == 0);
    CHECK(drain["values_compared"] > 100000);
  }

  TEST_CASE("foreign: faults in the blocks are found in their channel") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    check_refused(changed(folder, "axis_reducer", "32'h7fff + 32'(x[16])", "32'h8000"), 8, "d_data[");
    CHECK(read(folder / "w.fst").size() > 100);
    check_refused(changed(folder, "axis_reducer", "last1 <= last0;", "last1 <= s_axis_bank_tlast;"), 8, "d_last");
    check_refused(changed(folder, "axis_reducer", "!valid1 || sum || m_axis_store_tready", "1'b1"), 8, "d_data");
    check_refused(changed(folder, "drain_unit", "= x[31:16]", "= x[30:15]"), 8, "d_data[");
    check_refused(changed(folder, "drain_unit", "taken + 13'(RATE)", "taken + 13'(RATE) - 13'd1"), 8, "d_data[");
    check_refused(described(folder, "drain_unit", "\"reduction_engine.latency_cycles\"", "20"), 8, "length");
    check_refused(changed(folder, "drain_unit", "busy <= 1'b1;", "$finish;"), 3, "$finish");
    check_refused(changed(folder, "drain_unit", "busy <= 1'b1;", "busy <= 1'b0;"), 8, "0 for 2000 cycles");
  }
}

}  // namespace leto::e2e
