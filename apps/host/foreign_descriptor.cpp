#include <algorithm>
#include <array>
#include <charconv>

#include "apps/host/foreign.h"
#include "arch/toml_file.h"
#include "base/errors.h"

namespace leto::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManual = "docs/foreign.md lists the keys of a descriptor";

[[noreturn]] void fail(const std::string& place, const std::string& cause, const std::string& remedy = kManual) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", place, cause), remedy);
}

class Descriptor {
 public:
  Descriptor(const fs::path& path, const ChipConfig& chip)
      : path_(path), table_(read_toml(path)), chip_(parse_toml(to_toml(chip), "chip")) {}

  ForeignDescriptor read() {
    refuse_unknown();
    ForeignDescriptor block;
    block.block = one_of(table_, "block", {"reduction_engine"}, "");
    block.module = text(table_, "module");
    read_files(block);
    block.parameters = parameters();
    for (const std::string& warning : texts(table_.get("allow"), "allow")) block.allow.push_back(warning);
    read_clock(block.map);
    read_pins(block.map);
    read_constants(block.map);
    read_stream(block.stream);
    return block;
  }

 private:
  std::string place_of(const toml::node& node) const { return place(path_.string(), node.source()); }
  std::string top() const { return path_.string() + ":1"; }

  void refuse_unknown() const {
    constexpr std::array<std::string_view, 15> kKeys = {
        "block",     "module", "files",   "parameters", "allow",      "clock",   "reset", "pins",
        "constants", "level",  "latency", "types",      "operations", "packing", "beat"};
    for (const auto& [key, node] : table_)
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end())
        fail(place(path_.string(), key.source()), fmt::format("unknown key \"{}\"", key.str()),
             fmt::format("the keys are {}", fmt::join(kKeys, ", ")));
  }

  std::string text(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (!node) fail(top(), fmt::format("has no \"{}\"", key));
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty())
      fail(place_of(*node), fmt::format("{} has to be a name, and is {}", key, kind_of(*node)));
    return *value;
  }

  /// `otherwise`: what a missing key stands for; empty: it may not be missing.
  std::string one_of(const toml::table& table, std::string_view key, const std::vector<std::string>& values,
                     const std::string& otherwise) const {
    if (!otherwise.empty() && !table.contains(key)) return otherwise;
    const std::string value = text(table, key);
    if (std::find(values.begin(), values.end(), value) == values.end())
      fail(place_of(*table.get(key)), fmt::format("{} = \"{}\"", key, value),
           fmt::format("there are {}", fmt::join(values, ", ")));
    return value;
  }

  std::vector<std::string> texts(const toml::node* node, std::string_view key) const {
    std::vector<std::string> all;
    if (!node) return all;
    if (const auto one = node->value_exact<std::string>()) return {*one};
    const toml::array* list = node->as_array();
    if (!list) fail(place_of(*node), fmt::format("{} has to be a text or a list of them, and is {}", key, kind_of(*node)));
    for (const toml::node& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value) fail(place_of(item), fmt::format("{} holds {}, and takes texts", key, kind_of(item)));
      all.push_back(*value);
    }
    return all;
  }

  const toml::table* section(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node && !node->is_table())
      fail(place_of(*node), fmt::format("{} has to be a section, and is {}", name, kind_of(*node)));
    return node ? node->as_table() : nullptr;
  }

  void read_files(ForeignDescriptor& block) const {
    for (const std::string& name : texts(table_.get("files"), "files")) {
      const fs::path file = path_.parent_path() / name;
      if (!fs::is_regular_file(file))
        fail(place_of(*table_.get("files")), fmt::format("no file {}", file.string()),
             "names are relative to the descriptor");
      block.files.push_back(fs::absolute(file));
    }
    if (block.files.empty()) fail(top(), "has no \"files\"");
  }

  /// A whole number, or the name of a chip key that has one.
  std::int64_t number_of(const toml::node& node, std::string_view what) const {
    std::optional<std::int64_t> value = node.value_exact<std::int64_t>();
    if (const auto name = node.value_exact<std::string>()) value = chip_.at_path(*name).value_exact<std::int64_t>();
    if (!value)
      fail(place_of(node), fmt::format("{} is no whole number", what),
           "give a whole number, or the chip's key that has it, such as \"reduction_engine.elements_per_cycle\"");
    return *value;
  }

  std::vector<std::string> parameters() const {
    std::vector<std::string> all;
    const toml::table* table = section("parameters");
    if (!table) return all;
    for (const auto& [key, node] : *table) all.push_back(fmt::format("{}={}", key.str(), number_of(node, key.str())));
    return all;
  }

  void read_clock(rtl::ForeignMap& map) const {
    const toml::table* clock = section("clock");
    const toml::table* reset = section("reset");
    if (!clock || !reset) fail(top(), fmt::format("has no [{}]", clock ? "reset" : "clock"));
    map.place = place_of(*clock);
    map.clock = text(*clock, "port");
    map.reset = text(*reset, "port");
    map.reset_low = one_of(*reset, "active", {"low", "high"}, "low") == "low";
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
      if (good && colon != std::string::npos) good = number(std::string_view(inside).substr(colon + 1), part.low);
    }
    if (!good) fail(where, fmt::format("\"{}\" names no port", all), "write PORT, PORT[HIGH:LOW] or !PORT");
    return part;
  }

  void read_pins(rtl::ForeignMap& map) const {
    const toml::table* table = section("pins");
    if (!table) fail(top(), "has no [pins]");
    for (const auto& [key, node] : *table) {
      rtl::ForeignMap::Pin pin{std::string(key.str()), {}, place_of(node)};
      for (const std::string& part : texts(&node, key.str())) pin.parts.push_back(slice(part, pin.place));
      map.pins.push_back(std::move(pin));
    }
  }

  void read_constants(rtl::ForeignMap& map) const {
    const toml::table* table = section("constants");
    if (!table) return;
    for (const auto& [key, node] : *table) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value) fail(place_of(node), fmt::format("the constant {} is no whole number", key.str()));
      map.constants.push_back({std::string(key.str()), static_cast<std::uint64_t>(*value), place_of(node)});
    }
  }

  std::uint32_t code(const toml::node& node) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0 || *value > 255) fail(place_of(node), "a code is a whole number from 0 to 255");
    return static_cast<std::uint32_t>(*value);
  }

  template <class Key, std::size_t N>
  void read_codes(std::string_view name, const std::array<std::pair<std::string_view, Key>, N>& names,
                  std::map<Key, std::uint32_t>& codes) const {
    const toml::table* table = section(name);
    if (!table) return;
    codes.clear();
    for (const auto& [key, node] : *table) {
      const auto found = std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == key.str(); });
      if (found == names.end()) fail(place_of(node), fmt::format("[{}] has no \"{}\"", name, key.str()));
      codes[found->second] = code(node);
    }
  }

  void read_stream(model::StreamSpec& stream) const {
    using isa::Opcode;
    using Operation = std::pair<std::string_view, Opcode>;
    using Type = std::pair<std::string_view, DType>;
    stream = model::StreamSpec::defaults();
    const std::string level = one_of(table_, "level", {"cycle", "window", "data"}, "data");
    stream.level = level == "cycle"    ? model::CompareLevel::cycle
                   : level == "window" ? model::CompareLevel::window
                                       : model::CompareLevel::data;
    stream.dense = one_of(table_, "packing", {"lanes", "dense"}, "lanes") == "dense";
    read_codes("operations",
               std::array{Operation{"drain", Opcode::drain}, Operation{"fill", Opcode::fill},
                          Operation{"pass", Opcode::pass}, Operation{"merge", Opcode::merge}},
               stream.operations);
    read_codes("types",
               std::array{Type{"fp32", DType::fp32}, Type{"bf16", DType::bf16}, Type{"fp16", DType::fp16},
                          Type{"fp8_e4m3", DType::e4m3}, Type{"fp8_e5m2", DType::e5m2}},
               stream.types);
    if (const toml::node* node = table_.get("beat")) {
      const std::int64_t beat = number_of(*node, "beat");
      if (beat < 1 || beat > 512) fail(place_of(*node), "a beat has 1 to 512 elements");
      stream.beat = static_cast<int>(beat);
    }
    read_latency(stream);
  }

  void read_latency(model::StreamSpec& stream) const {
    const toml::node* node = table_.get("latency");
    if (!node) {
      if (stream.level == model::CompareLevel::window) fail(top(), "level = \"window\" needs latency = [LEAST, MOST]");
      return;
    }
    const toml::array* both = node->as_array();
    const bool numbers = both && both->size() == 2 && both->is_homogeneous<std::int64_t>();
    if (numbers) {
      stream.least = *both->get(0)->value<std::int64_t>();
      stream.most = *both->get(1)->value<std::int64_t>();
    }
    if (!numbers || stream.least > stream.most)
      fail(place_of(*node), "latency is no [LEAST, MOST]",
           "give how many cycles more than the model's a command may take, least and most; less is negative");
  }

  fs::path path_;
  toml::table table_, chip_;
};

}  // namespace

ForeignDescriptor read_foreign(const fs::path& path, const ChipConfig& chip) {
  return Descriptor(path, chip).read();
}

}  // namespace leto::host
