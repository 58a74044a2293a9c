// ONNX models built here, imported and evaluated.
#include <onnx/onnx_pb.h>

#include <cstring>
#include <functional>
#include <optional>

#include "compiler/compiler.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

using onnx::TensorProto;
using List = std::vector<float>;

/// A model of one graph; everything is called by its name.
class Model {
 public:
  explicit Model(int opset = 17) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(opset);
    model_.mutable_graph()->set_name("test");
  }
  Model& input(const std::string& name, const Dims& shape, int type = TensorProto::FLOAT) {
    auto& tensor = *describe(*graph().add_input(), name);
    tensor.set_elem_type(type);
    for (const auto d : shape) {
      d < 0 ? tensor.mutable_shape()->add_dim()->set_dim_param("N")
            : tensor.mutable_shape()->add_dim()->set_dim_value(d);
    }
    return *this;
  }
  Model& floats(const std::string& name, const Dims& shape, const List& data) {
    TensorProto& t = initializer(name, shape, TensorProto::FLOAT);
    t.mutable_float_data()->Add(data.begin(), data.end());
    return *this;
  }
  Model& ints(const std::string& name, const Dims& data, std::optional<Dims> shape = {}) {
    TensorProto& t =
        initializer(name, shape.value_or(Dims{static_cast<std::int64_t>(data.size())}), TensorProto::INT64);
    t.mutable_int64_data()->Add(data.begin(), data.end());
    return *this;
  }
  TensorProto& initializer(const std::string& name, const Dims& shape, int type) {
    TensorProto& t = *graph().add_initializer();
    t.set_name(name);
    t.set_data_type(type);
    t.mutable_dims()->Add(shape.begin(), shape.end());
    return t;
  }
  /// Output "y" unless named otherwise.
  Model& node(const std::string& op, const std::vector<std::string>& in,
              const std::vector<std::string>& out = {"y"}) {
    node_ = graph().add_node();
    node_->set_op_type(op);
    node_->set_name((out.empty() ? op : out[0]) + "_node");
    for (const auto& i : in) node_->add_input(i);
    for (const auto& o : out) node_->add_output(o);
    return *this;
  }
  Model& attribute(const std::string& key, std::int64_t x) {
    auto& a = add(key, onnx::AttributeProto::INT);
    a.set_i(x);
    return *this;
  }
  Model& attribute(const std::string& key, float x) {
    auto& a = add(key, onnx::AttributeProto::FLOAT);
    a.set_f(x);
    return *this;
  }
  Model& attribute(const std::string& key, const std::string& x) {
    auto& a = add(key, onnx::AttributeProto::STRING);
    a.set_s(x);
    return *this;
  }
  Model& attribute(const std::string& key, const Dims& x) {
    auto& a = add(key, onnx::AttributeProto::INTS);
    a.mutable_ints()->Add(x.begin(), x.end());
    return *this;
  }
  Model& constant(const std::string& name, const Dims& shape, const List& data) {
    node("Constant", {}, {name});
    auto& t = *add("value", onnx::AttributeProto::TENSOR).mutable_t();
    t.set_data_type(TensorProto::FLOAT);
    t.mutable_dims()->Add(shape.begin(), shape.end());
    t.mutable_float_data()->Add(data.begin(), data.end());
    return *this;
  }
  Model& output(const std::string& name) {
    describe(*graph().add_output(), name)->set_elem_type(TensorProto::FLOAT);
    return *this;
  }
  /// The nodes and outputs of another model as the body of a loop over "trip".
  Model& body(const Model& inner) {
    auto& g = *add("body", onnx::AttributeProto::GRAPH).mutable_g();
    g = inner.model_.graph();
    for (const char* name : {"trip", "condition"}) g.add_input()->set_name(name);
    return *this;
  }
  Model& metadata(const std::string& key, const std::string& value) {
    auto& entry = *model_.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
    return *this;
  }
  std::string bytes() const { return model_.SerializeAsString(); }
  Graph import(const Bindings& bindings = {}) const {
    const TempFile file("model.onnx", bytes());
    return import_onnx(file.path(), bindings);
  }
  List run(const Values& inputs) {
    output("y");
    return evaluate(import(), inputs).at("y");
  }

 private:
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  onnx::TypeProto::Tensor* describe(onnx::ValueInfoProto& info, const std::string& name) {
    info.set_name(name);
    return info.mutable_type()->mutable_tensor_type();
  }
  onnx::AttributeProto& add(const std::string& key, onnx::AttributeProto::AttributeType type) {
    auto& a = *node_->add_attribute();
    a.set_name(key);
    a.set_type(type);
    return a;
  }
  onnx::ModelProto model_;
  onnx::NodeProto* node_ = nullptr;
};

std::string import_error(const Model& model, ExitCode code) {
  return error_of([&] { model.import(); }, code);
}

const List kSix{1, -2, 3, -4, 5, -6};

}  // namespace

