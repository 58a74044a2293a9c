// Small programs that several tests run.
#pragma once

#include "tests/model/helpers.h"

namespace leto::model::test {

/// Every PE copies `tiles` tiles of `bytes` from `from` to `to`, PE p its own stretch, through buffer 0 of
/// `depth` tiles.
inline std::string copy_text(std::uint64_t from, std::uint64_t to, std::int64_t tiles, std::int64_t bytes,
                             int depth) {
  return fmt::format(
      ".core 0\n"
      "buffer id=b0 base=0 bytes={1} depth={4}\n"
      "barrier scope=pe\n"
      "where rd=r1 which=index\n"
      "muli rd=r2 ra=r1 value={5}\n"
      "addi rd=r3 ra=r2 value={2}\n"
      "addi rd=r4 ra=r2 value={3}\n"
      "set rd=r5 value={0}\n"
      "{6}"
      "loop count=r5 length=4\n"
      "load dst=b0 reserve=1 push=1 address=r3 shape=r10 @0\n"
      "store src=b0 wait=1 pop=1 address=r4 shape=r10 @1\n"
      "addi rd=r3 ra=r3 value={1}\n"
      "addi rd=r4 ra=r4 value={1}\n"
      "end\n",
      tiles, bytes, from, to, depth, tiles * bytes, shape(10, {bytes, 1, bytes, 1, 0, bytes}));
}

/// C[64, 64 * pes] = A[64, k] * B[64 * pes, k]^T in bf16, fp32 out: PE p makes columns 64p..64p+63; A is
/// multicast to all.
inline std::string gemm_text(int k, int blocks, bool multicast) {
  const int bytes = 64 * (k / blocks) * 2;
  return fmt::format(
      ".core 0\n"
      "buffer id=b0 base=0 bytes={0} depth=2\n"
      "buffer id=b1 base={1} bytes={0} depth=2\n"
      "buffer id=b2 base={2} bytes=16384 depth=1\n"
      "barrier scope=pe\n"
      "where rd=r1 which=index\n"
      "muli rd=r2 ra=r1 value={3}\n"
      "addi rd=r2 ra=r2 value=1048576\n"
      "set rd=r3 value=0\n"
      "{4}"
      "set rd=r5 value={5}\n"
      "loop count=r5 length=4\n"
      "load dst=b0 reserve=1 push=1 address=r3 shape=r10 multicast={6} @0\n"
      "load dst=b1 reserve=1 push=1 address=r2 shape=r10 @1\n"
      "addi rd=r3 ra=r3 value={7}\n"
      "addi rd=r2 ra=r2 value={7}\n"
      "end\n"
      ".core 1\n"
      "barrier scope=pe\n"
      "where rd=r1 which=index\n"
      "muli rd=r2 ra=r1 value=256\n"
      "addi rd=r2 ra=r2 value=4194304\n"
      "{8}{9}{10}"
      "{11}"
      "drain bank=0 dst=b2 reserve=1 push=1 dst_type=fp32 shape=r20 @3\n"
      "store src=b2 wait=1 pop=1 address=r2 shape=r30 @1\n"
      "end\n",
      bytes, 2 * bytes, 4 * bytes, 64 * k * 2, shape(10, {k / blocks * 2, 64, k * 2, 1, 0, k / blocks * 2}),
      blocks, multicast ? "all" : "none", k / blocks * 2,
      shape(10, {64, 64, k / blocks, k / blocks * 2, k / blocks * 2}), shape(20, {64, 64, 256}),
      shape(30, {256, 64, 1024, 1, 0, 256}), [&] {
        std::string text;
        for (int b = 0; b < blocks; ++b)
          text += fmt::format(
              "matmul held=b0 held_wait=1 held_pop=1 stream=b1 stream_wait=1 stream_pop=1 held_type=bf16 "
              "stream_type=bf16 "
              "bank=0 first={} last={} shape=r10 @2\n",
              b == 0 ? 1 : 0, b + 1 == blocks ? 1 : 0);
        return text;
      }());
}

/// Exercises every unit: a vector pass, transpose, barrier, semaphores round the grid, pass and merge, gather
/// and scatter.
inline std::string everything_text() {
  return fmt::format(
      ".core 0\n"
      "buffer id=b0 base=0 bytes=4096 depth=2\n"
      "buffer id=b1 base=8192 bytes=4096 depth=2\n"
      "buffer id=b2 base=16384 bytes=4096 depth=2\n"
      "buffer id=b3 base=24576 bytes=128 depth=1\n"
      "buffer id=b4 base=24704 bytes=4096 depth=1\n"
      "buffer id=b5 base=32768 bytes=4096 depth=1\n"
      "barrier scope=pe\n"
      "where rd=r1 which=index\n"
      "muli rd=r2 ra=r1 value=4096\n"
      "{0}{1}{2}{3}"
      // PE p: transpose(exp-free relu) of tile p, to 0x100000 + 4096 p
      "load dst=b0 reserve=1 push=1 address=r2 shape=r10 @0\n"
      "vector op=relu dst=b1 reserve=1 push=1 dst_type=fp32 a=b0 a_wait=1 a_pop=1 a_type=fp32 a_mode=full "
      "reduce=none shape=r20 @1\n"
      "transpose dst=b2 reserve=1 push=1 src=b1 wait=1 pop=1 type=fp32 shape=r30 @2\n"
      "addi rd=r3 ra=r2 value=1048576\n"
      "store src=b2 wait=1 pop=1 address=r3 shape=r10 @0\n"
      "barrier scope=all\n"
      // reads what the next PE wrote
      "addi rd=r4 ra=r1 value=1\n"
      "where rd=r5 which=count\n"
      "rem rd=r4 ra=r4 rb=r5\n"
      "muli rd=r6 ra=r4 value=4096\n"
      "addi rd=r6 ra=r6 value=1048576\n"
      "load dst=b0 reserve=1 push=1 address=r6 shape=r10 @0\n"
      "set rd=r7 value=2097152\n"
      "add rd=r7 ra=r7 rb=r2\n"
      "store src=b0 wait=1 pop=1 address=r7 shape=r10 @0\n"
      "post pe=r4 semaphore=3 count=2\n"
      "wait semaphore=3 count=2\n"
      // gather 16 rows of 256 bytes by the index list at 0x300000, scatter-add them to a table of this PE
      "set rd=r8 value=3145728\n"
      "set rd=r9 value=0\n"
      "muli rd=r50 ra=r1 value=16384\n"
      "addi rd=r50 ra=r50 value=4194304\n"
      "load dst=b3 reserve=1 push=1 address=r8 shape=r40 @0\n"
      "gather dst=b4 reserve=1 push=1 index=b3 wait=1 pop=1 index_type=int32 address=r9 shape=r54 @3\n"
      "barrier scope=pe\n"
      "load dst=b3 reserve=1 push=1 address=r8 shape=r40 @0\n"
      "scatter src=b4 wait=1 pop=1 index=b3 index_wait=1 index_pop=1 index_type=int32 address=r50 shape=r54 "
      "@3\n"
      "end\n",
      shape(10, {4096, 1, 4096, 1, 0, 4096}), shape(20, {32, 32, 128, 128, 0, 0}),
      shape(30, {32, 32, 128, 128}),
      shape(40, {64, 1, 64, 1, 0, 64}) + shape(54, {256, 16, 256, 64, 0, 256}));
}

inline void fill_everything(isa::Memory& memory) {
  ramp(memory, 0, DType::fp32, 16384, 3);
  std::vector<std::int32_t> index;
  for (int i = 0; i < 16; ++i) index.push_back(i * 5 % 11);
  memory.write(3145728, reinterpret_cast<const std::byte*>(index.data()), index.size() * 4);
}

/// PE 0 passes a 32x32 product to PE 1 (east), which adds its own and stores the sum at 1 MiB.
inline std::string partials_text() {
  const std::string matmul =
      "matmul held=b0 held_wait=1 stream=b0 stream_wait=1 held_pop=1 held_type=bf16 stream_type=bf16 bank=0 "
      "first=1 last=1 "
      "shape=r10 @1\n";
  return fmt::format(
      ".core 0\n"
      "buffer id=b0 base=0 bytes=4096 depth=1\n"
      "buffer id=b1 base=4096 bytes=4096 depth=1\n"
      "where rd=r1 which=index\n"
      "muli rd=r2 ra=r1 value=4096\n"
      "{}{}{}"
      "set rd=r3 value=1048576\n"
      "set rd=r5 value=1\n"
      "sub rd=r6 ra=r5 rb=r1\n"  // 1 on PE 0, 0 on PE 1
      "set rd=r8 value=2\n"
      "sub rd=r7 ra=r8 rb=r1\n"
      "min rd=r7 ra=r7 rb=r5\n"  // 1 on PE 0 and 1, 0 or less beyond
      "loop count=r7 length=9\n"
      "load dst=b0 reserve=1 push=1 address=r2 shape=r20 @0\n"
      "{}"
      "loop count=r6 length=1\n"
      "pass bank=0 to=east shape=r30 @2\n"
      "mul rd=r9 ra=r1 rb=r5\n"
      "loop count=r9 length=3\n"
      "merge bank=0 from=west shape=r30 @2\n"
      "drain bank=0 dst=b1 reserve=1 push=1 dst_type=fp32 shape=r30 @3\n"
      "store src=b1 wait=1 pop=1 address=r3 shape=r20 @3\n"
      "end\n",
      shape(10, {32, 32, 64, 128, 128}), shape(20, {4096, 1, 4096, 1, 0, 4096}), shape(30, {32, 32, 128}),
      matmul);
}

}  // namespace leto::model::test
