// The models of ONNX's own backend tests, as Debian's libonnx-testdata ships them with inputs and expected
// outputs: imported, run in the reference interpreter, compared with the tolerances that ONNX's test runner
// uses.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/files.h"
#include "compiler/import/importer.h"
#include "tests/compiler/front_helpers.h"

using namespace leto;
using namespace leto::compiler;
using namespace leto::compiler::testing;

namespace {

namespace fs = std::filesystem;

const fs::path kData = "/usr/share/libonnx-testdata/data";
constexpr double kRelative = 1e-3, kAbsolute = 1e-7;

template <class Message>
Message parsed(const fs::path& path) {
  const std::vector<std::byte> bytes = read_bytes(path, 1u << 30);
  Message message;
  REQUIRE_MESSAGE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), path.string());
  return message;
}

std::vector<fs::path> model_folders() {
  std::vector<fs::path> out;
  for (const char* group : {"node", "pytorch-converted", "pytorch-operator", "simple"}) {
    for (const auto& entry : fs::directory_iterator(kData / group)) {
      if (fs::exists(entry.path() / "model.onnx")) {
        out.push_back(entry.path());
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

struct Outcome {
  bool on_list = false;  // every operator of the model is in docs/operators.md
  bool passed = false;
  std::string why;  // what went wrong, or the error that refused the model
};

/// A tensor of the data set. What the model declares as bfloat16 is stored as 16 bits of no type.
import::Tensor read(const fs::path& file,
                    const onnx::ValueInfoProto& info){auto proto = parsed<onnx::TensorProto>(file);
if (info.type().tensor_type().elem_type() == onnx::TensorProto::BFLOAT16 &&
    proto.data_type() == onnx::TensorProto::UINT16) {
  proto.set_data_type(onnx::TensorProto::BFLOAT16);
}
return import::read_tensor(proto, info.name());
}  // namespace

/// The inputs that the model declares, from the files of its first data set.
WideValues inputs_of(const onnx::GraphProto& graph, const fs::path& set) {
  WideValues out;
  for (int i = 0; i < graph.input_size(); ++i) {
    const fs::path file = set / fmt::format("input_{}.pb", i);
    if (fs::exists(file) && graph.input(i).type().has_tensor_type()) {
      const auto tensor = read(file, graph.input(i));
      out[graph.input(i).name()] = tensor.data;
    }
  }
  return out;
}

/// Of the model's own fp32, or in fp64 when it declares doubles.
WideValues evaluated(const onnx::GraphProto& graph, const Graph& imported, const WideValues& inputs,
                     const Values& narrow) {
  const auto is_double = [](const onnx::ValueInfoProto& info) {
    return info.type().tensor_type().elem_type() == onnx::TensorProto::DOUBLE;
  };
  if (std::any_of(graph.input().begin(), graph.input().end(), is_double)) {
    return evaluate_wide(imported, inputs);
  }
  WideValues out;
  for (const auto& [name, data] : evaluate(imported, narrow)) {
    out[name] = {data.begin(), data.end()};
  }
  return out;
}

bool close(double got, double want) {
  return got == want || (got != got && want != want) ||
         std::fabs(got - want) <= kAbsolute + kRelative * std::fabs(want);
}

/// Empty, or the difference.
std::string difference_of(const Graph& graph, const std::string& name, const std::vector<double>& got,
                          const import::Tensor& want) {
  for (const Value& v : graph.values) {
    if (v.name == name && v.type != want.type) {
      return fmt::format("'{}' is {}[{}], expected {}[{}]", name, name_of(v.type.dtype),
                         fmt::join(v.type.shape, ","), name_of(want.type.dtype),
                         fmt::join(want.type.shape, ","));
    }
  }
  for (std::size_t i = 0; i < want.data.size(); ++i) {
    if (!close(got[i], want.data[i])) {
      return fmt::format("'{}'[{}] is {}, expected {}", name, i, got[i], want.data[i]);
    }
  }
  return "";
}

std::string run(const fs::path& folder, const onnx::GraphProto& graph) {
  const fs::path set = folder / "test_data_set_0";
  ImportOptions options;
  const WideValues inputs = inputs_of(graph, set);
  for (const auto& [name, data] : inputs) {
    options.given[name] = {data.begin(), data.end()};
  }
  const Graph imported = import_onnx(folder / "model.onnx", options);
  const WideValues got = evaluated(graph, imported, inputs, options.given);
  for (int i = 0; i < graph.output_size(); ++i) {
    const std::string& name = graph.output(i).name();
    const auto want = read(set / fmt::format("output_{}.pb", i), graph.output(i));
    if (!got.contains(name) || got.at(name).size() != want.data.size()) {
      return fmt::format("'{}' is missing or of another size", name);
    }
    if (const std::string why = difference_of(imported, name, got.at(name), want); !why.empty()) {
      return why;
    }
  }
  return "";
}

Outcome outcome_of(const fs::path& folder) {
  const auto model = parsed<onnx::ModelProto>(folder / "model.onnx");
  Outcome out{true, false, ""};
  for (const auto& node : model.graph().node()) {
    out.on_list = out.on_list && node.domain().empty() && import::operators().contains(node.op_type());
  }
  try {
    out.why = run(folder, model.graph());
    out.passed = out.why.empty();
  } catch (const Error& e) {
    out.why = e.what();
    CHECK_MESSAGE((e.code() == ExitCode::unsupported || e.code() == ExitCode::bad_input), folder.string(),
                  ": ", e.what());
    // A model with operators that are not on the list is told which, and nothing else.
    CHECK_MESSAGE((out.on_list || e.code() == ExitCode::unsupported), folder.string(), ": ", e.what());
  }
  CHECK_MESSAGE((out.on_list || !out.passed), folder.string());
  return out;
}

}  // namespace

TEST_CASE("conformance: all of ONNX's own models") {
  if (!fs::exists(kData)) {
    MESSAGE("skipped: Debian's package libonnx-testdata is not installed");
    return;
  }
  const bool verbose = std::getenv("LETO_CONFORMANCE") != nullptr;
  int listed = 0, passed = 0, others = 0;
  for (const fs::path& folder : model_folders()) {
    const Outcome o = outcome_of(folder);
    listed += o.on_list ? 1 : 0;
    passed += o.on_list && o.passed ? 1 : 0;
    others += o.on_list ? 0 : 1;
    if (verbose && !o.passed) {
      fmt::print("{} {}: {}\n", o.on_list ? "FAIL" : "other", folder.filename().string(), o.why);
    }
  }
  const double share = 100.0 * passed / std::max(1, listed);
  MESSAGE(passed, " of ", listed, " models whose operators are on the list pass (", share, " %), ", others,
          " others are refused");
  CHECK(share >= 95);
  CHECK(passed >= 500);
}

TEST_CASE("conformance: the list has at least 80 operators, each with its words") {
  CHECK(import::operators().size() >= 80);
  for (const auto& [name, row] : import::operators()) {
    CHECK(row.since >= import::kFirstOpset);
    CHECK(row.since <= import::kLastOpset);
    CHECK_FALSE(row.how.empty());
  }
}

TEST_CASE("docs/operators.md is what the tables generate") {
  const fs::path file = fs::path(LETO_SOURCE_DIR) / "docs/operators.md";
  if (std::getenv("LETO_RENEW_DOCS")) {
    write_atomically(file.string(), operator_manual());
  }
  CHECK_MESSAGE(read_text(file.string()) == operator_manual(), "run LETO_RENEW_DOCS=1 test_compiler");
}
