#include "rtl/foreign.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/errors.h"
#include "rtl/evaluation_limit.h"

namespace leto::rtl {
namespace {

// The functions of rtl/foreign_shim.cpp.in.
struct Entry {
  void* (*create)();
  void (*destroy)(void*);
  const char* (*eval)(void*);  // null, or what Verilator's runtime says went wrong
  unsigned char* (*port)(void*, int);
  const char* (*ports)();  // a line each: name, bits, in or out
};

class Library {
 public:
  explicit Library(const std::filesystem::path& path)
      : path_(path), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_)
      throw Error(ExitCode::bad_input, fmt::format("{}: cannot load: {}", path.string(), dlerror()),
                  "remove it and let `leto twin import` build it again");
    find("leto_create", entry_.create);
    find("leto_destroy", entry_.destroy);
    find("leto_eval", entry_.eval);
    find("leto_port", entry_.port);
    find("leto_ports", entry_.ports);
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  const Entry& entry() const { return entry_; }

 private:
  template <class F>
  void find(const char* name, F& function) {
    function = reinterpret_cast<F>(dlsym(handle_, name));
    if (function) return;
    dlclose(handle_);
    throw Error(ExitCode::bad_input, fmt::format("{}: has no {}", path_.string(), name),
                "remove it and let `leto twin import` build it again");
  }
  std::filesystem::path path_;
  void* handle_;
  Entry entry_{};
};

struct Theirs {
  int index, bits;
  bool input;
};

std::map<std::string, Theirs> ports_of(const std::string& all) {
  std::map<std::string, Theirs> ports;
  int index = 0;
  for (std::size_t from = 0; from < all.size(); ++index) {
    const std::size_t to = std::min(all.find('\n', from), all.size());
    const std::string line = all.substr(from, to - from);
    const auto space = line.find(' '), second = line.find(' ', space + 1);
    ports[line.substr(0, space)] = {index, std::stoi(line.substr(space + 1, second - space - 1)),
                                    line.substr(second + 1) == "in"};
    from = to + 1;
  }
  return ports;
}

[[noreturn]] void fail(const std::string& place, const std::string& cause, const std::string& remedy) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", place, cause), remedy);
}

/// Bits `at` to `at + bits` of one of our pins are bits `low` on of one of their ports.
struct Wire {
  int pin, at, bits;
  int port, low;
  bool inverted;
};

void copy_bits(unsigned char* to, int to_bit, const unsigned char* from, int from_bit, int bits, bool inverted) {
  if (!inverted && to_bit % 8 == 0 && from_bit % 8 == 0 && bits % 8 == 0) {
    std::memcpy(to + to_bit / 8, from + from_bit / 8, static_cast<std::size_t>(bits / 8));
    return;
  }
  for (int i = 0; i < bits; ++i) {
    const int source = from_bit + i, target = to_bit + i;
    const bool one = ((from[source / 8] >> source % 8 & 1) != 0) != inverted;
    const auto mask = static_cast<unsigned char>(1u << target % 8);
    to[target / 8] = static_cast<unsigned char>(one ? to[target / 8] | mask : to[target / 8] & ~mask);
  }
}

/// Joins a map to the ports that are there, with all that can be wrong about it.
class Joiner {
 public:
  Joiner(const ForeignMap& map, const std::vector<ForeignPort>& pins, std::map<std::string, Theirs> theirs)
      : map_(map), pins_(pins), theirs_(std::move(theirs)) {}

  void join() {
    clock = take(map_.clock, "[clock]");
    reset = take(map_.reset, "[reset]");
    for (const ForeignMap::Pin& pin : map_.pins) join_pin(pin);
    for (const ForeignMap::Constant& constant : map_.constants) join_constant(constant);
    check_all_driven();
    check_required();
  }

  int clock = 0, reset = 0;
  std::vector<Wire> in, out;
  struct Constant {
    int port, low, bits;
    std::uint64_t value;
  };
  std::vector<Constant> constants;
  std::map<int, int> joined;  // bits by pin of ours

  std::map<std::string, int> joined_by_name() const {
    std::map<std::string, int> all;
    for (const auto& [pin, bits] : joined) all[std::string(pins_[static_cast<std::size_t>(pin)].port.name)] = bits;
    return all;
  }

 private:
  std::string names(bool input) const {
    std::vector<std::string> all;
    for (const auto& [name, port] : theirs_)
      if (port.input == input) all.push_back(fmt::format("{} ({})", name, port.bits));
    return fmt::format("{}", fmt::join(all, ", "));
  }

  const Theirs& port(const std::string& name, const std::string& place, bool input, const std::string& what) {
    const auto found = theirs_.find(name);
    if (found == theirs_.end())
      fail(place, fmt::format("{}: the module has no port \"{}\"", what, name),
           fmt::format("its {} and their bits are: {}", input ? "inputs" : "outputs", names(input)));
    if (found->second.input != input)
      fail(place, fmt::format("{}: port \"{}\" is an {}, and an {} is needed", what, name,
                              input ? "output" : "input", input ? "input" : "output"),
           fmt::format("its {} and their bits are: {}", input ? "inputs" : "outputs", names(input)));
    return found->second;
  }