TEST_CASE("import: elementwise operators") {
  const auto one = [](const std::string& op) {
    return Model().input("x", {2, 3}).node(op, {"x"}).run({{"x", kSix}});
  };
  CHECK(one("Relu") == List{1, 0, 3, 0, 5, 0});
  CHECK(one("Neg") == List{-1, 2, -3, 4, -5, 6});
  CHECK(one("Abs") == List{1, 2, 3, 4, 5, 6});
  CHECK(one("Identity") == kSix);
  CHECK(one("Dropout") == kSix);
  CHECK(Model().input("x", {2, 3}).floats("b", {3}, {1, 2, 3}).node("Add", {"x", "b"}).run({{"x", kSix}}) ==
        List{2, 0, 6, -3, 7, -3});
  CHECK(Model().input("x", {2, 3}).floats("b", {}, {2}).node("Pow", {"x", "b"}).run({{"x", kSix}}) ==
        List{1, 4, 9, 16, 25, 36});
  CHECK(Model()
            .input("x", {2, 3})
            .constant("l", {}, {-3})
            .constant("h", {}, {2})
            .node("Clip", {"x", "l", "h"})
            .run({{"x", kSix}}) == List{1, -2, 2, -3, 2, -3});
  CHECK(Model().input("x", {2, 3}).node("LeakyRelu", {"x"}).attribute("alpha", 0.5F).run({{"x", kSix}}) ==
        List{1, -1, 3, -2, 5, -3});
  CHECK(difference(Model().input("x", {2}).node("HardSwish", {"x"}).run({{"x", {1, -2}}}),
                   {2.0F / 3, -1.0F / 3}) < 1e-6);
  CHECK(difference(Model().input("x", {2}).node("Softplus", {"x"}).run({{"x", {0, 200}}}),
                   {0.6931472F, 200}) < 1e-6);
}

TEST_CASE("import: Gemm and MatMul with every rank") {
  const Values x{{"x", {1, 2, 3, 4, 5, 6}}};
  CHECK(Model()
            .input("x", {2, 3})
            .floats("w", {2, 3}, {1, 0, 0, 0, 1, 0})
            .floats("b", {2}, {10, 20})
            .node("Gemm", {"x", "w", "b"})
            .attribute("transB", std::int64_t{1})
            .attribute("alpha", 2.0F)
            .attribute("beta", 0.5F)
            .run(x) == List{7, 14, 13, 20});
  CHECK(Model().input("x", {2, 3}).floats("w", {3}, {1, 0, 1}).node("MatMul", {"x", "w"}).run(x) ==
        List{4, 10});
  CHECK(Model().input("x", {6}).floats("w", {6, 1}, {1, 1, 1, 1, 1, 1}).node("MatMul", {"x", "w"}).run(x) ==
        List{21});
  CHECK(Model().input("x", {6}).floats("w", {6}, {1, 1, 1, 1, 1, 2}).node("MatMul", {"x", "w"}).run(x) ==
        List{27});
}

TEST_CASE("import: movement, and shape arithmetic that folds away") {
  const Values x{{"x", kSix}};
  CHECK(Model().input("x", {2, 3}).node("Transpose", {"x"}).run(x) == List{1, -4, -2, 5, 3, -6});
  CHECK(Model()
            .input("x", {2, 3})
            .ints("s", {-2})
            .ints("e", {INT64_MAX})
            .ints("a", {-1})
            .node("Slice", {"x", "s", "e", "a"})
            .run(x) == List{-2, 3, 5, -6});
  CHECK(Model()
            .input("x", {2, 3})
            .ints("i", {1}, Dims{})
            .node("Gather", {"x", "i"})
            .attribute("axis", std::int64_t{1})
            .run(x) == List{-2, 5});
  CHECK(Model().input("x", {2, 3}).ints("i", {1, 0}).node("Gather", {"x", "i"}).run(x) ==
        List{-4, 5, -6, 1, -2, 3});
  CHECK(Model()
            .input("x", {2, 3})
            .ints("s", {1, 2})
            .node("Split", {"x", "s"}, {"a", "b"})
            .attribute("axis", std::int64_t{1})
            .node("Concat", {"b", "a"})
            .attribute("axis", std::int64_t{1})
            .run(x) == List{-2, 3, 1, 5, -6, -4});
  CHECK(Model().input("x", {2, 3}).ints("p", {0, 1, 0, 0}).node("Pad", {"x", "p"}).run(x) ==
        List{0, 1, -2, 3, 0, -4, 5, -6});
  Model m;
  m.input("x", {2, 3})
      .node("Shape", {"x"}, {"shape"})
      .ints("zero", {0}, Dims{})
      .ints("axes", {0})
      .ints("rest", {-1});
  m.node("Gather", {"shape", "zero"}, {"rows"}).node("Unsqueeze", {"rows", "axes"}, {"rows1"});
  m.node("Concat", {"rest", "rows1"}, {"target"})
      .attribute("axis", std::int64_t{0})
      .node("Reshape", {"x", "target"})
      .output("y");
  const Graph g = m.import();
  CHECK(g.nodes.size() == 1);
  CHECK(g.value(g.outputs[0]).type.shape == Dims{3, 2});
}

