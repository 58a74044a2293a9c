// The requests that a buffer manager of others is given inside a run: those of random programs that go ahead,
// answered by one that knows nothing of going ahead.
#include <doctest/doctest.h>

#include "base/errors.h"
#include "model/twin/buffer_programs.h"
#include "model/twin/buffer_streams.h"
#include "model/twin/foreign_twin.h"
#include "model/twin/replay.h"

using namespace leto;
using namespace leto::model;

namespace {

enum class Fault { none, tile, full, room };

StreamSpec spec_of(std::set<std::string> without) {
  StreamSpec spec;
  spec.block = "buffer_manager";
  for (const rtl::ForeignPort& pin : stream_contract(spec.block)->pins)
    if (!without.contains(std::string(pin.port.name))) spec.pins.insert(std::string(pin.port.name));
  spec.operations = {{"define", 0}, {"reserve", 1}, {"push", 2}, {"wait", 3}, {"pop", 4}};
  return spec;
}

std::vector<rtl::Port> all_pins() {
  std::vector<rtl::Port> all;
  for (const rtl::ForeignPort& pin : stream_contract("buffer_manager")->pins) all.push_back(pin.port);
  return all;
}

/// Two counters and a place each way; answers in the cycle after the request.
class Rings final : public rtl::ForeignBlock {
 public:
  Rings(const StreamSpec& spec, Fault fault) : ForeignBlock(all_pins()), spec_(spec), fault_(fault) {}

  int joined(int pin) const override {
    const rtl::Port& port = ports()[static_cast<std::size_t>(pin)];
    return spec_.has(std::string(port.name)) ? port.bits : 0;
  }
  void reset() override {
    rings_ = {};
    answers_ = false;
  }
  void evaluate() override {
    set(pin_of("cmd_ready"), !answers_ || value(pin_of("r_ready")) != 0);
    set(pin_of("r_valid"), answers_);
    set(pin_of("r_ok"), ok_);
    set(pin_of("r_tile"), tile_);
    set(pin_of("r_full"), full_);
  }
  void clock() override {
    if (answers_ && value(pin_of("r_ready")) != 0) answers_ = false;
    if (value(pin_of("cmd_valid")) != 0 && !answers_) take(rings_[value(pin_of("cmd_id"))]);
    evaluate();
  }

 private:
  struct Ring {
    std::uint64_t base = 0, bytes = 1, depth = 1, pushed = 0, popped = 0;
  };

  int pin_of(std::string_view name) const {
    for (std::size_t i = 0; i < ports().size(); ++i)
      if (ports()[i].name == name) return static_cast<int>(i);
    return -1;
  }
  void take(Ring& ring) {
    const std::uint64_t op = value(pin_of("cmd_op"));
    ok_ = true;
    if (op == 0)
      ring = {value(pin_of("cmd_base")), std::max<std::uint64_t>(1, value(pin_of("cmd_bytes"))),
              value(pin_of("cmd_depth")), 0, 0};
    if (op == 2) ++ring.pushed;
    if (op == 4) ++ring.popped;
    full_ = ring.pushed - ring.popped + (fault_ == Fault::full && op == 3 && ring.pushed > 40);
    if (op == 1) ok_ = full_ < ring.depth + (fault_ == Fault::room);
    if (op == 3) ok_ = full_ > 0;
    const std::uint64_t next = (op == 1 ? ring.pushed : ring.popped) % ring.depth;
    tile_ = ring.base + ring.bytes * next + (fault_ == Fault::tile && next == 3);
    answers_ = op == 1 || op == 3;
  }

  StreamSpec spec_;
  Fault fault_;
  std::array<Ring, 256> rings_;
  bool answers_ = false, ok_ = false;
  std::uint64_t tile_ = 0, full_ = 0;
};

class Others final : public ForeignTwin {
 public:
  Others(StreamSpec spec, Fault fault) : ForeignTwin("rings.toml", "rings", std::move(spec)), fault_(fault) {}
  std::unique_ptr<rtl::ForeignBlock> load() const override {
    return std::make_unique<Rings>(stream(), fault_);
  }
  std::uint64_t hash() const override { return 1; }

