// Element types that ONNX has no number for (fp8, up to opset 18) travel as metadata: "leto.dtype.<tensor>".
#pragma once

#include <map>
#include <string>

#include "compiler/graph.h"

namespace leto::compiler::import {

/// The graph with these inputs and parameters held in memory in these types. What only moves elements keeps
/// the type; a matmul of two fp8 operands takes them as they are, every other use gets a cast to the type the
/// model declares. Results keep theirs. An initializer of int8 is a table: each row is rounded to int8 with a
/// scale and a bias of its own (base/int8_rows.h), and rows can only be looked up. Error(bad_input) on a name
/// that is no float input or initializer, Error(unsupported) on other uses of int8.
Graph hold(const Graph& graph, const std::map<std::string, DType>& types);

}  // namespace leto::compiler::import