TEST_CASE("import: softmax before and after opset 13, LogSoftmax, reductions") {
  const Values x{{"x", {0, 0, 0, 0, 0, 0}}};
  CHECK(difference(Model(12).input("x", {1, 2, 3}).node("Softmax", {"x"}).run(x), List(6, 1.0F / 6)) < 1e-6);
  CHECK(difference(Model(13).input("x", {1, 2, 3}).node("Softmax", {"x"}).run(x), List(6, 1.0F / 3)) < 1e-6);
  CHECK(difference(
            Model(13).input("x", {1, 2, 3}).node("Softmax", {"x"}).attribute("axis", std::int64_t{1}).run(x),
            List(6, 0.5F)) < 1e-6);
  CHECK(difference(Model().input("x", {2, 3}).node("LogSoftmax", {"x"}).run(x), List(6, -1.0986123F)) < 1e-6);
  const Values y{{"x", kSix}};
  CHECK(Model()
            .input("x", {2, 3})
            .node("ReduceMean", {"x"})
            .attribute("axes", Dims{-1})
            .attribute("keepdims", std::int64_t{0})
            .run(y) == List{2.0F * (1.0F / 3), -5.0F * (1.0F / 3)});
  CHECK(Model().input("x", {2, 3}).ints("a", {0}).node("ReduceSum", {"x", "a"}).run(y) == List{-3, 3, -3});
  CHECK(Model().input("x", {2, 3}).node("ReduceMax", {"x"}).run(y) == List{5});
}

TEST_CASE("import: convolution, pools, normalisations") {
  const Values x{{"x", {1, 2, 3, 4}}};
  CHECK(Model()
            .input("x", {1, 1, 2, 2})
            .floats("w", {1, 1, 2, 2}, {1, 10, 100, 1000})
            .floats("b", {1}, {5})
            .node("Conv", {"x", "w", "b"})
            .attribute("auto_pad", std::string("SAME_UPPER"))
            .run(x) == List{4326, 407, 48, 9});
  CHECK(
      Model().input("x", {1, 1, 2, 2}).node("MaxPool", {"x"}).attribute("kernel_shape", Dims{2, 2}).run(x) ==
      List{4});
  CHECK(Model()
            .input("x", {1, 1, 2, 2})
            .node("AveragePool", {"x"})
            .attribute("kernel_shape", Dims{1, 2})
            .attribute("pads", Dims{0, 1, 0, 0})
            .attribute("count_include_pad", std::int64_t{1})
            .run(x) == List{0.5, 1.5, 1.5, 3.5});
  CHECK(Model().input("x", {1, 1, 2, 2}).node("GlobalAveragePool", {"x"}).run(x) == List{2.5});
  CHECK(difference(Model()
                       .input("x", {2, 2})
                       .floats("s", {2}, {1, 2})
                       .node("LayerNormalization", {"x", "s"})
                       .attribute("epsilon", 0.0F)
                       .run(x),
                   {-1, 2, -1, 2}) < 1e-6);
  CHECK(difference(Model()
                       .input("x", {1, 2, 2})
                       .floats("s", {2}, {1, 2})
                       .floats("b", {2}, {0, 1})
                       .floats("m", {2}, {1, 3})
                       .floats("v", {2}, {4, 0.25})
                       .node("BatchNormalization", {"x", "s", "b", "m", "v"})
                       .attribute("epsilon", 0.0F)
                       .run(x),
                   {0, 0.5, 1, 5}) < 1e-6);
}

TEST_CASE("import: Where with a known mask, masks with minus infinity") {
  Model m;
  m.input("x", {2, 2})
      .ints("ones", {1, 1, 1, 1}, Dims{2, 2})
      .node("Trilu", {"ones"}, {"t"})
      .attribute("upper", std::int64_t{0});
  m.node("Cast", {"t"}, {"mask"}).attribute("to", std::int64_t{TensorProto::BOOL});
  m.constant("fill", {}, {-HUGE_VALF}).node("Where", {"mask", "x", "fill"});
  CHECK(m.run({{"x", {1, 2, 3, 4}}}) == List{1, -HUGE_VALF, 3, 4});
  Model n;
  n.input("x", {2})
      .input("z", {2})
      .ints("bits", {1, 0})
      .node("Cast", {"bits"}, {"mask"})
      .attribute("to", std::int64_t{TensorProto::BOOL});
  n.node("Where", {"mask", "x", "z"});
  CHECK(n.run({{"x", {1, 2}}, {"z", {3, 4}}}) == List{1, 4});
}

TEST_CASE("import: the exporters' GELU becomes one operation") {
  Model m;
  m.input("x", {3}).constant("r", {}, {1.4142135F}).constant("one", {}, {1}).constant("half", {}, {0.5});
  m.node("Div", {"x", "r"}, {"d"})
      .node("Erf", {"d"}, {"e"})
      .node("Add", {"e", "one"}, {"p"})
      .node("Mul", {"x", "p"}, {"q"});
  m.node("Mul", {"q", "half"}).output("y");
  const Graph g = m.import();
  REQUIRE(g.nodes.size() == 1);
  CHECK(g.nodes[0].op == Op::gelu);
  CHECK(difference(evaluate(g, {{"x", {1, -2, 0}}}).at("y"), {0.84134475F, -0.04550026F, 0}) < 1e-6);
}

