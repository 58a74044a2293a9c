// A model of layers: an input layer, a residual stream past normalised two-layer perceptrons, a head.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

namespace leto::compiler::test {

/// One layer for every inner width.
inline std::string layered(const std::vector<int>& inner) {
  std::string text =
      "graph \"layered\" tokens=24\n%x: fp32[24,16] = input\n%e: fp32[16,32] = parameter\n"
      "%sn: fp32[32] = parameter\n%bn: fp32[32] = parameter\n%o: fp32[32,40] = parameter\n";
  for (std::size_t i = 0; i < inner.size(); ++i)
    text += fmt::format(
        "%s{0}: fp32[32] = parameter\n%b{0}: fp32[32] = parameter\n%u{0}: fp32[32,{1}] = parameter\n"
        "%d{0}: fp32[{1},32] = parameter\n",
        i, inner[i]);
  text += "%x0: fp32[24,32] = matmul(%x, %e) phase=forward name=\"embed\"\n";
  for (std::size_t i = 0; i < inner.size(); ++i)
    text += fmt::format(
        "%n{0}: fp32[24,32] = layernorm(%x{0}, %s{0}, %b{0}) {{epsilon=1e-05}} phase=forward "
        "name=\"l{0}.norm\"\n"
        "%h{0}: fp32[24,{2}] = matmul(%n{0}, %u{0}) phase=forward name=\"l{0}.up\"\n"
        "%g{0}: fp32[24,{2}] = gelu(%h{0}) phase=forward name=\"l{0}.gelu\"\n"
        "%m{0}: fp32[24,32] = matmul(%g{0}, %d{0}) phase=forward name=\"l{0}.down\"\n"
        "%x{1}: fp32[24,32] = add(%x{0}, %m{0}) phase=forward name=\"l{0}.sum\"\n",
        i, i + 1, inner[i]);
  return text +
         fmt::format(
             "%n: fp32[24,32] = layernorm(%x{}, %sn, %bn) {{epsilon=1e-05}} phase=forward name=\"norm\"\n"
             "%y: fp32[24,40] = matmul(%n, %o) phase=forward name=\"head\"\noutput %y\n",
             inner.size());
}

inline std::string layered(int layers) {
  return layered(std::vector<int>(std::size_t(layers), 48));
}

}  // namespace leto::compiler::test
