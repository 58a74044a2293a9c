// Embedding tables beyond one kind of row and one rule: weighted lookups, rows of int8, Adam beside a dense
// optimizer.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

nlohmann::json recorded(const Folder& folder) {
  return nlohmann::json::parse(read(folder / "o" / "record.json"));
}

std::int64_t of_kind(const nlohmann::json& record, const std::string& kind) {
  const auto& ops = record["ops"];
  return std::count_if(ops.begin(), ops.end(), [&](const auto& op) { return op["kind"] == kind; });
}

}  // namespace

TEST_CASE("tables: adamw for the dense layers beside adam on tables has the interpreter's values") {
  const Folder folder;
  must(folder, "zoo dlrm --batch 64 --tables 3 --rows 50 --dim 16 --bag 3 --narrow 16 -o d.onnx");
  write(folder / "r.toml",
        "optimizer = \"adamw\"\nweight_decay = 0.1\nlr = 0.01\ntable_optimizer = \"adam\"\ntable_lr = 0.1\n");
  must(folder, "run d.onnx --train r.toml --chip tiny --values on --out o");
  must(folder, "interp d.onnx --train r.toml --chip tiny --out golden");
  for (const char* name : {"loss.npy", "top.score.npy"})
    CHECK_MESSAGE(read(folder / "golden" / name) == read(folder / "o" / "values" / name), name);
  CHECK(of_kind(recorded(folder), "update") >= 3);
  write(folder / "r.toml", "optimizer = \"adamw\"\ntable_optimizer = \"adam\"\ntable_lr = 0.1\nsteps = 3\n");
  must(folder, "run d.onnx --train r.toml --chip tiny --values on --out o");
  const auto loss = recorded(folder)["loss"];
  CHECK(loss.size() == 3);
  CHECK(loss.back().get<double>() < loss.front().get<double>());
  write(folder / "r.toml", "optimizer = \"adamw\"\ntable_optimizer = \"adam\"\nclip_norm = 1.0\n");
  const auto refused = leto(folder, "run d.onnx --train r.toml --chip tiny --values off --out o");
  CHECK(refused.code == 4);
  CHECK(refused.err.find("clip_norm") != std::string::npos);
}

TEST_CASE(
    "tables: weighted bags are one kernel forward and leave no kernel but sorts and updates to tables") {
  const Folder folder;
  must(folder, "zoo embedding --tables 2 --rows 500 --dim 16 --batch 64 --bag 4 --weighted -o e.onnx");
  must(folder, "run e.onnx --chip tiny --values off --out o");
  CHECK(recorded(folder)["ops"].size() == 2);
  CHECK(of_kind(recorded(folder), "embedding_bag") == 2);
  write(folder / "r.toml", "optimizer = \"adagrad\"\nloss = \"mse\"\n");
  must(folder, "run e.onnx --train r.toml --chip tiny --values off --out o");
  for (const auto& op : recorded(folder)["ops"])
    if (op["phase"] == "optimizer") CHECK((op["kind"] == "sort" || op["kind"] == "update"));
}

TEST_CASE("tables: rows of int8 are looked up in half the bytes and training them is refused") {
  const Folder folder;
  const auto rows = [&](const std::string& flags) {
    must(folder, "zoo embedding --rows 4000000 --dim 128 --batch 4096 --bag 8 -o e.onnx" + flags);
    must(folder, "run e.onnx --chip pilot --values off --out o");
    return recorded(folder)["bytes"]["hbm"]["read"].get<double>();
  };
  const double wide = rows(""), narrow = rows(" --int8");
  CHECK(of_kind(recorded(folder), "embedding_bag") == 1);
  CHECK(narrow < 0.75 * wide);  // 136 bytes of 256, in bursts of 32 or 64
  must(folder, "zoo embedding --rows 50 --dim 16 --batch 8 --bag 2 --int8 -o s.onnx");
  must(folder, "run s.onnx --chip tiny --values on --out o");
  must(folder, "interp s.onnx --chip tiny --out golden");
  CHECK(read(folder / "golden" / "sums.npy") == read(folder / "o" / "values" / "sums.npy"));
  write(folder / "r.toml", "optimizer = \"sgd\"\nloss = \"sum\"\n");
  const auto refused = leto(folder, "run s.onnx --train r.toml --chip tiny --values off --out o");
  CHECK(refused.code == 4);
  CHECK(refused.err.find("leto.dtype.table.0.weight") != std::string::npos);
}

}  // namespace leto::e2e
