// How a foreign block is spoken to: level, codes, channels, limits.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "apps/host/descriptor_file.h"
#include "apps/host/foreign.h"
#include "model/twin/stream_contract.h"
#include "model/twin/stream_jobs.h"
#include "model/twin/stream_order.h"

namespace leto::host {
namespace {

using model::CompareLevel;

class StreamReader {
 public:
  StreamReader(const DescriptorFile& file, model::StreamSpec& stream)
      : file_(file), table_(file.table()), stream_(stream), contract_(model::stream_contract(stream.block)) {}

  void read() {
    stream_.place = file_.place_of(*table_.get("pins"));
    read_level();
    if (stream_.level == CompareLevel::cycle) return refuse_streams();
    read_latency();
    read_codes();
    read_channels();
    read_shape();
    read_counts();
    read_answered();
    stream_.bound = bound();
    stream_.ordinary = file_.one_of(table_, "values", {"any", "ordinary"}, "any") == "ordinary";
    stream_.patience = static_cast<int>(file_.number(table_, "patience", 1, 1 << 30, 0));
    check_told();
    for (const model::StreamChannel& channel : contract_->channels) check_joined(channel);
  }

 private:
  [[noreturn]] void fail(const toml::node& node, const std::string& cause,
                         const std::string& remedy = DescriptorFile::kManual) const {
    DescriptorFile::fail(file_.place_of(node), cause, remedy);
  }

  void read_level() {
    const std::string level =
        file_.one_of(table_, "level", {"cycle", "window", "data"}, contract_ ? "data" : "cycle");
    stream_.level = level == "cycle"    ? CompareLevel::cycle
                    : level == "window" ? CompareLevel::window
                                        : CompareLevel::data;
    if (!contract_ && stream_.level != CompareLevel::cycle)
      fail(*table_.get("level"), fmt::format("a {} has no level \"{}\"", stream_.block, level),
           "it is compared cycle by cycle: level = \"cycle\"");
  }

  // What a level of every pin leaves nothing to say of.
  void refuse_streams() const {
    for (const char* key : {"latency", "latency_from", "types", "operations", "packing", "beat", "channels",
                            "shape", "counts", "bound", "values", "answered", "patience"})
      if (const toml::node* node = table_.get(key))
        fail(*node, fmt::format("{} means nothing at level \"cycle\"", key),
             "leave it out: at this level every pin is that of rtl/'s block, in every cycle");
  }

  void read_latency() {
    stream_.from_model = file_.one_of(table_, "latency_from", {"model", "zero"}, "model") == "model";
    const toml::node* node = table_.get("latency");
    if (!node) {
      if (stream_.level == CompareLevel::window)
        DescriptorFile::fail(file_.top(), "level = \"window\" needs latency = [LEAST, MOST]");
      return;
    }
    const toml::array* both = node->as_array();
    if (both && both->size() == 2) {
      stream_.least = file_.number(*both->get(0), "latency");
      stream_.most = file_.number(*both->get(1), "latency");
    }
    if (!both || both->size() != 2 || stream_.least > stream_.most)
      fail(*node, "latency is no [LEAST, MOST]",
           "give how many cycles more than the model's a command may take, least and most; less is negative");
    constexpr std::int64_t kMost = 1000000;
    const std::int64_t from = stream_.from_model ? -kMost : 0;
    if (stream_.least < from || stream_.most > kMost)
      fail(*node,
           fmt::format("latency = [{}, {}] is not from {} to {} cycles", stream_.least, stream_.most, from,
                       kMost),
           "give the least and the most cycles; less than the model's are negative with latency_from = "
           "\"model\"");
  }

  std::uint32_t code(const toml::node& node) const {
    const std::int64_t value = file_.number(node, "a code");
    if (value < 0 || value > 255) fail(node, "a code is a whole number from 0 to 255");
    return static_cast<std::uint32_t>(value);
  }

