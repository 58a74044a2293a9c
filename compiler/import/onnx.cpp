// The entry: a file to a ModelProto, a ModelProto to a graph.
#include <google/protobuf/stubs/logging.h>

#include "base/errors.h"
#include "base/files.h"
#include "compiler/import/importer.h"

namespace leto::compiler {
namespace {

constexpr std::uint64_t kMaxBytes = (std::uint64_t{1} << 31) - 1;  // what protobuf can hold in one message

onnx::ModelProto read_model(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_bytes(path, kMaxBytes);
  // Protobuf would write its own account of a damaged file to stderr; ours is the Error below.
  google::protobuf::LogSilencer silence;
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ExitCode::bad_input, fmt::format("{}: not an ONNX model, or a damaged one", path.string()),
                "export the model again");
  }
  if (!model.has_graph()) {
    throw Error(ExitCode::bad_input, fmt::format("{}: an ONNX model without a graph", path.string()),
                "export the model again");
  }
  return model;
}

}  // namespace

Graph import_onnx(const std::filesystem::path& path, const Bindings& bindings) {
  return import_onnx(path, ImportOptions{bindings, {}, true});
}

Graph import_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  const onnx::ModelProto model = read_model(path);
  try {
    Graph graph = import::Importer(model, path.parent_path(), options).run();
    verify(graph, "import");
    return graph;
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", path.string(), e.what()), e.remedy());
  }
}

}  // namespace leto::compiler
