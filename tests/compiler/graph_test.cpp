#include "compiler/ops.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

/// A graph of leaves a[2,3,4], m[3,5], image[2,4,8,8], filter[6,4,3,3], index int32[7], v[4].
struct Leaves {
  Graph g;
  ValueId a = leaf(g, "a", DType::bf16, {2, 3, 4}, Role::input),
          m = leaf(g, "m", DType::bf16, {4, 5}, Role::input);
  ValueId image = leaf(g, "image", DType::fp32, {2, 4, 8, 8}, Role::input);
  ValueId filter = leaf(g, "filter", DType::fp32, {6, 4, 3, 3}, Role::input);
  ValueId index = leaf(g, "index", DType::int32, {7}, Role::input),
          v = leaf(g, "v", DType::fp32, {4}, Role::input);
  Type type(Op o, std::vector<ValueId> in, std::map<std::string, Attribute> attributes = {}) {
    return infer(g, Node{o, std::move(in), -1, std::move(attributes), Phase::forward, "node"});
  }
};

const std::map<std::string, Attribute> kWindow = {
    {"strides", Dims{2, 2}}, {"pads", Dims{1, 1, 1, 1}}, {"dilations", Dims{1, 1}}, {"kernel", Dims{3, 3}}};

}  // namespace

TEST_CASE("inference: elementwise types follow the first operand, shapes broadcast") {
  Leaves l;
  CHECK(l.type(Op::add, {l.a, l.v}) == Type{DType::bf16, {2, 3, 4}});
  CHECK(l.type(Op::add, {l.v, l.a}) == Type{DType::fp32, {2, 3, 4}});
  CHECK(l.type(Op::mul, {l.a, l.v}, {{"dtype", std::string("fp32")}}) == Type{DType::fp32, {2, 3, 4}});
  CHECK(l.type(Op::exp, {l.a}) == Type{DType::bf16, {2, 3, 4}});
  CHECK(l.type(Op::is_class, {l.index}, {{"classes", std::int64_t{10}}}) == Type{DType::fp32, {7, 10}});
  CHECK(l.type(Op::reduce_sum, {l.a}, {{"axes", Dims{0, 2}}}) == Type{DType::bf16, {1, 3, 1}});
}

TEST_CASE("inference: products, movement, windows") {
  Leaves l;
  CHECK(l.type(Op::matmul, {l.a, l.m}, {{"dtype", std::string("fp32")}}) == Type{DType::fp32, {2, 3, 5}});
  CHECK(l.type(Op::matmul, {l.m, l.a}, {{"trans_a", std::int64_t{1}}, {"trans_b", std::int64_t{1}}}).shape ==
        Dims{2, 5, 3});
  CHECK(l.type(Op::reshape, {l.a}, {{"shape", Dims{6, 4}}}).shape == Dims{6, 4});
  CHECK(l.type(Op::transpose, {l.a}, {{"perm", Dims{2, 0, 1}}}).shape == Dims{4, 2, 3});
  CHECK(l.type(Op::slice, {l.m}, {{"starts", Dims{0, 1}}, {"sizes", Dims{2, 2}}, {"steps", Dims{2, 3}}})
            .shape == Dims{2, 2});
  CHECK(l.type(Op::embed, {l.v}, {{"shape", Dims{9}}, {"starts", Dims{2}}, {"steps", Dims{2}}}).shape ==
        Dims{9});
  CHECK(l.type(Op::concat, {l.a, l.a}, {{"axis", std::int64_t{1}}}).shape == Dims{2, 6, 4});
  CHECK(l.type(Op::expand, {l.v}, {{"shape", Dims{3, 4}}}).shape == Dims{3, 4});
  CHECK(l.type(Op::gather, {l.m, l.index}) == Type{DType::bf16, {7, 5}});
  CHECK(l.type(Op::scatter_add, {l.index, l.index}, {{"rows", std::int64_t{3}}}) == Type{DType::fp32, {3}});
  CHECK(l.type(Op::conv, {l.image, l.filter}, kWindow).shape == Dims{2, 6, 4, 4});
  CHECK(l.type(Op::max_pool, {l.image}, kWindow).shape == Dims{2, 4, 4, 4});
  CHECK(l.type(Op::layernorm, {l.a, l.v, l.v}) == Type{DType::bf16, {2, 3, 4}});
}

TEST_CASE("inference: what does not fit is an error that names the node") {
  Leaves l;
  const auto fails = [&](Op o, std::vector<ValueId> in, std::map<std::string, Attribute> attributes = {}) {
    const std::string what = error_of([&] { l.type(o, in, attributes); }, ExitCode::bad_input);
    CHECK(what.find("'node'") != std::string::npos);
  };
  fails(Op::add, {l.a});
  fails(Op::add, {l.a, 99});
  fails(Op::add, {l.m, l.a});
  fails(Op::cast, {l.a});
  fails(Op::cast, {l.a}, {{"dtype", std::string("fp33")}});
  fails(Op::matmul, {l.a, l.v});
  fails(Op::matmul, {l.m, l.a});
  fails(Op::reduce_sum, {l.a});
  fails(Op::reduce_sum, {l.a}, {{"axes", Dims{1, 0}}});
  fails(Op::reshape, {l.a}, {{"shape", Dims{5, 5}}});
  fails(Op::reshape, {l.a}, {{"shape", Dims{1LL << 62, 1LL << 62}}});
  fails(Op::transpose, {l.a}, {{"perm", Dims{0, 0, 1}}});
  fails(Op::slice, {l.v}, {{"starts", Dims{2}}, {"sizes", Dims{3}}, {"steps", Dims{1}}});
  fails(Op::embed, {l.v}, {{"shape", Dims{5}}, {"starts", Dims{2}}, {"steps", Dims{1}}});
  fails(Op::concat, {l.a, l.m}, {{"axis", std::int64_t{0}}});
  fails(Op::expand, {l.a}, {{"shape", Dims{2, 3, 1}}});
  fails(Op::gather, {l.m, l.v});
  fails(Op::cross_entropy, {l.m, l.index});
  fails(Op::pow, {l.v, l.m});
  fails(Op::select, {l.v, l.v});
  fails(Op::select, {l.v, l.v, l.m});
  fails(Op::order, {l.v}, {{"k", std::int64_t{5}}});
  fails(Op::is_class, {l.index}, {{"classes", std::int64_t{0}}});
}

TEST_CASE("names: a taken name gets a number, whatever was added before") {
  Graph g;
  for (const char* want : {"x", "x.1", "x.2"}) {
    CHECK(g.value(leaf(g, "x", DType::fp32, {}, Role::input)).name == want);
  }
  CHECK(g.value(leaf(g, "x.1", DType::fp32, {}, Role::input)).name == "x.1.1");
}

TEST_CASE("operation names read back") {
  for (const Op op : all_ops()) {
    CHECK(op_from_name(name_of(op)) == op);
  }
  CHECK_FALSE(op_from_name("nonsense"));
}