  template <class Key>
  void read_codes(std::string_view name, const std::vector<std::pair<std::string, Key>>& names,
                  std::map<Key, std::uint32_t>& codes) const {
    const toml::table* table = file_.section(name);
    if (!table) return;
    codes.clear();
    for (const auto& [key, node] : *table) {
      const auto found =
          std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == key.str(); });
      if (found == names.end()) {
        std::vector<std::string> all;
        for (const auto& one : names) all.push_back(one.first);
        fail(node, fmt::format("[{}] of a {} has no \"{}\"", name, stream_.block, key.str()),
             all.empty() ? fmt::format("leave [{}] out", name)
                         : fmt::format("there are {}", fmt::join(all, ", ")));
      }
      const std::uint32_t own = code(node);
      for (const auto& [other, taken] : codes)
        if (taken == own)
          fail(node, fmt::format("[{}] {} has the code {}, as another one has", name, key.str(), own),
               "give each its own, or leave out what the block does not tell apart");
      codes[found->second] = own;
    }
  }

  void read_codes() {
    std::vector<std::pair<std::string, std::string>> operations;
    for (const model::StreamCode& one : contract_->operations) {
      operations.emplace_back(one.name, one.name);
      stream_.operations[std::string(one.name)] = one.code;
    }
    std::vector<std::pair<std::string, DType>> types;
    for (const DType type : contract_->types) {
      types.emplace_back(name_of(type), type);
      stream_.types[type] = static_cast<std::uint32_t>(type);
    }
    read_codes("operations", operations, stream_.operations);
    read_codes("types", types, stream_.types);
  }

  void read_channels() {
    model::ChannelSpec all;
    all.dense = file_.one_of(table_, "packing", {"lanes", "dense"}, "lanes") == "dense";
    all.beat = static_cast<int>(file_.number(table_, "beat", 1, 4096, 0));
    for (const model::StreamChannel& channel : contract_->channels) {
      all.by_element = channel.by_element;
      stream_.channels[std::string(channel.name)] = all;
    }
    const toml::table* table = file_.section("channels");
    if (!table) return;
    for (const auto& [key, node] : *table) {
      const int number = contract_->channel(key.str());
      if (number < 0) {
        std::vector<std::string_view> names;
        for (const model::StreamChannel& one : contract_->channels) names.push_back(one.name);
        fail(node, fmt::format("a {} has no channel \"{}\"", stream_.block, key.str()),
             fmt::format("there are {}", fmt::join(names, ", ")));
      }
      if (!node.is_table())
        fail(node, fmt::format("{} has to be a table, and is {}", key.str(), kind_of(node)));
      read_channel(*node.as_table(), contract_->channels[static_cast<std::size_t>(number)]);
    }
    check_memory();
  }

  void read_channel(const toml::table& table, const model::StreamChannel& channel) {
    constexpr std::array<std::string_view, 8> kKeys = {"order", "beat", "lane",  "packing",
                                                       "rows",  "last", "index", "delay"};
    file_.refuse_unknown(table, kKeys);
    model::ChannelSpec& spec = stream_.channels[std::string(channel.name)];
    if (table.contains("order")) {
      const std::string order = file_.text(table, "order");
      const std::string fault = channel.order.empty() ? "only a matrix engine's channels have an order"
                                                      : model::LoopOrder::fault(order, channel.dims);
      if (!fault.empty())
        fail(*table.get("order"), fault,
             fmt::format(
                 "write loops, the outermost first, each of {0} as the last of its own: order = \"{1}\"",
                 fmt::join(channel.dims, " and "), channel.order));
      spec.order = order;
    }
    spec.beat = static_cast<int>(file_.number(table, "beat", 1, 4096, spec.beat));
    spec.lane = static_cast<int>(file_.number(table, "lane", 8, 64, 0));
    spec.dense =
        file_.one_of(table, "packing", {"lanes", "dense"}, spec.dense ? "dense" : "lanes") == "dense";
    spec.joined = file_.one_of(table, "rows", {"apart", "joined"}, "apart") == "joined";
    spec.row_last = file_.one_of(table, "last", {"command", "row"}, "command") == "row";
    spec.by_element = file_.one_of(table, "index", {"beats", "elements"},
                                   spec.by_element ? "elements" : "beats") == "elements";
    spec.delay = static_cast<int>(file_.number(table, "delay", 0, 64, 0));
  }

