// What foreign blocks are given: orders of loops, requests to buffers, matmuls within a block's limits.
#include <doctest/doctest.h>

#include "model/twin/buffer_requests.h"
#include "model/twin/matrix_programs.h"
#include "model/twin/stream_jobs.h"
#include "model/twin/stream_order.h"

using namespace leto;
using namespace leto::model;

namespace {

/// The places of m, n, k in an order, a row a line.
std::string walked(std::string_view text, const std::array<int, 3>& sizes) {
  std::string all;
  LoopOrder(text).each(sizes, [&](const LoopOrder::Place& place, bool last) {
    for (const LoopOrder::Range& one : place)
      all += one.to == one.from + 1 ? fmt::format("{}", one.from) : fmt::format("({}-{})", one.from, one.to);
    all += last ? "\n" : " ";
  });
  return all;
}

StreamSpec matrix_spec(std::set<std::string> pins) {
  StreamSpec spec;
  spec.block = "matrix_engine";
  spec.types = {{DType::bf16, 7}, {DType::fp16, 9}};
  spec.pins = std::move(pins);
  return spec;
}

}  // namespace

TEST_CASE("stream: loops go over blocks and elements in their order") {
  CHECK(walked("m k", {2, 9, 3}) == "0(0-9)0 0(0-9)1 0(0-9)2\n1(0-9)0 1(0-9)1 1(0-9)2\n");
  CHECK(walked("k/2 n m", {2, 1, 3}) == "00(0-2) 10(0-2)\n002 102\n");
  CHECK(walked("k/2 n k", {4, 2, 3}) == "(0-4)00 (0-4)01\n(0-4)10 (0-4)11\n(0-4)02\n(0-4)12\n");
  CHECK(LoopOrder("k/4 k/2 m k").inner() == 2);
  CHECK(LoopOrder::fault("k/16 n m", "nm") == "");
  CHECK(LoopOrder::fault("n m k", "mk") == "");
  CHECK(LoopOrder::fault("", "mk") == "\"\" is no order of loops over m, n and k");
  CHECK(LoopOrder::fault("m q", "mk") == "\"m q\" is no order of loops over m, n and k");
  CHECK(LoopOrder::fault("k/0 m k", "mk") == "\"k/0 m k\" is no order of loops over m, n and k");
  CHECK(LoopOrder::fault("m k/4", "mk") == "\"m k/4\" does not go over k one by one");
  CHECK(LoopOrder::fault("k m k", "mk") == "\"k m k\" goes over k again within it");
  CHECK(LoopOrder::fault("m k n", "mk") == "\"m k n\" repeats each element at once");
}

