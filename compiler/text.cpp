// The graph's text form, printing. text_parse.cpp reads it back.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/errors.h"
#include "compiler/graph.h"

namespace leto::compiler {
namespace {

constexpr std::size_t kInline = 8;  // up to so many finite numbers are printed as decimals, more as bits

bool plain(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") ==
             std::string_view::npos;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string mention(const Value& v) {
  return "%" + (plain(v.name) ? v.name : in_quotes(v.name));
}

/// Shortest text that reads back as the same double, and that cannot be mistaken for an integer.
std::string number(double x) {
  std::string s = fmt::format("{}", x);
  return s.find_first_of(".ein") == std::string::npos ? s + ".0" : s;
}

std::string type_text(const Type& t) {
  return fmt::format("{}[{}]", name_of(t.dtype), fmt::join(t.shape, ","));
}

struct AttributeText {
  std::string operator()(std::int64_t x) const { return std::to_string(x); }
  std::string operator()(double x) const { return number(x); }
  std::string operator()(const std::string& x) const { return in_quotes(x); }
  std::string operator()(const std::vector<std::int64_t>& x) const {
    return fmt::format("[{}]", fmt::join(x, ","));
  }
};

std::string decimals(const std::vector<float>& data) {
  std::string out = " data=[";
  for (std::size_t i = 0; i < data.size(); ++i) {
    out += fmt::format("{}{}", i == 0 ? "" : ",", data[i]);
  }
  return out + "]";
}

/// Hexadecimal bit patterns, runs of equal ones as `bits*count`.
std::string bit_runs(const std::vector<float>& data) {
  std::string out = " bits=[";
  for (std::size_t i = 0; i < data.size();) {
    const auto bits = std::bit_cast<std::uint32_t>(data[i]);
    std::size_t end = i + 1;
    while (end < data.size() && std::bit_cast<std::uint32_t>(data[end]) == bits) {
      ++end;
    }
    out += fmt::format("{}{:x}", i == 0 ? "" : ",", bits);
    if (end - i > 1) {
      out += fmt::format("*{}", end - i);
    }
    i = end;
  }
  return out + "]";
}

std::string data_text(const std::vector<float>& data) {
  if (data.empty()) {
    return "";
  }
  bool short_and_finite = data.size() <= kInline;
  for (std::size_t i = 0; short_and_finite && i < data.size(); ++i) {
    short_and_finite = std::isfinite(data[i]);
  }
  return short_and_finite ? decimals(data) : bit_runs(data);
}

std::string leaf_line(const Value& v) {
  std::string out = fmt::format("{}: {} = {}", mention(v), type_text(v.type), name_of(v.role));
  if (v.limit != 0) {
    out += fmt::format(" limit={}", v.limit);
  }
  if (v.drawn) {
    out += fmt::format(" drawn mean={} deviation={}", number(v.mean), number(v.deviation));
  }
  return out + data_text(v.data) + "\n";
}

std::string node_line(const Graph& g, const Node& n) {
  std::string operands;
  for (const ValueId id : n.inputs) {
    operands += (operands.empty() ? "" : ", ") + mention(g.value(id));
  }
  const Value& out = g.value(n.output);
  std::string line =
      fmt::format("{}: {} = {}({})", mention(out), type_text(out.type), name_of(n.op), operands);
  if (!n.attributes.empty()) {
    std::string list;
    for (const auto& [key, value] : n.attributes) {
      list += fmt::format("{}{}={}", list.empty() ? "" : ", ", key, std::visit(AttributeText{}, value));
    }
    line += " {" + list + "}";
  }
  return line + fmt::format(" phase={} name={}\n", name_of(n.phase), in_quotes(n.name));
}

}  // namespace

std::string print(const Graph& graph) {
  std::string out = fmt::format("graph {} tokens={}\n", in_quotes(graph.name), graph.tokens);
  ValueId next = 0;  // leaves are printed in id order, before the first node with a higher output id
  const auto leaves_before = [&](ValueId end) {
    for (; next < end; ++next) {
      if (graph.value(next).role != Role::intermediate) {
        out += leaf_line(graph.value(next));
      }
    }
  };
  // A node may use a leaf that was added after a later node's output: its operands come first too.
  for (const Node& n : graph.nodes) {
    ValueId end = n.output;
    for (const ValueId id : n.inputs) {
      end = graph.value(id).role == Role::intermediate ? end : std::max(end, id + 1);
    }
    leaves_before(end);
    out += node_line(graph, n);
  }
  leaves_before(static_cast<ValueId>(graph.values.size()));
  for (const auto& [state, value] : graph.updates) {
    out += fmt::format("update {} = {}\n", mention(graph.value(state)), mention(graph.value(value)));
  }
  for (const ValueId id : graph.outputs) {
    out += fmt::format("output {}\n", mention(graph.value(id)));
  }
  if (graph.loss >= 0) {
    out += fmt::format("loss {}\n", mention(graph.value(graph.loss)));
  }
  return out;
}

}  // namespace leto::compiler
