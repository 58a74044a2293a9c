// Blocks that others wrote, through the binary: some that are right, with names, polarity, streams, orders
// and latencies of their own, faults in them, and descriptors that do not fit. And rtl/'s own as if others
// had written them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <regex>

#include "tests/e2e/foreign_blocks.h"

namespace leto::e2e {
namespace {

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
Finished changed(const Folder& folder, const std::string& name, const std::string& from,
                 const std::string& to) {
  const std::string original = read(kBlocks / (name + ".sv"));
  write(folder / (name + ".sv"), with(original, from, to));
  auto done = leto(folder, "twin import " + name + ".toml --commands 300 --waves w.fst");
  write(folder / (name + ".sv"), original);
  return done;
}

/// Imports `name` with one text of its descriptor replaced.
Finished described(const Folder& folder, const std::string& name, const std::string& from,
                   const std::string& to) {
  write(folder / "other.toml", with(read(kBlocks / (name + ".toml")), from, to));
  return leto(folder, "twin import other.toml --commands 50");
}

/// One of rtl/'s blocks as it is described to others: its ports.inc is the pins of level cycle.
struct Own {
  std::string block;
  std::vector<std::string> files;                               // of rtl/
  std::vector<std::pair<std::string, std::string>> parameters;  // and the chip's keys
};

const std::vector<Own>& own_blocks() {
  static const std::vector<Own> kOwn = {
      {"matrix_engine",
       {"common/isa_pkg.sv", "fp/fp_pkg.sv", "matrix_engine/matrix_tile.sv",
        "matrix_engine/matrix_engine.sv"},
       {{"Tiles", "matrix_engine.tiles"},
        {"InnerBytes", "matrix_engine.inner_bytes"},
        {"PipelineCycles", "matrix_engine.pipeline_cycles"}}},
      {"vector_lookup",
       {"common/isa_pkg.sv", "fp/fp_pkg.sv", "fp/fp32_pkg.sv", "vector_lookup/function_pkg.sv",
        "vector_lookup/vector_lookup.sv"},
       {{"Rate", "vector_engine.elements_per_cycle"}, {"Latency", "vector_engine.latency_cycles"}}},
      {"buffer_manager", {"buffer_manager/buffer_manager.sv"}, {}},
      {"address_generator",
       {"common/isa_pkg.sv", "address_generator/address_generator.sv"},
       {{"FragmentBytes", "fabric_interface.fragment_bytes"},
        {"BucketBytes", "fabric_interface.bucket_bytes"},
        {"LineBytes", "sram.line_bytes"},
        {"ScratchBytes", "sram.interleave_bytes"},
        {"OutstandingBytes", "fabric_interface.outstanding_bytes"},
        {"PortBytes", "fabric_interface.bytes_per_cycle"}}},
      {"sram_bank",
       {"common/isa_pkg.sv", "sram_bank/sram_bank.sv"},
       {{"BankBytes", "sram.bank_bytes_per_cycle"},
        {"LatencyCycles", "sram.latency_cycles"},
        {"LineBytes", "sram.line_bytes"},
        {"InterleaveBytes", "sram.interleave_bytes"}}},
      {"router",
       {"router/router_buffer.sv", "router/router.sv"},
       {{"LinkBytes", "noc.link_bytes_per_cycle"},
        {"HopCycles", "noc.hop_cycles"},
        {"BufferBytes", "noc.buffer_bytes"},
        {"ClusterRows", "noc.cluster_rows"},
        {"ClusterColumns", "noc.cluster_columns"},
        {"OutstandingBytes", "fabric_interface.outstanding_bytes"},
        {"FragmentBytes", "fabric_interface.fragment_bytes"}}}};
  return kOwn;
}

/// Imports one of them with a fault of tests/twin/faults, or none.
Finished own(const Folder& folder, const std::string& block, const std::string& fault) {
  const auto found = std::find_if(own_blocks().begin(), own_blocks().end(),
                                  [&](const Own& one) { return one.block == block; });
  REQUIRE(found != own_blocks().end());
  std::string text = "block = \"" + block + "\"\nmodule = \"" + block + "\"\nlevel = \"cycle\"\nfiles = [",
              more;
  for (const std::string& file : found->files) {
    const std::string name = fs::path(file).filename().string();
    write(folder / name, read(kRtl / file));
    text += "\"" + name + "\", ";
  }
  if (!fault.empty()) {
    const auto done = shell(
        folder, "sed -i -f '" + (kBlocks / "../faults" / (fault + ".sed")).string() + "' " + block + ".sv");
    REQUIRE(done.code == 0);
    REQUIRE(read(folder / (block + ".sv")) != read(kRtl / found->files.back()));
  }
  text += "]\n[parameters]\n";
  for (const auto& [name, key] : found->parameters) text += name + " = \"" + key + "\"\n";
  text += "[clock]\nport = \"clk_i\"\n[reset]\nport = \"rst_ni\"\n[pins]\n";
  const std::string ports = read(kRtl / block / "ports.inc");
  static const std::regex kPin("\n(IN|OUT)\\((\\w+),");
  for (std::sregex_iterator it(ports.begin(), ports.end(), kPin), end; it != end; ++it)
    text += (*it)[2].str() + " = \"" + (*it)[2].str() + ((*it)[1] == "IN" ? "_i" : "_o") + "\"\n";
  write(folder / "own.toml", text);
  return leto(folder, "twin import own.toml --commands 300 --waves own.fst");
}

}  // namespace

TEST_CASE("foreign: descriptors that do not fit are refused with their place") {
  const Folder folder;
  place(folder);
  if (!is_there(folder)) return;
  check_refused(described(folder, "drain_unit", "\"size\"", "\"length\""), 3, "no port \"length\"");
  check_refused(described(folder, "drain_unit", "\"address\"", "\"size\""), 3,
                "is an input, and an output is needed");
  check_refused(described(folder, "drain_unit", "[\"low\", \"high\"]", "[\"low\", \"high[6:0]\"]"), 3,
                "multiples of 8");
  check_refused(described(folder, "drain_unit", "d_ready = \"!stop\"", ""), 3, "nothing drives stop");
  check_refused(described(folder, "drain_unit", "d_valid = \"valid\"", ""), 3, "leaves out d_valid");
  check_refused(described(folder, "drain_unit", "\"drain_unit.sv\"", "\"none.sv\""), 3, "none.sv");
  check_refused(described(folder, "drain_unit", "level = \"window\"", "level = \"exact\""), 3, "exact");
  check_refused(described(folder, "drain_unit", "packing", "packaging"), 3, "unknown key \"packaging\"");
  check_refused(described(folder, "drain_unit", "module = \"drain_unit\"", "module = \"drain\""), 3,
                "Verilator");
  check_refused(leto(folder, "twin import none.toml"), 3, "none.toml");
  check_refused(described(folder, "outer_array", "\"k m\"", "\"k\""), 3,
                "other.toml:25: \"k\" does not go over m");
  check_refused(described(folder, "outer_array", "\"k n\"", "\"k n k\""), 3, "goes over k again");
  check_refused(described(folder, "outer_array", "k = [1, 64]", "k = [64, 1]"), 3,
                "other.toml:16: k holds no size");
  check_refused(described(folder, "outer_array", "h = {", "q = {"), 3, "no channel \"q\"");
  check_refused(described(folder, "outer_array", "bf16 = 0", "bf16 = 0\nfp16 = 1"), 3, "which type it is");
  check_refused(described(folder, "outer_array", "c_valid = ", "#"), 3, "leaves out c_valid");
  check_refused(described(folder, "outer_array", "\"data\"", "\"cycle\""), 3, "types means nothing");
  check_refused(described(folder, "ring_keeper", "\"push\", ", "\"open\", "), 3, "answered = \"open\"");
  check_refused(described(folder, "ring_keeper", "push = 1", "push = 256"), 3, "from 0 to 255");
  check_refused(described(folder, "ring_keeper", "cmd_op = ", "#"), 3, "which operation it is");
  check_refused(described(folder, "reciprocal_unit", "reciprocal = 0", "inverse = 0"), 3,
                "has no \"inverse\"");
  check_refused(described(folder, "reciprocal_unit", "[operations]", "bound = 2.0\n[operations]"), 3,
                "unknown key \"bound\"");
  check_refused(described(folder, "banked_engine", "\"k/8 n m\", delay", "\"k/8 m n\", delay"), 3,
                "read by index");
  check_refused(
      described(folder, "ring_keeper", "block = \"buffer_manager\"", "block = \"router\"\nlevel = \"data\""),
      3, "a router has no level \"data\"");
  check_refused(changed(folder, "drain_unit", "assign idle_n = busy;", "assign idle_n = !idle_n || busy;"), 3,
                "UNOPTFLAT");
}

// Each in the verb's reading, or behind Verilator and before the C++ compiler.
TEST_CASE("foreign: descriptors that say something twice or in part or beyond their pins are refused") {
  const Folder folder;
  place(folder);
  if (!is_there(folder)) return;
  const auto refused = [&](const std::string& name, const std::string& from, const std::string& to,
                           const std::string& cause) {
    CAPTURE(to);
    check_refused(described(folder, name, from, to), 3, cause);
  };
  refused("axis_reducer", "merge = 1", "merge = 0", "other.toml:18: [operations] merge has the code 0");
  refused("axis_reducer", "bf16 = 1", "bf16 = 0", "[types] fp32 has the code 0");
  refused("axis_reducer", "merge = 1", "merge = 2", "merge has code 2, and cmd_op has 1 bits joined");
  refused("axis_reducer", "bf16 = 1", "bf16 = 3", "bf16 has code 3, and cmd_type has 1 bits joined");
  refused("axis_reducer", "[pins]", "s_axis_bank_tlast = 1\n[pins]",
          "[pins] b_last and [constants] s_axis_bank_tlast both drive s_axis_bank_tlast");
  refused("axis_reducer", "[15:2]\" = 0", "[15:2]\" = 16384", "16384 does not fit its 14 bits");
  refused("axis_reducer", "tdata[31:16]", "tdata[16:1]",
          "[pins] cmd_count and [pins] cmd_type both drive s_axis_cmd_tdata[1]");
  refused("axis_reducer", "b_last = \"s_axis_bank_tlast\"", "b_last = \"aclk\"",
          "[clock] and [pins] b_last both");
  refused("axis_reducer", "level = \"data\"", "level = \"data\"\nbeat = 32",
          "holds 16 elements in lanes of 32, and beat is 32");
  refused("axis_reducer", "LANES = 16", "LANES = 4294967296", "LANES = 4294967296 is wider than 32 bits");
  refused("axis_reducer", "level = \"data\"", "allow = [\"UNOPTFLAT\", \"UNOPTFLATS\"]",
          "other.toml:4: allow = \"UNOPTFLATS\": Verilator has no such warning");
  refused("axis_reducer", "level = \"data\"", "allow = [\"-O3\"]", "allow = \"-O3\" is no warning");
  refused("axis_reducer", "files = [\"isa_pkg.sv\", \"fp_pkg.sv\", \"axis_reducer.sv\"]", "files = []",
          "other.toml:3: files is empty");
  refused("axis_reducer", "\"isa_pkg.sv\", ", "\".\", ", "is a directory");
  refused("axis_reducer", "\"s_axis_cmd_tdata[15:2]\" = 0", "\"s_axis_cmd_tdata[15:12]\" = 0",
          "nothing drives s_axis_cmd_tdata[11:2]");
  refused("banked_engine", "latency = [0", "latency = [-1", "is not from 0 to 1000000 cycles");
  refused("drain_unit", "latency = [0, 2]", "latency = [0, 1000001]",
          "is not from -1000000 to 1000000 cycles");
}

TEST_CASE("foreign: the manual's descriptor is one of the tests'") {
  const std::string manual = read(fs::path(LETO_SOURCE_DIR) / "docs/foreign.md");
  CHECK(manual.find("```toml\n" + read(kBlocks / "outer_array.toml") + "```") != std::string::npos);
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

  TEST_CASE("foreign: engines and a lookup and buffers of other kinds keep the model's contract") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    for (const auto& [name, least] : {std::pair{"outer_array", 60000},
                                      {"serial_gemm", 20000},
                                      {"banked_engine", 100000},
                                      {"dot_unit", 10000},
                                      {"reciprocal_unit", 30000},
                                      {"ring_keeper", 2000},
                                      {"slot_ring", 1000}}) {
      CAPTURE(name);
      const auto seen = imported(folder, name);
      CHECK(seen["commands"] == 1000);
      CHECK(seen["difference"] == "");
      CHECK(seen["values_compared"] > least);
    }
  }

