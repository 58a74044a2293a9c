// What each limit of a block costs when it is met: closed forms beyond the unloaded ones, of which
// tools/mutate.sh showed that nothing else held them.
#include <doctest/doctest.h>

#include "model/kernel/observer.h"
#include "model/matrix_engine/matrix_engine.h"
#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

Setup chip_of(std::vector<std::string> overrides) {
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  return setup;
}

/// PE `who` alone loads (or stores) `bytes` from `address` on as operation 1.
std::string move_text(const std::string& move, std::uint64_t address, int bytes, int who) {
  return fmt::format(
      ".core 0\nbuffer id=b0 base=0 bytes=65536 depth=0\nwhere rd=r1 which=index\nset rd=r2 value={}\n"
      "set rd=r3 value={}\n{}div rd=r4 ra=r1 rb=r2\nloop count=r4 length=1\n"
      "{}=b0 address=r3 shape=r10 @1\nend\n",
      who, address, shape(10, {bytes, 1, bytes, 1, 0, bytes}), move);
}

/// When reads of the SRAM were asked for.
class Reads : public Observer {
 public:
  void on_memory(const MemoryAccess& access) override {
    if (access.memory == SharedMemory::sram && !access.write) asked_.push_back(access.asked);
  }
  void tell(std::ostream& out) const {
    out << "reads " << asked_.size() << "\n";
    if (!asked_.empty()) out << "reads.span " << asked_.back() - asked_.front() << "\n";
  }

 private:
  std::vector<Cycle> asked_;
};

const std::vector<std::string> kTwo = {"pe.rows=1", "pe.columns=2", "noc.cluster_columns=2"};

std::vector<std::string> two(std::vector<std::string> more) {
  more.insert(more.begin(), kTwo.begin(), kTwo.end());
  return more;
}

}  // namespace

TEST_CASE("port: a stream from SRAM takes its bytes over the port's width") {
  const auto span = [](int bytes) {
    return run(program(move_text("load dst", isa::kSramBase, bytes, 1)), chip_of(kTwo)).span(1);
  };
  CHECK(span(65536) - span(32768) == 32768 / 64);
}

TEST_CASE("port: requests keep to its rate, but for the bucket") {
  Setup setup = chip_of(two({"fabric_interface.fragment_bytes=512"}));
  Reads reads;
  setup.options.observer = &reads;
  setup.tell = [&reads](std::ostream& out) { reads.tell(out); };
  const Outcome o = run(program(move_text("load dst", isa::kSramBase, 16384, 1)), setup);
  CHECK(o["reads"] == 32);
  CHECK(o["reads.span"] == (31 * 512 - setup.chip.fabric_interface.bucket_bytes) / 64);
}

TEST_CASE("window: with room for one fragment the next is asked for when it has come") {
  const auto span = [](int bytes) {
    const Setup setup =
        chip_of(two({"fabric_interface.fragment_bytes=512", "fabric_interface.outstanding_bytes=512"}));
    const Outcome o = run(program(move_text("load dst", isa::kSramBase, bytes, 1)), setup);
    REQUIRE(o.code == 0);
    return o.span(1);
  };
  const std::uint64_t one = 512 / 64 + 60 + 512 / 64;  // bank, latency, port
  CHECK(span(512) == 16 + one);
  CHECK(span(2048) == 16 + 4 * one);
}

TEST_CASE("unloaded SRAM store: set-up, port, hops there, bank, hops back") {
  const auto span = [](int who) {
    const Setup setup = chip_of({"pe.rows=1", "pe.columns=4", "sram.banks=1"});
    return run(program(move_text("store src", isa::kSramBase, 512, who)), setup).span(1);
  };
  CHECK(span(3) == 16 + 3 * 4 + 512 / 64 + 512 / 64 + 3 * 4);
}