TEST_CASE("import: losses, index limits and tokens") {
  Model m;
  m.input("tokens", {2, 3}, TensorProto::INT64).input("labels", {2, 3}, TensorProto::INT64);
  m.floats("table", {5, 4}, numbers(1, 20)).ints("flat", {-1, 4}).ints("all", {-1});
  m.node("Gather", {"table", "tokens"}, {"h"})
      .node("Reshape", {"h", "flat"}, {"scores"})
      .node("Reshape", {"labels", "all"}, {"l"});
  m.node("SoftmaxCrossEntropyLoss", {"scores", "l"}, {"loss"}).output("loss").metadata("leto.tokens", "6");
  const Graph g = m.import();
  CHECK(g.tokens == 6);
  REQUIRE(g.loss >= 0);
  CHECK(g.value(g.loss).name == "loss");
  CHECK(g.outputs.empty());
  CHECK(g.values[1].limit == 5);
  CHECK(g.values[2].limit == 4);
  Model torch;
  torch.input("x", {2, 3}).input("labels", {2}, TensorProto::INT64).node("LogSoftmax", {"x"}, {"l"});
  torch.node("NegativeLogLikelihoodLoss", {"l", "labels"}, {"loss"}).output("loss");
  const Graph t = torch.import();
  CHECK(t.nodes.size() == 1);
  CHECK(t.nodes[0].op == Op::cross_entropy);
}

TEST_CASE("import: element types, raw and typed, drawn and frozen initializers") {
  Model m;
  const std::uint16_t halves[2] = {bf16_from_float(1.5F), bf16_from_float(-3)};
  m.initializer("raw", {2}, TensorProto::BFLOAT16)
      .set_raw_data(std::string(reinterpret_cast<const char*>(halves), 4));
  TensorProto& typed = m.initializer("typed", {2}, TensorProto::FLOAT16);
  typed.add_int32_data(fp16_from_float(0.25F));
  typed.add_int32_data(fp16_from_float(8));
  m.initializer("wide", {1}, TensorProto::DOUBLE).add_double_data(0.1);
  TensorProto& drawn = m.initializer("drawn", {100000, 1000}, TensorProto::BFLOAT16);
  drawn.set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair{"location", "leto-normal"}, {"mean", "0.5"}, {"deviation", "0.02"}}) {
    auto& entry = *drawn.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  m.floats("mask", {2}, {0, -1e9F});
  m.input("x", {2}, TensorProto::BFLOAT16)
      .node("Add", {"x", "raw"}, {"a"})
      .node("Cast", {"typed"}, {"c"})
      .attribute("to", std::int64_t{TensorProto::BFLOAT16});
  m.node("Add", {"a", "c"}, {"b"})
      .node("Add", {"b", "mask"}, {"d"})
      .node("Mul", {"d", "wide"})
      .node("Identity", {"drawn"}, {"z"})
      .output("y")
      .output("z");
  const Graph g = m.import();
  const auto find = [&](const std::string& name) {
    for (const Value& v : g.values) {
      if (v.name == name) return v;
    }
    FAIL(name);
    return Value{};
  };
  CHECK(find("raw").data == List{1.5, -3});
  CHECK(find("raw").role == Role::parameter);
  CHECK(find("typed").data == List{0.25, 8});
  CHECK(find("typed").type.dtype == DType::fp16);
  CHECK(find("wide").data == List{0.1F});
  CHECK(find("mask").role == Role::constant);
  CHECK(find("drawn").drawn);
  CHECK(find("drawn").data.empty());
  CHECK(find("drawn").mean == 0.5);
  CHECK(find("drawn").deviation == 0.02);
  CHECK(find("z").role == Role::intermediate);
}

TEST_CASE("import: open dimensions are bound by name, or an error that names them") {
  Model m;
  m.input("x", {-1, 3}).node("Relu", {"x"}).output("y");
  CHECK(import_error(m, ExitCode::bad_input).find("'N'") != std::string::npos);
  CHECK(m.import({{"N", 5}}).values[0].type.shape == Dims{5, 3});
  CHECK(m.import({{"batch", 7}}).values[0].type.shape == Dims{7, 3});
  CHECK(error_of([&] { m.import({{"N", 0}}); }, ExitCode::bad_input).find("'x'") != std::string::npos);
  error_of([&] { m.import({{"N", INT64_MAX}}); }, ExitCode::bad_input);
}

TEST_CASE("import: one error lists every unsupported operator with its nodes") {
  Model m;
  m.input("x", {2})
      .node("NonZero", {"x"}, {"a"})
      .node("Relu", {"a"}, {"b"})
      .node("Scan", {"b"}, {"c"})
      .node("NonZero", {"c"})
      .output("y");
  const std::string what = import_error(m, ExitCode::unsupported);
  for (const char* part : {"NonZero", "a_node", "y_node", "Scan", "c_node"}) {
    CHECK_MESSAGE(what.find(part) != std::string::npos, what);
  }
  CHECK(what.find("Relu") == std::string::npos);
}