  // Where sums are written back, they lie as they are read.
  void check_memory() const {
    if (!stream_.has("a_index")) return;
    const auto inner = [&](std::string_view name) {
      const std::string order = stream_.channel(name).order;
      return model::LoopOrder(order.empty() ? std::string_view("n m") : std::string_view(order)).inner();
    };
    if (inner("a") != inner("c"))
      fail(*table_.get("channels"), "the orders of a and c end in different loops, and a is read by index",
           "let both end in the same one, which the rows of that memory follow");
  }

  void read_shape() {
    const toml::table* table = file_.section("shape");
    if (!table) return;
    file_.refuse_unknown(*table, contract_->sizes);
    for (const auto& [key, node] : *table) {
      std::vector<std::int64_t> values;
      if (const toml::array* list = node.as_array())
        for (const toml::node& item : *list) values.push_back(file_.number(item, key.str()));
      else
        values.assign(2, file_.number(node, key.str()));
      model::Extent extent;
      if (values.size() == 2 || values.size() == 3)
        extent = {values[0], values[1], values.size() == 3 ? values[2] : 1};
      if (values.size() < 2 || values.size() > 3 || extent.least < 1 || extent.most > 65535 ||
          extent.step < 1 || extent.most / extent.step * extent.step < extent.least)
        fail(node, fmt::format("{} holds no size", key.str()),
             "give the one there is, or [LEAST, MOST], or [LEAST, MOST, STEP] for multiples of STEP");
      stream_.shape[std::string(key.str())] = extent;
    }
  }

  void read_counts() {
    const toml::table* table = file_.section("counts");
    if (!table) return;
    constexpr std::array<std::string_view, 2> kKeys = {"unit", "less"};
    for (const auto& [key, node] : *table) {
      constexpr std::array<std::string_view, 4> kPins = {"cmd_count", "cmd_m", "cmd_n", "cmd_k"};
      if (std::find(kPins.begin(), kPins.end(), key.str()) == kPins.end() || !node.is_table())
        fail(node, fmt::format("[counts] takes no {}", key.str()),
             fmt::format("write PIN = {{unit = 16, less = 1}} for one of {}", fmt::join(kPins, ", ")));
      file_.refuse_unknown(*node.as_table(), kKeys);
      stream_.counts[std::string(key.str())] = {
          static_cast<int>(file_.number(*node.as_table(), "unit", 1, 65535, 1)),
          static_cast<int>(file_.number(*node.as_table(), "less", 0, 1, 0))};
    }
  }

  void read_answered() {
    const toml::node* node = table_.get("answered");
    if (!node) return;
    stream_.answered.clear();
    for (const std::string& name : file_.texts(*node, "answered")) {
      if (stream_.block != "buffer_manager" || !stream_.operations.contains(name))
        fail(*node, fmt::format("answered = \"{}\"", name),
             "list operations of a buffer_manager that are in [operations]");
      stream_.answered.insert(name);
    }
  }

  double bound() const {
    const toml::node* node = table_.get("bound");
    if (!node) return 0;
    const auto value = node->value<double>();
    if (!value || !(*value > 0) || *value > 1)
      fail(*node, "a bound is a number above 0, up to 1", "such as bound = 1e-6");
    if (stream_.block != "matrix_engine" && stream_.block != "vector_lookup")
      fail(*node, fmt::format("a {} has no bound", stream_.block), "its results are exact: leave it out");
    return *value;
  }