TEST_CASE("semaphores: posts add up, waits take down") {
  const std::string head = ".core 0\nwhere rd=r1 which=index\n";
  const std::string post = "post pe=r1 semaphore=2 count=1\n", wait = "wait semaphore=2 count=1\n";
  CHECK(run(program(head + post + post + "wait semaphore=2 count=2\nend\n")).code == 0);
  CHECK(run(program(head + post + post + wait + wait + "end\n")).code == 0);
  CHECK(run(program(head + post + wait + wait + "end\n")).code == 7);
}

TEST_CASE("post: commands issued before are done before it leaves") {
  const std::string text =
      ".core 0\nbuffer id=b0 base=0 bytes=16384 depth=0\nwhere rd=r1 which=index\n" +
      shape(10, {64, 64, 256, 256}) +
      "vector op=relu dst=b0 dst_type=fp32 a=b0 a_type=fp32 a_mode=full reduce=none shape=r10 @1\n"
      "post pe=r1 semaphore=2 count=1\nwait semaphore=2 count=1\nend\n";
  const Outcome o = run(program(text));
  CHECK(o["cycles"] == o["operation.1.last"] + 20 + 1);
}

TEST_CASE("matrix engine: a held tile that comes late shows, an early one hides behind the stream") {
  MatrixEngine engine(load_chip("tiny").matrix_engine);
  isa::Command matmul;
  matmul.opcode = isa::Opcode::matmul;
  matmul.unit = isa::Unit::matrix;
  matmul.shape = {64, 64, 64, 128, 128};
  matmul.value[isa::matmul_t::held_type] = static_cast<int>(DType::bf16);
  matmul.value[isa::matmul_t::stream_type] = static_cast<int>(DType::bf16);
  const Cycle stream = 4 * 64;
  engine.started(matmul, 1000, 2000);
  CHECK(engine.work(matmul, 2000, 1000).cycles == stream);
  CHECK(engine.work(matmul, 2000, 1990).cycles == stream + 22);
  CHECK(engine.work(matmul, 2000, 2000).cycles == stream + 32);
}

TEST_CASE("layout engine: transposes of 8 bits go at the rate of 16") {
  const auto span = [](const std::string& type, int pitch) {
    return run(program(".core 0\nbuffer id=b0 base=0 bytes=4096 depth=0\nbuffer id=b1 base=4096 bytes=4096 "
                       "depth=0\n" +
                       shape(10, {32, 32, pitch, pitch}) + "transpose dst=b1 src=b0 type=" + type +
                       " shape=r10 @1\nend\n"),
               chip_of({"pe.rows=1", "pe.columns=1"}))
        .span(1);
  };
  CHECK(span("fp8_e4m3", 32) == 1024 * 2 / 64 + 20);
  CHECK(span("bf16", 64) == 1024 * 2 / 64 + 20);
  CHECK(span("fp32", 128) == 1024 * 4 / 64 + 20);
}

TEST_CASE("LLC: whoever asks for a line on its way waits as long as the one before") {
  const auto waited = [](int pes) {
    const std::string text = ".core 0\nbuffer id=b0 base=0 bytes=512 depth=0\nset rd=r3 value=0\n" +
                             shape(10, {512, 1, 512, 1, 0, 512}) +
                             "load dst=b0 address=r3 shape=r10 @0\nend\n";
    const Outcome o = run(program(text),
                          chip_of({"pe.rows=1", fmt::format("pe.columns={}", pes), "noc.cluster_columns=2"}));
    return o["fabric_interface_load.memory"];
  };
  CHECK(waited(2) >= 2 * waited(1));
}

TEST_CASE("LLC: a write-back reads its bank, and the job ends when device memory has it") {
  const Setup setup = chip_of(kTwo);
  const Outcome o = run(program(move_text("store src", 0, 512, 1)), setup);
  CHECK(o["llc_write_backs"] == 1);
  CHECK(o["sram.read"] == 512);
  CHECK(o["cycles"] >= o["operation.1.last"] + static_cast<std::uint64_t>(setup.chip.hbm.latency_cycles));
}

}  // namespace leto::model::test