TEST_CASE("import: what is wrong with a model is an error that names the place") {
  const auto contains = [](const std::string& what, const std::string& part) {
    CHECK_MESSAGE(what.find(part) != std::string::npos, what);
  };
  contains(import_error(Model(5).input("x", {2}).node("Relu", {"x"}).output("y"), ExitCode::unsupported),
           "Relu of opset 5 (y_node)");
  contains(import_error(Model(18).input("x", {2}).node("Relu", {"x"}).output("y"), ExitCode::unsupported),
           "opset 18");
  contains(import_error(Model().input("x", {2}).node("Relu", {"nothing"}).output("y"), ExitCode::bad_input),
           "'nothing'");
  contains(import_error(Model().input("x", {2}).node("Relu", {"x"}).output("z"), ExitCode::bad_input), "'z'");
  contains(import_error(Model().input("x", {2}).node("Relu", {"x"}).node("Relu", {"x"}).output("y"),
                        ExitCode::bad_input),
           "'y'");
  contains(import_error(Model().input("x", {2}).floats("w", {3}, {1, 2}).node("Add", {"x", "w"}).output("y"),
                        ExitCode::bad_input),
           "'w'");
  contains(
      import_error(Model().input("x", {2}).floats("w", {3}, {1, 2, 3}).node("Add", {"x", "w"}).output("y"),
                   ExitCode::bad_input),
      "y_node");
  contains(
      import_error(
          Model().input("x", {2}).floats("w", {1LL << 40, 1LL << 40}, {}).node("Add", {"x", "w"}).output("y"),
          ExitCode::bad_input),
      "'w'");
  contains(
      import_error(
          Model().input("x", {2}).input("p", {1}, TensorProto::INT64).node("Reshape", {"x", "p"}).output("y"),
          ExitCode::unsupported),
      "y_node");
  contains(import_error(Model().input("x", {2}, TensorProto::STRING).node("Relu", {"x"}).output("y"),
                        ExitCode::unsupported),
           "'x'");
  Model external;
  TensorProto& t = external.input("x", {2}).initializer("w", {2}, TensorProto::FLOAT);
  t.set_data_location(TensorProto::EXTERNAL);
  auto& entry = *t.add_external_data();
  entry.set_key("location");
  entry.set_value("weights.bin");
  external.node("Add", {"x", "w"}).output("y");
  contains(import_error(external, ExitCode::bad_input), "weights.bin");
}

TEST_CASE("import: numbers at the end of their range") {
  Model far;  // the first row, whatever the step to the next
  far.input("x", {2}).ints("rows", {2, 1, 9, 9}, Dims{2, 2});
  far.ints("s", {0}).ints("e", {INT64_MAX}).ints("a", {0}).ints("t", {INT64_MAX});
  far.node("Slice", {"rows", "s", "e", "a", "t"}, {"row"}).ints("flat", {2});
  far.node("Reshape", {"row", "flat"}, {"shape"}).node("Reshape", {"x", "shape"});
  CHECK(far.run({{"x", {1, 2}}}) == List{1, 2});

  Model no_index;
  no_index.input("x", {2}).ints("rows", {1, 2}).constant("i", {}, {NAN}).node("Gather", {"rows", "i"}, {"k"});
  CHECK(import_error(no_index.node("Reshape", {"x", "k"}), ExitCode::bad_input).find("k_node") !=
        std::string::npos);
  Model no_diagonal;
  no_diagonal.input("x", {2}).ints("ones", {1, 1, 1, 1}, Dims{2, 2}).ints("k", {});
  no_diagonal.node("Trilu", {"ones", "k"}, {"t"}).node("Where", {"t", "x", "x"});
  CHECK(import_error(no_diagonal, ExitCode::bad_input).find("diagonal") != std::string::npos);
  Model no_parts;
  no_parts.input("x", {2}).node("Split", {"x"}, {}).node("Relu", {"x"});
  CHECK(import_error(no_parts, ExitCode::bad_input).find("Split_node") != std::string::npos);
  constexpr std::int64_t kLong = std::int64_t{1} << 40;
  Model empty;
  empty.input("x", {2}).ints("none", {}, Dims{0, kLong, kLong, kLong}).node("Reshape", {"x", "none"});
  CHECK(import_error(empty, ExitCode::bad_input).find("not possible") != std::string::npos);
}

TEST_CASE("import: truncated and damaged files are errors, never crashes") {
  Model m;
  m.input("x", {2, 3})
      .floats("w", {3, 4}, numbers(1, 12))
      .ints("s", {4, 2})
      .node("MatMul", {"x", "w"}, {"h"})
      .node("Reshape", {"h", "s"})
      .output("y");
  const std::string whole = m.bytes();
  const auto survives = [](const std::string& bytes) {
    const TempFile file("damaged.onnx", bytes);
    try {
      import_onnx(file.path());
    } catch (const Error& e) {
      CHECK((e.code() == ExitCode::bad_input || e.code() == ExitCode::unsupported));
    }
  };
  for (std::size_t n = 0; n < whole.size(); n += 2) {
    survives(whole.substr(0, n));
    for (const int flip : {0x01, 0x80}) {
      std::string changed = whole;
      changed[n] = static_cast<char>(changed[n] ^ flip);
      survives(changed);
    }
  }
  error_of([] { import_onnx("/nowhere/model.onnx"); }, ExitCode::bad_input);
  for (const std::string& garbage : {std::string(), std::string("hello"), std::string(1000, '\xff')}) {
    const TempFile file("garbage.onnx", garbage);
    error_of([&] { import_onnx(file.path()); }, ExitCode::bad_input);
  }
}

namespace {

/// The operations of the graph in order.
std::vector<Op> operations(const Graph& g) {
  std::vector<Op> out;
  for (const Node& node : g.nodes) out.push_back(node.op);
  return out;
}

}  // namespace