TEST_CASE("stream: a matmul's channels bring operands and the sums of each block in their order") {
  MatrixRun run;
  run.m = 2;
  run.n = 1;
  run.k = 3;
  run.first = false;
  for (const float x : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}) run.held.push_back(bf16_from_float(x));
  for (const float x : {1.0f, 10.0f, 100.0f}) run.stream.push_back(bf16_from_float(x));
  run.before = {0.5f, 0.25f};
  run.after = {321.5f, 654.25f};
  StreamSpec spec = matrix_spec({"cmd_first", "a_data", "a_index", "cmd_type"});
  spec.channels["h"].order = "k m";
  spec.channels["a"].order = spec.channels["c"].order = "k/2 n m";
  REQUIRE(offers(run, spec));
  const StreamJob job = job_of(run, spec);
  CHECK(job.command == std::vector<std::uint64_t>{7, 7, 7, 2, 1, 3, 0});
  const auto floats = [](const Flow& flow) {
    std::vector<float> all;
    for (const std::uint32_t bits : flow.elements)
      all.push_back(flow.type == DType::fp32 ? std::bit_cast<float>(bits)
                                             : float_from_bf16(static_cast<std::uint16_t>(bits)));
    return all;
  };
  CHECK(floats(job.in[0]) == std::vector<float>{1, 4, 2, 5, 3, 6});
  CHECK(floats(job.in[1]) == std::vector<float>{1, 10, 100});
  CHECK(floats(job.in[2]) == std::vector<float>{0.5f, 0.25f, 21.5f, 54.25f});
  CHECK(floats(job.out[0]) == std::vector<float>{21.5f, 54.25f, 321.5f, 654.25f});
  CHECK(job.out[0].rows.size() == 2);
  CHECK(job.in[0].rows.size() == 3);
  CHECK(job.in[0].rows[2].address == 4);
  // The sums after block 0: no k of block 1.
  CHECK(job.made_from(0, 1) == std::vector<std::size_t>{1, 3});
  CHECK(job.made_from(1, 1) == std::vector<std::size_t>{0, 1});
  CHECK(job.made_from(2, 1) == std::vector<std::size_t>{1});
  CHECK(job.made_from(0, 2) == std::vector<std::size_t>{4});
  CHECK(job.made_from(2, 2) == std::vector<std::size_t>{2});
  run.first = true;  // the block clears: it is given the sums of later blocks only
  run.after = {321, 654};
  CHECK(floats(job_of(run, spec).in[2]) == std::vector<float>{21, 54});
  CHECK(job_of(run, spec).made_from(2, 1).empty());
  CHECK(job_of(run, spec).made_from(2, 3) == std::vector<std::size_t>{1});
  run.stream_type = DType::fp16;  // one pin for both types
  CHECK(!offers(run, spec));
  run.stream_type = DType::bf16;
  spec.shape["k"] = {4, 64, 4};
  CHECK(!offers(run, spec));
}

TEST_CASE("stream: matmuls keep within a block's limits and go on where sums stay in it") {
  MatrixLimits limits;
  limits.m = {8, 8, 8};
  limits.k = {4, 30, 4};
  limits.types = {DType::fp16};
  limits.keeps_sums = true;
  MatrixPrograms programs(load_chip("tiny").matrix_engine, 1, limits);
  int goes_on = 0;
  MatrixRun last;
  for (int i = 0; i < 200; ++i) {
    const MatrixRun run = programs.next();
    CHECK(run.m == 8);
    CHECK(run.k % 4 == 0);
    CHECK(run.k <= 28);
    CHECK(run.held_type == DType::fp16);
    if (!run.first) {
      ++goes_on;
      CHECK(run.n == last.n);
      CHECK(std::equal(run.before.begin(), run.before.end(), last.after.begin(), last.after.end(),
                       [](float a, float b) { return std::bit_cast<int>(a) == std::bit_cast<int>(b); }));
    }
    last = run;
  }
  CHECK(goes_on > 30);
}

TEST_CASE("stream: requests to buffers come to all answers") {
  BufferLimits limits;
  limits.ids = 4;
  limits.store = 4096;
  limits.depth = {2, 40};
  BufferRequests requests(limits, 1);
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    const BufferRequest request = requests.next();
    CHECK(request.depth >= 2);
    CHECK(request.full <= request.depth);
    if (request.tile) CHECK(*request.tile + request.bytes <= 4096);
  }
  for (const char* arm : {"reserve", "no room", "push", "wait", "no data", "pop"})
    CHECK_MESSAGE(requests.arms[arm] * 50 > kCount, arm, " ", requests.arms[arm]);
  CHECK(requests.arms["define"] > 50);
}

TEST_CASE("stream: buffers are defined once for a block that is told of no definition") {
  BufferLimits limits;
  limits.ids = 4;
  limits.depth = {8, 8};
  limits.redefines = false;
  BufferRequests requests(limits, 1);
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) CHECK(((requests.next().op == BufferRequest::Op::define) == (i < 4)));
  for (const char* arm : {"reserve", "no room", "push", "wait", "no data", "pop"})
    CHECK_MESSAGE(requests.arms[arm] * 50 > kCount, arm, " ", requests.arms[arm]);
}