  int take(const std::string& name, const std::string& what) {
    const Theirs& found = port(name, map_.place, true, what);
    if (found.bits != 1)
      fail(map_.place, fmt::format("{}: port \"{}\" has {} bits, and 1 is needed", what, name, found.bits),
           "name a port of one bit");
    drive({name, 0, 0, false}, map_.place, what);
    return found.index;
  }

  /// Bits `low` to `high` of a port, which has so many.
  Slice inside(const Slice& part, const Theirs& port, const std::string& place, const std::string& what) const {
    Slice all = part;
    if (part.high < 0) all.high = port.bits - 1;
    if (all.high >= port.bits || all.low > all.high || all.low < 0)
      fail(place, fmt::format("{}: [{}:{}] is not inside port \"{}\", which has {} bits", what, all.high, all.low,
                              part.port, port.bits),
           "write PORT[HIGH:LOW]");
    return all;
  }

  /// `what` drives these bits of an input of theirs, and nothing else does.
  void drive(const Slice& part, const std::string& place, const std::string& what) {
    std::vector<std::string>& by = drivers_[part.port];
    by.resize(static_cast<std::size_t>(theirs_.at(part.port).bits));
    for (int bit = part.low; bit <= part.high; ++bit) {
      std::string& driver = by[static_cast<std::size_t>(bit)];
      if (!driver.empty())
        fail(place, fmt::format("{} and {} both drive {}", driver, what, bits_text(part.port, bit, bit)),
             "join one of them, or give each its own bits: \"PORT[HIGH:LOW]\"");
      driver = what;
    }
  }

  std::string bits_text(const std::string& name, int high, int low) const {
    if (theirs_.at(name).bits == 1) return name;
    return high == low ? fmt::format("{}[{}]", name, low) : fmt::format("{}[{}:{}]", name, high, low);
  }

  void join_constant(const ForeignMap::Constant& constant) {
    const std::string what = fmt::format("[constants] {}", constant.part.port);
    const Theirs& found = port(constant.part.port, constant.place, true, what);
    const Slice part = inside(constant.part, found, constant.place, what);
    const int bits = std::min(part.high - part.low + 1, 64);
    const std::int64_t value = constant.value;
    if ((bits < 63 && value >= std::int64_t{1} << bits) ||
        (bits < 64 && value < -(std::int64_t{1} << (bits - 1))))
      fail(constant.place, fmt::format("{} = {} does not fit its {} bits", what, value, bits),
           "give a value that does");
    drive(part, constant.place, what);
    constants.push_back({found.index, part.low, bits, static_cast<std::uint64_t>(value)});
  }

  void join_pin(const ForeignMap::Pin& pin) {
    const auto ours = std::find_if(pins_.begin(), pins_.end(),
                                   [&](const ForeignPort& one) { return one.port.name == pin.name; });
    if (ours == pins_.end()) {
      std::vector<std::string_view> all;
      for (const ForeignPort& one : pins_) all.push_back(one.port.name);
      fail(pin.place, fmt::format("this kind of block has no pin \"{}\"", pin.name),
           fmt::format("its pins are {}", fmt::join(all, ", ")));
    }
    const int number = static_cast<int>(ours - pins_.begin());
    int at = 0;
    for (const Slice& part : pin.parts) {
      const Theirs& found = port(part.port, pin.place, ours->port.input, pin.name);
      const Slice whole = inside(part, found, pin.place, pin.name);
      const int bits = whole.high - whole.low + 1;
      (ours->port.input ? in : out).push_back({number, at, bits, found.index, whole.low, part.inverted});
      if (ours->port.input) drive(whole, pin.place, fmt::format("[pins] {}", pin.name));
      at += bits;
    }
    if (ours->step == 0 ? at != ours->port.bits : at > ours->port.bits || at % ours->step != 0)
      fail(pin.place,
           fmt::format("{}: {} bits are joined to it, and it takes {}", pin.name, at,
                       ours->step == 0 ? std::to_string(ours->port.bits)
                                       : fmt::format("multiples of {} up to {}", ours->step, ours->port.bits)),
           "choose the module's parameters to fit the chip, or name parts of ports: \"PORT[HIGH:LOW]\", several in a "
           "list, lowest bits first");
    joined[number] = at;
  }