TEST_CASE("import: activations that exporters take apart become one operation, or the form the chip likes") {
  const Values x{{"x", {1, -2, 0.5}}};
  Model gelu;
  gelu.input("x", {3})
      .constant("three", {}, {3})
      .constant("c", {}, {0.044715F})
      .constant("r", {}, {0.7978846F});
  gelu.constant("one", {}, {1}).constant("half", {}, {0.5}).node("Pow", {"x", "three"}, {"cube"});
  gelu.node("Mul", {"cube", "c"}, {"bend"})
      .node("Add", {"x", "bend"}, {"sum"})
      .node("Mul", {"sum", "r"}, {"u"});
  gelu.node("Tanh", {"u"}, {"t"}).node("Add", {"t", "one"}, {"p"}).node("Mul", {"x", "half"}, {"h"});
  const Graph g = gelu.node("Mul", {"h", "p"}).output("y").import();
  REQUIRE(operations(g) == std::vector<Op>{Op::gelu});
  CHECK(g.nodes[0].integer("tanh") == 1);
  CHECK(difference(evaluate(g, x).at("y"), {0.841192F, -0.0454023F, 0.345714F}) < 1e-5);

  Model silu;
  silu.input("x", {3}).node("Sigmoid", {"x"}, {"s"}).node("Mul", {"x", "s"}).output("y");
  CHECK(operations(silu.import()) == std::vector<Op>{Op::silu});

  Model swish;
  swish.input("x", {3}).constant("three", {}, {3}).constant("zero", {}, {0}).constant("six", {}, {6});
  swish.node("Add", {"x", "three"}, {"a"}).node("Clip", {"a", "zero", "six"}, {"c"});
  const Graph s = swish.node("Mul", {"x", "c"}, {"m"}).node("Div", {"m", "six"}).output("y").import();
  CHECK(operations(s) == std::vector<Op>{Op::mul, Op::add, Op::max, Op::min, Op::mul});
  CHECK(difference(evaluate(s, x).at("y"), {2.0F / 3, -1.0F / 3, 0.2916667F}) < 1e-6);
}

TEST_CASE("import: normalisations that exporters take apart become one operation") {
  const auto common = [](Model& m) {
    m.input("x", {2, 4}).constant("two", {}, {2}).constant("e", {}, {1e-5F}).floats("w", {4}, {1, 2, 3, 4});
  };
  Model layer;
  common(layer);
  layer.floats("b", {4}, {0, 1, 0, 1}).node("ReduceMean", {"x"}, {"m"}).attribute("axes", Dims{-1});
  layer.node("Sub", {"x", "m"}, {"d"}).node("Pow", {"d", "two"}, {"q"}).node("ReduceMean", {"q"}, {"v"});
  layer.attribute("axes", Dims{-1}).node("Add", {"v", "e"}, {"ve"}).node("Sqrt", {"ve"}, {"s"});
  layer.node("Div", {"d", "s"}, {"n"}).node("Mul", {"n", "w"}, {"nw"}).node("Add", {"nw", "b"}).output("y");
  CHECK(operations(layer.import()) == std::vector<Op>{Op::layernorm});

  Model rms;
  common(rms);
  rms.constant("one", {}, {1}).node("Pow", {"x", "two"}, {"q"}).node("ReduceMean", {"q"}, {"v"});
  rms.attribute("axes", Dims{-1}).node("Add", {"v", "e"}, {"ve"}).node("Sqrt", {"ve"}, {"s"});
  rms.node("Div", {"one", "s"}, {"r"}).node("Mul", {"x", "r"}, {"n"}).node("Mul", {"w", "n"}).output("y");
  const Graph g = rms.import();
  REQUIRE(operations(g) == std::vector<Op>{Op::rmsnorm});
  CHECK(difference(evaluate(g, {{"x", {1, 1, 1, 1, 2, -2, 2, -2}}}).at("y"), {1, 2, 3, 4, 1, -2, 3, -4}) <
        1e-5);
}

TEST_CASE("import: attention with scaled operands, and rotary positions, in their canonical form") {
  Model m;
  m.input("q", {1, 2, 3, 4}).input("k", {1, 2, 3, 4}).input("mask", {3, 3}).constant("s", {}, {0.5});
  m.node("Transpose", {"k"}, {"kt"}).attribute("perm", Dims{0, 1, 3, 2}).node("Mul", {"kt", "s"}, {"ks"});
  m.node("Mul", {"q", "s"}, {"qs"}).node("MatMul", {"qs", "ks"}, {"p"}).node("Add", {"p", "mask"}, {"a"});
  const Graph g = m.node("Softmax", {"a"}).output("y").import();
  REQUIRE(operations(g) == std::vector<Op>{Op::matmul, Op::mul, Op::add, Op::softmax});
  CHECK(g.nodes[0].integer("trans_b") == 1);
  Values in{{"q", numbers(1, 24)}, {"k", numbers(2, 24)}, {"mask", List(9, 0)}};
  const List y = evaluate(g, in).at("y");
  double score[3] = {}, sum = 0;
  for (int j = 0; j < 3; ++j) {
    for (int i = 0; i < 4; ++i) score[j] += 0.25 * double(in["q"][i]) * double(in["k"][j * 4 + i]);
    sum += std::exp(score[j]);
  }
  for (int j = 0; j < 3; ++j) CHECK(y[j] == doctest::Approx(std::exp(score[j]) / sum).epsilon(1e-5));

  Model rope;
  rope.input("x", {1, 4}).constant("cos", {4}, {1, 2, 3, 4}).constant("sin", {4}, {5, 6, 7, 8});
  rope.ints("z", {0}).ints("h", {2}).ints("e", {4}).ints("a", {-1});
  rope.node("Slice", {"x", "z", "h", "a"}, {"x1"}).node("Slice", {"x", "h", "e", "a"}, {"x2"});
  rope.node("Neg", {"x2"}, {"n"}).node("Concat", {"n", "x1"}, {"r"}).attribute("axis", std::int64_t{-1});
  rope.node("Mul", {"x", "cos"}, {"c"}).node("Mul", {"r", "sin"}, {"d"}).node("Add", {"c", "d"}).output("y");
  const Graph r = rope.import();
  for (const Op o : operations(r)) CHECK(o != Op::neg);
  CHECK(evaluate(r, {{"x", {1, 2, 3, 4}}}).at("y") == List{1 - 15, 4 - 24, 9 + 7, 16 + 16});
}

