// Single operations: what the chip's engines and memories are measured with.
#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"
#include "apps/zoo/layers.h"
#include "base/errors.h"

namespace leto::zoo {

onnx::ModelProto gemm(const Request& request) {
  const auto m = request["m"], n = request["n"], k = request["k"];
  const bool trans_a = request["trans-a"] != 0, trans_b = request["trans-b"] != 0;
  ModelBuilder model("gemm", request.dtype, request.seed);
  const auto a = model.input("a", trans_a ? Shape{k, m} : Shape{m, k});
  const auto b =
      model.weight("b", trans_b ? Shape{n, k} : Shape{k, n}, 1.0 / std::sqrt(static_cast<double>(k)));
  const auto c = model.node("Gemm", {a, b}, "c");
  model.integer("transA", trans_a).integer("transB", trans_b);
  model.output(c, {m, n});
  return model.finish();
}

onnx::ModelProto add(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("add", request.dtype, request.seed);
  model.output(model.node("Add", {model.input("a", shape), model.input("b", shape)}, "c"), shape);
  return model.finish();
}

onnx::ModelProto softmax(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("softmax", request.dtype, request.seed);
  const auto y = model.node("Softmax", {model.input("x", shape)}, "y");
  model.integer("axis", -1).output(y, shape);
  return model.finish();
}

onnx::ModelProto layernorm(const Request& request) {
  const Shape shape{request["m"], request["n"]};
  ModelBuilder model("layernorm", request.dtype, request.seed);
  const auto x = model.input("x", shape);
  const auto scale = model.filled("scale", {shape[1]}, 1.0f), bias = model.filled("bias", {shape[1]}, 0.0f);
  const auto y = model.node("LayerNormalization", {x, scale, bias}, "y");
  model.integer("axis", -1).number("epsilon", 1e-5f).output(y, shape);
  return model.finish();
}

onnx::ModelProto attention(const Request& request) {
  const auto batch = request["batch"], seq = request["seq"], heads = request["heads"],
             kv_heads = request["kv-heads"], head_dim = request["head-dim"];
  ModelBuilder model("attention", request.dtype, request.seed);
  const auto q = model.input("q", {batch, heads, seq, head_dim}),
             k = model.input("k", {batch, kv_heads, seq, head_dim}),
             v = model.input("v", {batch, kv_heads, seq, head_dim});
  const RepeatedHeads repeat(model, {batch, heads, kv_heads, seq, head_dim});
  const DotProductAttention attend(model, head_dim, request["causal"] != 0 ? causal_mask(model, seq) : "");
  const auto turned = model.node("Transpose", {repeat(k, "k_repeat")}, "k_transpose");
  model.list("perm", {0, 1, 3, 2});
  model.output(attend(q, turned, repeat(v, "v_repeat"), "y"), {batch, heads, seq, head_dim});
  model.tokens(batch * seq);
  return model.finish();
}

// The update of Loshchilov & Hutter 2017 with bias correction, as an element-by-element graph: the tenth step
// of a run with the usual settings.
onnx::ModelProto adamw(const Request& request) {
  constexpr float kRate = 1e-3f, kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f, kDecay = 0.01f, kStep = 10;
  const Shape shape{request["n"]};
  ModelBuilder model("adamw", request.dtype, request.seed);
  const auto p = model.input("parameter", shape), g = model.input("gradient", shape),
             m = model.input("m", shape), v = model.input("v", shape);
  const auto number = [&](const char* name, float x) { return model.constant(name, {}, {x}); };
  const auto mul = [&](const std::string& a, const std::string& b, const char* name) {
    return model.node("Mul", {a, b}, name);
  };
  const auto m_next = model.node(
      "Add", {mul(m, number("beta1", kBeta1), "m.kept"), mul(g, number("beta1.rest", 1 - kBeta1), "m.added")},
      "m.new");
  const auto v_next = model.node("Add",
                                 {mul(v, number("beta2", kBeta2), "v.kept"),
                                  mul(mul(g, g, "square"), number("beta2.rest", 1 - kBeta2), "v.added")},
                                 "v.new");
  const auto root = mul(model.node("Sqrt", {v_next}, "root"),
                        number("correction2", 1 / std::sqrt(1 - std::pow(kBeta2, kStep))), "root.corrected");
  const auto change = model.node(
      "Div", {m_next, model.node("Add", {root, number("epsilon", kEpsilon)}, "denominator")}, "change");
  const auto scaled = mul(change, number("rate", kRate / (1 - std::pow(kBeta1, kStep))), "change.scaled");
  const auto decayed = mul(p, number("decay", 1 - kRate * kDecay), "parameter.decayed");
  model.output(model.node("Sub", {decayed, scaled}, "parameter.new"), shape);
  model.output(m_next, shape);
  model.output(v_next, shape);
  return model.finish();
}

}  // namespace leto::zoo
