// Pooled lookups alone, as a table-batched embedding does them: every table's bags, side by side.
#include <fmt/format.h>

#include <cmath>

#include "apps/zoo/builder.h"
#include "apps/zoo/catalogue.h"

namespace leto::zoo {

onnx::ModelProto embedding(const Request& request) {
  const auto batch = request["batch"], tables = request["tables"], rows = request["rows"],
             dim = request["dim"], bag = request["bag"];
  ModelBuilder model("embedding", request.dtype, request.seed);
  const auto axis = model.integers("bag_axis", {1});
  std::vector<std::string> sums;
  for (std::int64_t i = 0; i < tables; ++i) {
    const auto name = fmt::format("table.{}", i);
    const auto table =
        model.weight(name + ".weight", {rows, dim}, std::sqrt(1.0 / (3.0 * static_cast<double>(rows))));
    if (request["int8"] != 0) model.stored_as(table, DType::int8);
    const auto index = model.index_input(fmt::format("index.{}", i), {batch, bag}, rows);
    auto chosen = model.node("Gather", {table, index}, name);
    if (request["weighted"] != 0) {
      const auto weights = model.input(fmt::format("weights.{}", i), {batch, bag, 1});
      chosen = model.node("Mul", {chosen, weights}, name + ".weighted");
    }
    sums.push_back(model.node("ReduceSum", {chosen, axis}, name + ".sum"));
    model.integer("keepdims", 0);
  }
  const auto all = model.node("Concat", sums, "sums");
  model.integer("axis", 1);
  model.output(all, {batch, tables * dim});
  model.tokens(batch);
  return model.finish();
}

}  // namespace leto::zoo
