// What a program is told that can never end: who waits for whom, since when, at which instruction of which
// operation, and the cycle or the one who waits in vain.
#include <doctest/doctest.h>

#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

/// Runs to a deadlock; "|" stands for the line breaks of its text.
std::string deadlock(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  const Outcome o = run(program(text), setup);
  CHECK_MESSAGE(o.code == 7, o.error);
  return o.error;
}

void check_says(const std::string& text, const std::string& words) {
  CHECK_MESSAGE(text.find(words) != std::string::npos, text, "\nhas no\n", words);
}

const std::vector<std::string> kOnePe = {"pe.rows=1", "pe.columns=1"},
                               kTwoPes = {"pe.rows=1", "pe.columns=2"};

/// r1 = this PE, r3 = the next one round the grid.
const char* kNext =
    ".core 0\nwhere rd=r1 which=index\nwhere rd=r2 which=count\naddi rd=r3 ra=r1 value=1\nrem rd=r3 ra=r3 "
    "rb=r2\n";

}  // namespace

TEST_CASE("deadlock: a buffer that nobody fills") {
  const std::string text = deadlock(
      ".core 0\nbuffer id=b0 base=0 bytes=64 depth=1\nbuffer id=b1 base=64 bytes=64 depth=1\nbarrier "
      "scope=pe\nend\n"
      ".core 1\nbarrier scope=pe\n"
      "copy dst=b1 reserve=1 push=1 src=b0 wait=1 pop=1 type=fp32 shape=r10 @2\nend\n",
      kOnePe);
  check_says(text, "cause: nobody brings what pe 0 layout_engine waits for, data in b0");
  check_says(text, "pe 0 layout_engine waits for data in b0 since cycle");
  check_says(text, "core 1 pc 1 `copy");
  check_says(text, "of op2 (forward); nobody would end it");
}

TEST_CASE("deadlock: two PEs wait for one another, and the cycle says so") {
  const std::string text = deadlock(
      std::string(kNext) + "wait semaphore=1 count=1 @1\npost pe=r3 semaphore=1 count=1 @2\nend\n", kTwoPes);
  check_says(text, "cycle: pe 0 core 0 -> pe 1 core 0 -> pe 0 core 0|");
  check_says(text, "pe 0 core 0 waits for semaphore 1 (it is 0, 1 are needed) since cycle");
  check_says(text, "at core 0 pc 4 `wait semaphore=1 count=1 @1` of op1 (forward); pe 1 core 0 would end it");
  check_says(text, "of op1 (forward); pe 0 core 0 would end it");
}

TEST_CASE("deadlock: the cycle goes round the whole grid") {
  const std::string text =
      deadlock(std::string(kNext) + "wait semaphore=1 count=1\npost pe=r3 semaphore=1 count=1\nend\n");
  check_says(text, "cycle: pe 0 core 0 -> pe 3 core 0 -> pe 2 core 0 -> pe 1 core 0 -> pe 0 core 0|");
}

TEST_CASE("deadlock: a semaphore is posted once too little") {
  const std::string text = deadlock(
      std::string(kNext) + "post pe=r3 semaphore=1 count=1\nwait semaphore=1 count=2 @3\nend\n", kTwoPes);
  check_says(text, "cause: nobody brings what pe 0 core 0 waits for, semaphore 1 (it is 1, 2 are needed)");
  check_says(text, "of op3 (forward); nobody would end it");
}

TEST_CASE("deadlock: two units wait for each other's tiles") {
  const std::string text = deadlock(
      ".core 0\nbuffer id=b0 base=0 bytes=64 depth=1\nbuffer id=b1 base=64 bytes=64 depth=1\nbarrier "
      "scope=pe\n" +
          shape(10, {1, 16, 64, 64}) +
          "copy dst=b1 reserve=1 push=1 src=b0 wait=1 pop=1 type=fp32 shape=r10 @1\n"
          "vector op=relu dst=b0 reserve=1 push=1 dst_type=fp32 a=b1 a_wait=1 a_pop=1 a_type=fp32 "
          "a_mode=full "
          "reduce=none shape=r10 @2\nend\n",
      kOnePe);
  check_says(text, "cycle: pe 0 vector_engine -> pe 0 layout_engine -> pe 0 vector_engine|");
}

TEST_CASE("deadlock: a core waits for a full queue whose unit waits for what the core has yet to issue") {
  const std::string text = deadlock(".core 0\nbuffer id=b0 base=0 bytes=64 depth=2\nbarrier scope=pe\n" +
                                        shape(10, {64, 1, 64, 1, 0, 64}) +
                                        "set rd=r1 value=5\nloop count=r1 length=1\n"
                                        "store src=b0 wait=1 pop=1 address=r0 shape=r10 @1\n"
                                        "load dst=b0 reserve=1 push=1 address=r0 shape=r10 @0\nend\n",
                                    {"pe.rows=1", "pe.columns=1", "command_processor.queue_depth=2"});
  check_says(text, "cycle: pe 0 fabric_interface_store -> pe 0 core 0 -> pe 0 fabric_interface_store|");
  check_says(text, "room in the queue of the store unit");
}

TEST_CASE("deadlock: one PE misses a multicast") {
  const std::string text =
      deadlock(".core 0\nbuffer id=b0 base=0 bytes=64 depth=0\nwhere rd=r1 which=index\n" +
                   shape(10, {64, 1, 64, 1, 0, 64}) +
                   "loop count=r1 length=1\nload dst=b0 address=r0 shape=r10 multicast=all @1\nend\n",
               kTwoPes);
  check_says(
      text,
      "cause: nobody brings what pe 1 fabric_interface_load waits for, the other members of its multicast");
}

TEST_CASE("deadlock: the cores of a PE wait at different barriers") {
  const std::string text =
      deadlock(".core 0\nbarrier scope=pe @1\nend\n.core 1\nbarrier scope=all @2\nend\n", kOnePe);
  check_says(text, "cycle: pe 0 core 0 -> pe 0 core 1 -> pe 0 core 0|");
  check_says(text, "`barrier scope=all bytes=0 chips=0 @2` of op2 (forward)");
}

TEST_CASE("deadlock: a merge waits for a neighbour that passes nothing") {
  const std::string text = deadlock(
      ".core 0\nbuffer id=b0 base=0 bytes=2048 depth=0\nwhere rd=r1 which=index\n" +
          shape(10, {32, 32, 32, 64, 64}) + shape(20, {32, 32}) +
          "matmul held=b0 stream=b0 held_type=bf16 stream_type=bf16 bank=0 first=1 last=1 shape=r10 @1\n"
          "loop count=r1 length=1\nmerge bank=0 from=west shape=r20 @2\nend\n",
      kTwoPes);
  check_says(text, "cause: nobody brings what pe 1 reduction_engine waits for, its west neighbour");
}

TEST_CASE("deadlock: of many waits the first are shown, the rest counted") {
  const std::string text =
      deadlock(std::string(kNext) + "wait semaphore=1 count=1\nend\n", {"pe.rows=4", "pe.columns=4"});
  check_says(text, "and 16 wait");
  check_says(text, "|  and 6 more");
}

}  // namespace leto::model::test