TEST_CASE("import: weights in a file beside the model, read only when they are asked for") {
  Model m;
  TensorProto& t = m.input("x", {2, 2}).initializer("w", {2, 2}, TensorProto::FLOAT);
  const TempFile weights("weights.bin", [] {
    const float data[5] = {9, 1, 2, 3, 4};
    return std::string(reinterpret_cast<const char*>(data), sizeof data);
  }());
  t.set_data_location(TensorProto::EXTERNAL);
  const std::pair<std::string, std::string> keys[] = {
      {"location", weights.path().filename().string()}, {"offset", "4"}, {"length", "16"}};
  for (const auto& [key, value] : keys) {
    auto& entry = *t.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  m.node("Add", {"x", "w"}).output("y");
  CHECK(evaluate(m.import(), {{"x", List(4, 0)}}).at("y") == List{1, 2, 3, 4});
  const TempFile file("beside.onnx", m.bytes());
  std::filesystem::remove(weights.path());
  ImportOptions options;
  options.weights = false;
  const Graph unread = import_onnx(file.path(), options);
  CHECK(unread.nodes.size() == 1);
  CHECK(unread.value(unread.nodes[0].inputs[1]).role == Role::parameter);
  CHECK(unread.value(unread.nodes[0].inputs[1]).data.empty());
  error_of([&] { import_onnx(file.path()); }, ExitCode::bad_input);
}

TEST_CASE("import: an input that decides a shape is taken from what is given") {
  Model m;
  m.input("x", {2, 3})
      .input("to", {2}, TensorProto::INT64)
      .node("Neg", {"to"}, {"n"})
      .node("Neg", {"n"}, {"nn"});
  const TempFile file("given.onnx", m.node("Reshape", {"x", "nn"}).output("y").bytes());
  ImportOptions options;
  options.given["to"] = {3, 2};
  const Graph g = import_onnx(file.path(), options);
  CHECK(g.value(g.outputs[0]).type.shape == Dims{3, 2});
}

TEST_CASE("import: metadata gives inputs and weights a type that ONNX has not") {
  const auto model = [](const std::string& op) {
    Model m;
    m.input("a", {2, 3}).floats("b", {2, 3}, {1.1F, -2, 3, 4, 5, 600}).node("Transpose", {"b"}, {"t"});
    return m
        .node(op, op == "MatMul" ? std::vector<std::string>{"a", "t"} : std::vector<std::string>{"a", "b"})
        .output("y")
        .metadata("leto.dtype.b", "fp8_e4m3");
  };
  const auto type = [](const Graph& g, ValueId id) { return g.value(id).type.dtype; };
  Graph g = model("MatMul").metadata("leto.dtype.a", "fp8_e5m2").import();
  const Node product = g.nodes.back();
  CHECK(product.op == Op::matmul);
  CHECK(type(g, product.inputs[0]) == DType::e5m2);
  CHECK(type(g, product.inputs[1]) == DType::e4m3);
  CHECK(type(g, product.output) == DType::fp32);
  for (const Value& v : g.values)
    if (v.name == "b") CHECK(v.data == List{1.125F, -2, 3, 4, 5, 448});
  CHECK(evaluate(g, {{"a", {1, 0, 0, 0, 1, 0.5F}}}).at("y") == List{1.125F, 4, -0.5F, 229});
  // One operand in fp8, or an operation that is no product: a cast to what the model declares.
  for (const std::string op : {"MatMul", "Add"}) {
    g = model(op).import();
    for (const ValueId id : g.nodes.back().inputs) CHECK(type(g, id) == DType::fp32);
  }
  error_of([&] { model("Add").metadata("leto.dtype.c", "fp8_e4m3").import(); }, ExitCode::bad_input);
  error_of([&] { model("Add").metadata("leto.dtype.a", "int4").import(); }, ExitCode::bad_input);
}

TEST_CASE("import: a table of int8 rows is looked up with its rows' scales and biases, and nothing else") {
  const auto model = [](const std::string& op) {
    Model m;
    m.input("i", {2, 2}, TensorProto::INT64).floats("t", {3, 4}, {0, 1, 2, 255, -3, 0, 3, 3, 7, 7, 7, 7});
    m.ints("one", {1});
    if (op == "Gather") m.node("Gather", {"t", "i"}, {"y"});
    if (op == "Neg") m.node("Neg", {"t"}, {"y"});
    if (op == "ReduceSum")
      m.node("Gather", {"t", "i"}, {"rows"})
          .node("ReduceSum", {"rows", "one"}, {"y"})
          .attribute("keepdims", std::int64_t{0});
    return m.output("y").metadata("leto.dtype.t", "int8");
  };
  const Values lookups{{"i", {0, 2, 1, 1}}};
  const Graph rows = model("Gather").import();
  CHECK(rows.value(rows.outputs[0]).type.dtype == DType::fp32);
  const auto got = evaluate(rows, lookups).at("y");
  const List want{0, 1, 2, 255, 7, 7, 7, 7, -3, 0, 3, 3, -3, 0, 3, 3};
  for (std::size_t k = 0; k < want.size(); ++k) CHECK(std::fabs(got[k] - want[k]) <= (k < 4 ? 0.51F : 0.02F));
  const Graph sums = training_step(model("ReduceSum").import(), Recipe{});
  const auto bags = std::count_if(sums.nodes.begin(), sums.nodes.end(),
                                  [](const Node& n) { return n.op == Op::quantised_bag; });
  CHECK(bags >= 1);
  for (const Node& n : sums.nodes) CHECK(n.op != Op::reduce_sum);
  const auto added = evaluate(sums, lookups).at("y");
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(std::fabs(added[k] - (want[k] + 7)) <= 0.51F);
    CHECK(std::fabs(added[4 + k] - 2 * want[8 + k]) <= 0.04F);
  }
  error_of([&] { model("Neg").import(); }, ExitCode::unsupported);
  Recipe recipe;
  recipe.optimizer = Optimizer::sgd;
  recipe.loss = Loss::sum;
  const std::string what =
      error_of([&] { training_step(model("ReduceSum").import(), recipe); }, ExitCode::unsupported);
  CHECK_MESSAGE(what.find("'t'") != std::string::npos, what);
}