  TEST_CASE("foreign: a rounding that is wrong beside a tie alone is found with the default commands") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    const std::string right = "rounded = x + 32'h7fff + 32'(x[16]);",
                      text = read(kBlocks / "axis_reducer.sv");
    for (const char* wrong : {"x[15:0] == 16'h8001 ? x : ", "x[15:0] == 16'h7fff ? x + 32'h8001 : "}) {
      write(folder / "axis_reducer.sv", with(text, right, "rounded = " + (wrong + right.substr(10))));
      check_refused(leto(folder, "twin import axis_reducer.toml"), 8, "d_data[");
    }
  }

  TEST_CASE("foreign: a difference names the inputs that made the wrong element") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    // Element 5 of each beat of 16; the inputs run ahead of the results.
    write(folder / "axis_reducer.sv", with(read(kBlocks / "axis_reducer.sv"), "    return all;",
                                           "    all[5*32] = !all[5*32];\n    return all;"));
    const auto done = leto(folder, "twin import axis_reducer.toml --json");
    CHECK(done.code == 8);
    const auto seen = nlohmann::json::parse(done.out);
    const auto& finding = seen["finding"];
    const std::size_t element = finding["element"];
    CHECK(element % 16 == 5);
    CHECK(finding["signal"].get<std::string>() == finding["channel"].get<std::string>() + "_data[5]");
    CHECK(finding["expected"] != finding["found"]);
    CHECK(finding["command"].get<std::string>().starts_with("random "));
    REQUIRE(!finding["inputs"].empty());
    for (const auto& input : finding["inputs"]) {
      CHECK(input["elements"] == nlohmann::json::array({element}));
      CHECK(input["beats"] == nlohmann::json::array({element / 16}));
      CHECK(input["values"].size() == 1);
    }
    const std::string text = seen["difference"];
    CHECK(text.find(fmt::format("b[{}] in beat {} of ", element, element / 16)) != std::string::npos);
    CHECK(text.find("no operation") == std::string::npos);
    CHECK(done.err.find(text) != std::string::npos);
  }

  TEST_CASE("foreign: a block whose evaluation never ends is ended") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    const std::string text = read(kBlocks / "drain_unit.sv");
    const std::string loop =
        "begin\n int unsigned i;\n i = 1;\n while (i != 0) i = i + 2;\n busy <= 1'b1;\n end";
    write(folder / "drain_unit.sv", with(text, "busy <= 1'b1;", loop));
    const auto done = leto(folder, "twin import drain_unit.toml --evaluation-seconds 2");
    check_refused(done, 3, "drain_unit does not come to the end of cycle ");
    CHECK(done.err.find("drain_unit.toml:") != std::string::npos);
    // Without a register and without an end: the runtime says so itself.
    write(folder / "drain_unit.sv", with(text, "assign idle_n = busy;", "assign idle_n = !idle_n || busy;"));
    check_refused(described(folder, "drain_unit", "level = ", "allow = [\"UNOPTFLAT\"]\nlevel = "), 3,
                  "cannot be simulated");
  }

  TEST_CASE("foreign: beats beyond a command's are its own difference and not the next one's") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    std::string text =
        with(read(kBlocks / "axis_reducer.sv"), "valid0 <= beat;", "valid0 <= beat || (valid0 && last0);");
    text = with(text, "last0 <= s_axis_bank_tlast;", "last0 <= s_axis_bank_tlast && beat;");
    // With the second one the next command would be taken at once.
    for (const auto& other : {text, with(text, "!busy && !valid0 && !valid1", "!busy")}) {
      write(folder / "axis_reducer.sv", other);
      const auto done = leto(folder, "twin import axis_reducer.toml");
      check_refused(done, 8, "_valid: model 0, rtl 1; random ");
      CHECK(done.err.find("beats beyond the command's") != std::string::npos);
    }
  }

  TEST_CASE("foreign: strobes in the place of a valid and slots in the place of addresses") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    std::string text = read(kBlocks / "ring_keeper.toml");
    for (const auto& [from, to] : {std::pair{"cmd_valid = \"req_valid\"", ""},
                                   {"cmd_op = \"req_what\"", "cmd_op = [\"req_what\", \"req_valid\"]"},
                                   {"define = 4", "define = 12"},
                                   {"reserve = 0", "reserve = 8"},
                                   {"push = 1", "push = 9"},
                                   {"wait = 2", "wait = 10"},
                                   {"pop = 3", "pop = 11"},
                                   {"cmd_base = \"req_start\"", ""},
                                   {"cmd_bytes = \"req_size\"", ""},
                                   {"[pins]", "[constants]\nreq_start = 0\nreq_size = 1\n[pins]"}})
      text = with(text, from, to);
    write(folder / "strobes.toml", text);
    const auto seen = imported(folder, "strobes");
    CHECK(seen["difference"] == "");
    CHECK(seen["values_compared"] > 2000);
    write(folder / "strobes.toml", with(text, "reserve = 8", "reserve = 0"));
    check_refused(leto(folder, "twin import strobes.toml"), 3, "reserve has code 0");
  }

  TEST_CASE("foreign: faults in engines and a lookup and buffers are found in their channel") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    check_refused(changed(folder, "outer_array", "if (run_clear) sums", "if (run_clear && steps == 0) sums"),
                  8, "c_data[");
    check_refused(changed(folder, "outer_array", "assign s_axis_left_tready = both",
                          "assign s_axis_left_tready = phase == Add"),
                  8, "c_valid");
    check_refused(changed(folder, "outer_array", "tlast = leaving[0]", "tlast = leaving == 4'd15"), 8,
                  "c_last");
    check_refused(changed(folder, "outer_array", "tkeep = '1", "tkeep = 16'hfff"), 8, "c_keep[12]");
    check_refused(changed(folder, "banked_engine", "if (met_lanes[l])", "if (1'b1)"), 8, "c_data[");
    check_refused(changed(folder, "banked_engine", "write_at <= met_at;", "write_at <= at;"), 8, "c_index");
    check_refused(changed(folder, "banked_engine", "write_count <= rows_there", "write_count <= 3'd4"), 8,
                  "c_count");
    check_refused(described(folder, "banked_engine", "2000", "8"), 8, "length");
    check_refused(changed(folder, "dot_unit", "begins ? start : sum", "begins ? 32'h0 : sum"), 8,
                  "c_data[0]");
    check_refused(described(folder, "dot_unit", "bound = 1e-6", ""), 8, "c_data[0]");
    check_refused(changed(folder, "reciprocal_unit", "7'h0, rounded[23:0]}", "31'h0}"), 8, "y_data[");
    check_refused(changed(folder, "reciprocal_unit", "in_ready = moves", "in_ready = 1'b1"), 8, "y_");
    check_refused(changed(folder, "ring_keeper", "last_tail ? start[r]", "last_tail ? tail[r]"), 8, "r_tile");
    check_refused(changed(folder, "ring_keeper", "ans_no <= held[r] == 0", "ans_no <= 1'b0"), 8, "r_ok");
    check_refused(
        changed(folder, "slot_ring", "freed <= freed + 4'd1", "freed <= freed + (freed == 13 ? 4'd2 : 4'd1)"),
        8, "r_");
    check_refused(described(folder, "slot_ring", "depth = 8", "depth = [4, 8]"), 3,
                  "how deep the buffers are");
    check_refused(described(folder, "slot_ring", "depth = 8", "depth = 8\nbytes = [1, 2]"), 3,
                  "bytes a tile");
    check_refused(changed(folder, "ring_keeper", "ans_held <= held[r] - 6'd1", "ans_held <= held[r]"), 8,
                  "r_full");
  }

  TEST_CASE("foreign: rtl's own blocks pass as others' in every cycle and faults in them are found") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    for (const Own& one : own_blocks()) {
      const auto done = own(folder, one.block, "");
      CHECK_MESSAGE(done.code == 0, one.block, ": ", done.err);
    }
    for (const auto& [block, fault, signal] : {std::tuple{"matrix_engine", "first_ignored", "c_data"},
                                               {"buffer_manager", "depth_one_more", "beg_ready"},
                                               {"address_generator", "rows_never_touch", "p_"},
                                               {"router", "column_first", "g_ways"},
                                               {"vector_lookup", "beat_lost_when_stopped", ", "},
                                               {"sram_bank", "write_comes_out", "r_"}}) {
      const auto done = own(folder, block, fault);
      check_refused(done, 8, signal);
      CHECK(read(folder / "own.fst").size() > 100);
      fs::remove(folder / "own.fst");
    }
  }

  TEST_CASE("foreign: faults in the blocks are found in their channel") {
    const Folder folder;
    place(folder);
    if (!is_there(folder)) return;
    check_refused(changed(folder, "axis_reducer", "32'h7fff + 32'(x[16])", "32'h8000"), 8, "d_data[");
    CHECK(read(folder / "w.fst").size() > 100);
    check_refused(changed(folder, "axis_reducer", "last1 <= last0;", "last1 <= s_axis_bank_tlast;"), 8,
                  "d_last");
    check_refused(changed(folder, "axis_reducer", "!valid1 || sum || m_axis_store_tready", "1'b1"), 8,
                  ", d_");  // what stands behind the beat that goes too early says whether data or valid
    check_refused(changed(folder, "drain_unit", "= x[31:16]", "= x[30:15]"), 8, "d_data[");
    check_refused(changed(folder, "drain_unit", "taken + 13'(RATE)", "taken + 13'(RATE) - 13'd1"), 8,
                  "d_data[");
    check_refused(described(folder, "drain_unit", "\"reduction_engine.latency_cycles\"", "20"), 8, "length");
    check_refused(changed(folder, "drain_unit", "busy <= 1'b1;", "$finish;"), 3, "$finish");
    check_refused(changed(folder, "drain_unit", "busy <= 1'b1;", "busy <= 1'b0;"), 8, "0 for 2000 cycles");
  }
}

}  // namespace leto::e2e