 private:
  Fault fault_;
};

TwinSpec twin(Fault fault, const std::set<std::string>& without = {}) {
  TwinSpec spec{"", TwinMode::check, 1, {}};
  spec.block = "rings.toml";
  spec.foreign = std::make_shared<Others>(spec_of(without), fault);
  return spec;
}

}  // namespace

TEST_CASE("buffer streams: programs that go ahead are what one tile after the other is") {
  for (const std::set<std::string>& without :
       {std::set<std::string>{}, {"cmd_base"}, {"cmd_base", "cmd_bytes"}}) {
    const isa::Program program;
    BufferStreams streams(twin(Fault::none, without), "x", 1, program);
    BufferPrograms programs(streams, 1);
    while (programs.commands < 10000) programs.cycle();
    streams.flush();
    for (const std::string arm : {"several under way", "three operands", "keeps a tile to read",
                                  "keeps a tile to write", "waits for data", "waits for space", "depth 1"})
      CHECK_MESSAGE(programs.arms[arm] > 5, arm);
    const TwinCount& count = streams.comparison().count();
    CHECK(count.mismatches == 0);
    CHECK(count.commands_compared > 20000);
    CHECK(count.values_compared > 20000);
    // What is held while something is ahead in its buffer.
    CHECK(count.commands_left_out > 0);
    CHECK(count.commands_left_out < count.commands_compared / 2);
    MESSAGE(programs.commands << " commands, " << count.commands_compared << " requests compared, "
                              << count.commands_left_out << " left out");
  }
}

TEST_CASE("buffer streams: a fault is found with its command and a replay of the log finds it again") {
  for (const auto& [fault, signal] : {std::pair<Fault, std::string>{Fault::tile, "r_tile"},
                                      {Fault::full, "r_full"},
                                      {Fault::room, "r_ok"}}) {
    CAPTURE(signal);
    isa::Program program;
    program.sources.push_back({"fc1.grad", "matmul", "backward", 0, ""});
    TwinLog log;
    log.block = TwinBlock::buffer_manager;
    log.chip = load_chip("tiny");
    log.spec = twin(fault);
    BufferStreams streams(log.spec, "x", 1, program);
    BufferPrograms programs(streams, 1);
    try {
      while (programs.commands < 100000) programs.cycle();
      FAIL("no difference");
    } catch (const TwinMismatch& mismatch) {
      log.finding = mismatch.finding();
    }
    CHECK(log.finding.signal == signal);
    CHECK(log.finding.story.operation == "fc1.grad");
    streams.log(log);
    TwinLog read = log_from_bytes(to_bytes(log), "x.twin");
    read.spec.foreign = log.spec.foreign;
    const auto again = replay(read, nullptr);
    REQUIRE(again);
    CHECK(again->text() == log.finding.text());
    read.spec.foreign = twin(Fault::none).foreign;
    CHECK(!replay(read, nullptr));
  }
}

TEST_CASE("buffer streams: what the block cannot be told of is left out") {
  const isa::Program program;
  TwinSpec small = twin(Fault::none);
  StreamSpec spec = spec_of({});
  spec.shape["depth"] = {1, 16, 1};
  small.foreign = std::make_shared<Others>(spec, Fault::none);
  BufferStreams streams(small, "x", 1, program);
  BufferPrograms programs(streams, 1);
  while (programs.commands < 20000) programs.cycle();
  CHECK(streams.comparison().count().commands_compared > 500);
  CHECK(streams.comparison().count().commands_left_out > 500);
  small.mode = TwinMode::rtl;
  CHECK_THROWS_AS(BufferStreams(small, "x", 1, program), Error);
}
