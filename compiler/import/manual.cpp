// docs/operators.md, from the tables.
#include <fmt/format.h>

#include "compiler/import/importer.h"
#include "compiler/ops.h"

namespace leto::compiler {
namespace {

std::string_view on_chip(OnChip where) {
  return where == OnChip::engine ? "engine" : where == OnChip::composite ? "decomposed" : "-";
}

std::string_view slope_of(Slope slope) {
  switch (slope) {
    case Slope::smooth:
      return "rule";
    case Slope::flat:
      return "none";
    case Slope::windows:
      return "decomposed first";
    case Slope::gradient:
      break;
  }
  return "is one";
}

}  // namespace

std::string operator_manual() {
  std::string page = fmt::format(
      R"(# Operators

Generated from `compiler/import/convert_*.cpp` and `compiler/ops.inc`.

## ONNX operators: {0}

Import makes operations of the graph from them and computes on the spot what hangs on known numbers alone. A model's
opset may be {1} to {2}; each operator needs the opset in the second column at least. Doubles are held as fp32, unsigned
integers in a signed type that has room, truth values as int8. Known numbers are those of constants and initializers of
integers, what follows from them and from shapes. A model with any other operator is refused by one error that names
them all with their nodes.

| operator | since opset | becomes |
|---|---|---|
)",
      import::operators().size(), import::kFirstOpset, import::kLastOpset);
  for (const auto& [name, row] : import::operators()) {
    page += fmt::format("| {} | {} | {} |\n", name, row.since, row.how);
  }
  page += R"(
## Operations of the graph

The reference interpreter has all of them. Chip: `engine` = lowered as it stands, `decomposed` = taken apart before, `-` =
compiling for a chip is refused by one error that names all such operations with their nodes.

| operation | operands | gradient | chip | meaning |
|---|---|---|---|---|
)";
  for (const Op op : all_ops()) {
    const OpFacts& f = facts(op);
    page += fmt::format("| {} | {} | {} | {} | {} |\n", f.name,
                        f.arity < 0 ? "1 or more" : std::to_string(f.arity), slope_of(f.slope),
                        on_chip(f.chip), f.meaning);
  }
  return page;
}

}  // namespace leto::compiler