  void check_all_driven() const {
    std::vector<std::string> loose;
    for (const auto& [name, one] : theirs_) {
      if (!one.input) continue;
      const auto by = drivers_.find(name);
      if (by == drivers_.end())
        loose.push_back(name);
      else
        for (int low = 0, high = 0; low < one.bits; low = high + 1) {  // each gap
          const auto driven = [&](int bit) { return !by->second[static_cast<std::size_t>(bit)].empty(); };
          for (high = low; high + 1 < one.bits && driven(high + 1) == driven(low);) ++high;
          if (!driven(low)) loose.push_back(bits_text(name, high, low));
        }
    }
    if (!loose.empty())
      fail(map_.place, fmt::format("nothing drives {}", fmt::join(loose, ", ")),
           "join it under [pins], or give it a value under [constants] (\"PORT[HIGH:LOW]\" = 0 for a part)");
  }

  void check_required() const {
    std::vector<std::string_view> missing;
    for (std::size_t i = 0; i < pins_.size(); ++i)
      if (pins_[i].required && !joined.contains(static_cast<int>(i))) missing.push_back(pins_[i].port.name);
    if (!missing.empty())
      fail(map_.place, fmt::format("[pins] leaves out {}, needed at this level", fmt::join(missing, ", ")),
           "join them, or take another level (docs/foreign.md has the pins of each)");
  }

  const ForeignMap& map_;
  const std::vector<ForeignPort>& pins_;
  std::map<std::string, Theirs> theirs_;
  std::map<std::string, std::vector<std::string>> drivers_;  // of each bit of an input of theirs; empty: none
};

std::vector<Port> ports_of(const std::vector<ForeignPort>& pins) {
  std::vector<Port> ports;
  for (const ForeignPort& pin : pins) ports.push_back(pin.port);
  return ports;
}

class Loaded final : public ForeignBlock {
 public:
  Loaded(const std::filesystem::path& path, const ForeignMap& map, const std::vector<ForeignPort>& pins)
      : ForeignBlock(ports_of(pins)),
        library_(path),
        call_(library_.entry()),
        joiner_(map, pins, ports_of(call_.ports())),
        reset_low_(map.reset_low),
        module_(map.module),
        place_(map.place) {
    joiner_.join();
    top_ = call_.create();
    for (const auto& constant : joiner_.constants)
      copy_bits(call_.port(top_, constant.port), constant.low, reinterpret_cast<const unsigned char*>(&constant.value),
                0, constant.bits, false);
  }
  ~Loaded() override { call_.destroy(top_); }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  int joined(int pin) const override {
    const auto found = joiner_.joined.find(pin);
    return found == joiner_.joined.end() ? 0 : found->second;
  }

  void reset() override {
    cycle_ = 0;
    for (const bool active : {false, true, false}) {
      *call_.port(top_, joiner_.reset) = active != reset_low_;
      for (int i = 0; i < (active ? 4 : 1); ++i) {  // synchronous ones need clocks
        edge(0);
        if (active) edge(1);
      }
    }
    evaluate();
  }
  void evaluate() override {
    for (const Wire& wire : joiner_.in)
      copy_bits(call_.port(top_, wire.port), wire.low, reinterpret_cast<const unsigned char*>(pin(wire.pin)),
                wire.at, wire.bits, wire.inverted);
    edge(0);
    read();
  }
  void clock() override {
    edge(1);
    ++cycle_;
    read();
  }

 private:
  void edge(unsigned char level) {
    *call_.port(top_, joiner_.clock) = level;
    const char* failed = nullptr;
    if (!evaluate_within_limit(call_.eval, top_, failed)) give_up();
    if (failed)
      throw Error(ExitCode::bad_input, fmt::format("the foreign block cannot be simulated: {}", failed),
                  "a loop without a register does not settle, or the block stops the simulation: correct its "
                  "SystemVerilog");
  }
  [[noreturn]] void give_up() {
    top_ = nullptr;
    const Error error(ExitCode::bad_input,
                      fmt::format("{}: {} does not come to the end of cycle {} after its reset: one evaluation has taken {} s "
                                  "of the processor",
                                  place_, module_, cycle_, evaluation_limit()),
                      "a loop in an always block or a function does not end: correct it; leto twin import "
                      "--evaluation-seconds N waits longer");
    evaluation_left();
    throw error;
  }
  void read() {
    for (const Wire& wire : joiner_.out)
      copy_bits(reinterpret_cast<unsigned char*>(pin(wire.pin)), wire.at, call_.port(top_, wire.port), wire.low,
                wire.bits, wire.inverted);
  }

  Library library_;
  Entry call_;
  Joiner joiner_;
  bool reset_low_;
  std::string module_, place_;
  void* top_ = nullptr;
  std::uint64_t cycle_ = 0;  // since the reset
};

}  // namespace

std::map<std::string, int> check_foreign(const std::string& ports, const ForeignMap& map,
                                         const std::vector<ForeignPort>& pins) {
  Joiner joiner(map, pins, ports_of(ports));
  joiner.join();
  return joiner.joined_by_name();
}

std::unique_ptr<ForeignBlock> load_foreign(const std::filesystem::path& library, const ForeignMap& map,
                                           const std::vector<ForeignPort>& pins) {
  return std::make_unique<Loaded>(library, map, pins);
}

}  // namespace leto::rtl