namespace {

/// An embedding bag of 3 columns as torch exports it: offsets in, one trip a bag.
Model bag_loop(const std::string& reduction, bool weighted) {
  Model trip;
  trip.node("Gather", {"begins", "trip"}, {"begin"}).node("Gather", {"ends", "trip"}, {"end"});
  trip.node("Unsqueeze", {"begin", "zero"}, {"from"}).node("Unsqueeze", {"end", "zero"}, {"to"});
  trip.node("Slice", {"index", "from", "to", "zero"}, {"indices"});
  trip.node("Gather", {"table", "indices"}, {"rows"});
  if (weighted) {
    trip.node("Slice", {"weights", "from", "to", "zero"}, {"some"})
        .node("Unsqueeze", {"some", "one"}, {"column"});
    trip.node("Mul", {"rows", "column"}, {"scaled"});
  }
  trip.node(reduction, {weighted ? "scaled" : "rows", "zero"}, {"bag"})
      .attribute("keepdims", std::int64_t{0});
  trip.node("Identity", {"condition"}, {"go_on"}).output("go_on").output("bag");
  Model m;
  m.input("index", {4}, TensorProto::INT64).input("offsets", {2}, TensorProto::INT64);
  if (weighted) m.input("weights", {4});
  m.floats("table", {3, 3}, {1, 2, 3, 10, 20, 30, 100, 200, 300});
  m.ints("zero", {0})
      .ints("one", {1})
      .ints("two", {2})
      .ints("most", {9})
      .ints("size", {4})
      .ints("trips", {2}, Dims{});
  m.node("Slice", {"offsets", "one", "most", "zero"}, {"later"}).node("Concat", {"later", "size"}, {"ends"});
  m.attribute("axis", std::int64_t{0});
  m.node("Identity", {"offsets"}, {"begins"});
  m.node("Loop", {"trips", ""}, {"y"}).body(trip);
  return m.output("y");
}

List bags_of(const Model& model, const List& offsets) {
  const TempFile file("model.onnx", model.bytes());
  ImportOptions options;
  options.given["offsets"] = offsets;
  const Graph g = import_onnx(file.path(), options);
  return evaluate(g, {{"index", {2, 0, 1, 1}}, {"offsets", offsets}, {"weights", {1, 2, 3, 4}}}).at("y");
}

}  // namespace

TEST_CASE("import: the loop over an embedding bag is a gather and a sum") {
  CHECK(bags_of(bag_loop("ReduceSum", false), {0, 2}) == List{101, 202, 303, 20, 40, 60});
  CHECK(bags_of(bag_loop("ReduceSum", false), {0, 3}) == List{111, 222, 333, 10, 20, 30});
  CHECK(bags_of(bag_loop("ReduceMean", false), {0, 3}) == List{37, 74, 111, 10, 20, 30});
  CHECK(bags_of(bag_loop("ReduceSum", false), {0, 0}) == List{0, 0, 0, 121, 242, 363});
  CHECK(bags_of(bag_loop("ReduceSum", true), {0, 2}) == List{102, 204, 306, 70, 140, 210});
  CHECK(bags_of(bag_loop("ReduceSum", true), {0, 1}) == List{100, 200, 300, 72, 144, 216});
}

TEST_CASE("import: a loop is refused where bags are not known or it is none of a table's") {
  CHECK(import_error(bag_loop("ReduceSum", false), ExitCode::unsupported).find("offsets") !=
        std::string::npos);
  CHECK(import_error(bag_loop("ReduceMax", false), ExitCode::unsupported).find("Loop") != std::string::npos);
  error_of([] { bags_of(bag_loop("ReduceSum", false), {0, 5}); }, ExitCode::bad_input);
}