  // With several operations or types, the block has to learn which.
  void check_told() const {
    const bool typed =
        std::any_of(contract_->command.begin(), contract_->command.end(), [&](const auto& field) {
          return field.name.ends_with("type") && stream_.has(fmt::format("cmd_{}", field.name));
        });
    const bool narrows = stream_.block != "reduction_engine" || stream_.operations.contains("drain");
    if (model::is_strobed(stream_))
      for (const auto& [name, code] : stream_.operations)
        if (code == 0)
          DescriptorFile::fail(stream_.place,
                               fmt::format("{} has code 0, which is no operation without cmd_valid", name),
                               "join cmd_valid, or give it another code");
    if (stream_.operations.size() > 1 && !stream_.has("cmd_op"))
      DescriptorFile::fail(stream_.place,
                           "no pin tells the block which operation it is: cmd_op is not joined",
                           "join it, or leave one operation under [operations]");
    if (narrows && stream_.types.size() > 1 && !typed)
      DescriptorFile::fail(stream_.place,
                           "no pin tells the block which type it is: none of cmd_...type is joined",
                           "join one, or leave one type under [types]");
  }

  // What an operation that is there moves its elements by.
  void check_joined(const model::StreamChannel& channel) const {
    const auto pin = [&](const char* name) { return fmt::format("{}_{}", channel.name, name); };
    const auto by =
        std::find_if(stream_.operations.begin(), stream_.operations.end(), [&](const auto& operation) {
          return channel.operations.find(operation.first + " ") != std::string_view::npos;
        });
    const bool data = stream_.has(pin("data")),
               needed = channel.operations.empty() || by != stream_.operations.end();
    const bool moves = stream_.has(pin("valid")) || (channel.input && stream_.has(pin("index")));
    if (channel.lane == 0 || (data && moves) || (!data && !needed)) return;
    DescriptorFile::fail(
        stream_.place,
        fmt::format("[pins] leaves out {}, which {} needs", pin(data ? "valid" : "data"),
                    by == stream_.operations.end() ? fmt::format("a {}", stream_.block) : by->first),
        channel.input ? fmt::format("join it, or {} for a memory that the block reads", pin("index"))
                      : "join it, or leave the operation out of [operations]");
  }

  const DescriptorFile& file_;
  const toml::table& table_;
  model::StreamSpec& stream_;
  const model::StreamContract* contract_;
};

}  // namespace

void check_widths(const model::StreamSpec& stream, const std::map<std::string, int>& joined) {
  const model::StreamContract* contract = model::stream_contract(stream.block);
  if (stream.level == CompareLevel::cycle || !contract) return;
  const auto check_code = [&](const std::string& pin, std::string_view name, std::uint32_t code) {
    const auto bits = joined.find(pin);
    if (bits != joined.end() && code >> bits->second != 0)
      DescriptorFile::fail(
          stream.place,
          fmt::format("{} has code {}, and {} has {} bits joined", name, code, pin, bits->second),
          "join more bits to it, or give the block's own codes under [operations] or [types]");
  };
  for (const auto& [name, code] : stream.operations) check_code("cmd_op", name, code);
  for (const auto& [type, code] : stream.types)
    for (const char* pin : {"cmd_type", "cmd_held_type", "cmd_stream_type"})
      check_code(pin, name_of(type), code);
  for (const model::StreamChannel& channel : contract->channels) {
    const std::string pin = fmt::format("{}_data", channel.name);
    const model::ChannelSpec spec = stream.channel(channel.name);
    const auto bits = joined.find(pin);
    if (bits == joined.end() || spec.beat == 0) continue;
    int lane = spec.lane > 0 ? spec.lane : channel.lane;
    for (const auto& [type, code] : stream.types)  // the narrowest has the most elements in a beat
      if (spec.dense) lane = std::min(lane, 8 * size_of(type));
    if (spec.beat * lane > bits->second)
      DescriptorFile::fail(
          stream.place,
          fmt::format("{} of {} bits holds {} elements in lanes of {}, and beat is {}", pin, bits->second,
                      bits->second / lane, lane, spec.beat),
          fmt::format("give [channels] {} a beat of up to that, or join more bits", channel.name));
  }
}

void read_stream(const DescriptorFile& file, model::StreamSpec& stream) {
  StreamReader(file, stream).read();
}

}  // namespace leto::host
