#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "apps/host/descriptor_file.h"
#include "apps/host/foreign.h"
#include "base/errors.h"

namespace leto::host {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  Descriptor(const fs::path& path, const ChipConfig& chip) : file_(path, chip) {}

  ForeignDescriptor read() {
    constexpr std::array<std::string_view, 23> kKeys = {
        "block",     "module", "files",   "parameters",   "allow",  "clock",      "reset",   "pins",
        "constants", "level",  "latency", "latency_from", "types",  "operations", "packing", "beat",
        "channels",  "shape",  "counts",  "bound",        "values", "answered",   "patience"};
    file_.refuse_unknown(file_.table(), kKeys);
    ForeignDescriptor block;
    block.block = file_.one_of(file_.table(), "block",
                               {"matrix_engine", "reduction_engine", "vector_lookup", "buffer_manager",
                                "address_generator", "sram_bank", "router"},
                               "");
    block.module = file_.text(file_.table(), "module");
    read_files(block);
    block.parameters = parameters();
    block.allow = file_.texts(file_.table(), "allow");
    if (const toml::node* allow = file_.table().get("allow")) block.allow_place = file_.place_of(*allow);
    for (const std::string& name : block.allow)
      if (name.empty() ||
          !std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c); }))
        file_.fail(block.allow_place, fmt::format("allow = \"{}\" is no warning of Verilator", name),
                   "write the name that stands behind %Warning-, such as UNOPTFLAT");
    block.map.module = block.module;
    read_clock(block.map);
    read_pins(block.map);
    read_constants(block.map);
    block.stream.block = block.block;
    for (const rtl::ForeignMap::Pin& pin : block.map.pins) block.stream.pins.insert(pin.name);
    read_stream(file_, block.stream);
    return block;
  }

 private:
  void read_files(ForeignDescriptor& block) const {
    for (const std::string& name : file_.texts(file_.table(), "files")) {
      const fs::path file = file_.path().parent_path() / name;
      const std::string where = file_.place_of(*file_.table().get("files"));
      if (fs::is_directory(file))
        file_.fail(where, fmt::format("{} is a directory", file.string()),
                   "name its SystemVerilog files, packages first");
      if (!fs::is_regular_file(file))
        file_.fail(where, fmt::format("no file {}", file.string()), "names are relative to the descriptor");
      block.files.push_back(fs::absolute(file));
    }
    if (!block.files.empty()) return;
    const toml::node* node = file_.table().get("files");
    file_.fail(
        node ? file_.place_of(*node) : file_.top(), node ? "files is empty" : "has no \"files\"",
        "name the block's SystemVerilog files, packages first: files = [\"my_pkg.sv\", \"my_block.sv\"]");
  }

  std::vector<std::string> parameters() const {
    std::vector<std::string> all;
    const toml::table* table = file_.section("parameters");
    if (!table) return all;
    for (const auto& [key, node] : *table) {
      const std::int64_t value = file_.number(node, key.str());
      if (value < std::numeric_limits<std::int32_t>::min() ||
          value > std::numeric_limits<std::uint32_t>::max())
        file_.fail(file_.place_of(node), fmt::format("{} = {} is wider than 32 bits", key.str(), value),
                   "Verilator takes parameters of 32 bits: set it in a module around this one");
      all.push_back(fmt::format("{}={}", key.str(), value));
    }
    return all;
  }

  void read_clock(rtl::ForeignMap& map) const {
    const toml::table* clock = file_.section("clock");
    const toml::table* reset = file_.section("reset");
    if (!clock || !reset) file_.fail(file_.top(), fmt::format("has no [{}]", clock ? "reset" : "clock"));
    constexpr std::array<std::string_view, 2> kReset = {"port", "active"};
    file_.refuse_unknown(*clock, std::span(kReset).first(1));
    file_.refuse_unknown(*reset, kReset);
    map.place = file_.place_of(*clock);
    map.clock = file_.text(*clock, "port");
    map.reset = file_.text(*reset, "port");
    map.reset_low = file_.one_of(*reset, "active", {"low", "high"}, "low") == "low";
  }

  static bool number(std::string_view digits, int& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() && value >= 0;
  }

  // PORT, !PORT, PORT[HIGH:LOW] or PORT[BIT].
  rtl::Slice slice(std::string text, const std::string& where) const {
    rtl::Slice part;
    const std::string all = text;
    if (text.starts_with('!')) {
      part.inverted = true;
      text.erase(0, 1);
    }
    const auto open = text.find('[');
    part.port = text.substr(0, open);
    bool good = !part.port.empty();
    if (good && open != std::string::npos) {
      good = text.ends_with(']');
      const std::string inside = good ? text.substr(open + 1, text.size() - open - 2) : "";
      const auto colon = inside.find(':');
      good = good && number(std::string_view(inside).substr(0, colon), part.high);
      part.low = part.high;
      if (good && colon != std::string::npos)
        good = number(std::string_view(inside).substr(colon + 1), part.low);
    }
    if (!good)
      file_.fail(where, fmt::format("\"{}\" names no port", all), "write PORT, PORT[HIGH:LOW] or !PORT");
    return part;
  }

  void read_pins(rtl::ForeignMap& map) const {
    const toml::table* table = file_.section("pins");
    if (!table) file_.fail(file_.top(), "has no [pins]");
    for (const auto& [key, node] : *table) {
      rtl::ForeignMap::Pin pin{std::string(key.str()), {}, file_.place_of(node)};
      for (const std::string& part : file_.texts(node, key.str()))
        pin.parts.push_back(slice(part, pin.place));
      map.pins.push_back(std::move(pin));
    }
  }

  void read_constants(rtl::ForeignMap& map) const {
    const toml::table* table = file_.section("constants");
    if (!table) return;
    for (const auto& [key, node] : *table) {
      const std::string where = file_.place_of(node);
      const rtl::Slice part = slice(std::string(key.str()), where);
      if (part.inverted) file_.fail(where, fmt::format("a constant of \"{}\"", key.str()), "leave the ! out");
      map.constants.push_back({part, file_.number(node, key.str()), where});
    }
  }

  DescriptorFile file_;
};

}  // namespace

ForeignDescriptor read_foreign(const fs::path& path, const ChipConfig& chip) {
  return Descriptor(path, chip).read();
}

}  // namespace leto::host
