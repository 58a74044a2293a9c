// The graph's text form, reading: one statement a line, `#` starts a comment line. Names are looked up in the
// order of the text, so an operation can only use what stands above it.
#include <bit>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "base/errors.h"
#include "compiler/graph.h"

namespace leto::compiler {
namespace {

constexpr std::int64_t kMaxData = std::int64_t{1} << 28;  // elements of one literal

class Parser {
 public:
  Parser(std::string_view text, std::string_view where) : text_(text), where_(where) {}
  Graph run();

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ExitCode::bad_input, fmt::format("{}:{}: {}", where_, line_number_, why),
                "compiler/graph.h shows the graph's text form");
  }
  // Lexing of the current line.
  bool at_end() const { return rest_.empty(); }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size())); }
  bool accept(std::string_view token);
  void expect(std::string_view token);
  std::string_view word(std::string_view extra = "");
  std::string quoted();
  std::string name();
  std::int64_t integer();
  double number();
  template <typename T>
  T parsed(std::string_view token, std::string_view what);
  std::string_view number_token();

  void statement();
  void header();
  void definition();
  void leaf(ValueId id);
  void node(Op op, Value value);
  void data(Value& v);
  void bits(Value& v);
  Type type();
  std::vector<std::int64_t> list();
  Attribute attribute();
  std::map<std::string, Attribute> attributes();
  Phase phase();
  ValueId operand();
  ValueId define(Value v);

  std::string_view text_, where_, rest_;
  int line_number_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

bool Parser::accept(std::string_view token) {
  skip_space();
  if (!rest_.starts_with(token)) {
    return false;
  }
  rest_.remove_prefix(token.size());
  return true;
}

void Parser::expect(std::string_view token) {
  if (!accept(token)) {
    fail(fmt::format("expected '{}' before '{}'", token, rest_.substr(0, 20)));
  }
}

std::string_view Parser::word(std::string_view extra) {
  skip_space();
  std::size_t n = 0;
  while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) || rest_[n] == '_' ||
                              extra.find(rest_[n]) != std::string_view::npos)) {
    ++n;
  }
  if (n == 0) {
    fail(fmt::format("expected a word before '{}'", rest_.substr(0, 20)));
  }
  const std::string_view w = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return w;
}

std::string Parser::quoted() {
  expect("\"");
  std::string out;
  while (!rest_.empty() && rest_[0] != '"') {
    char c = rest_[0];
    std::size_t n = 1;
    if (c == '\\' && rest_.size() >= 2) {
      c = rest_[1];
      n = 2;
      if (c == 'x' && rest_.size() >= 4) {
        unsigned code = 0;
        std::from_chars(rest_.data() + 2, rest_.data() + 4, code, 16);
        c = static_cast<char>(code);
        n = 4;
      }
    }
    out += c;
    rest_.remove_prefix(n);
  }
  expect("\"");
  return out;
}

std::string Parser::name() {
  expect("%");
  return rest_.starts_with('"') ? quoted() : std::string(word("./-"));
}

std::string_view Parser::number_token() {
  return word("+-.");
}

template <typename T>
T Parser::parsed(std::string_view token, std::string_view what) {
  T x{};
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), x);
  if (error != std::errc{} || end != token.data() + token.size()) {
    fail(fmt::format("'{}' is not {}", token, what));
  }
  return x;
}

std::int64_t Parser::integer() {
  return parsed<std::int64_t>(number_token(), "an integer");
}
double Parser::number() {
  return parsed<double>(number_token(), "a number");
}

Graph Parser::run() {
  while (!text_.empty()) {
    const std::size_t end = std::min(text_.find('\n'), text_.size());
    rest_ = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++line_number_;
    skip_space();
    if (!at_end() && rest_[0] != '#') {
      statement();
      skip_space();
      if (!at_end()) {
        fail(fmt::format("'{}' is left over", rest_.substr(0, 20)));
      }
    }
  }
  return std::move(graph_);
}

void Parser::statement() {
  if (rest_[0] == '%') {
    return definition();
  }
  const std::string_view keyword = word();
  if (keyword == "graph") {
    header();
  } else if (keyword == "update") {
    const ValueId state = operand();
    expect("=");
    graph_.updates.emplace_back(state, operand());
  } else if (keyword == "output") {
    graph_.outputs.push_back(operand());
  } else if (keyword == "loss") {
    graph_.loss = operand();
  } else {
    fail(fmt::format("unknown statement '{}'", keyword));
  }
}

void Parser::header() {
  graph_.name = quoted();
  if (accept("tokens=")) {
    graph_.tokens = integer();
  }
}

ValueId Parser::define(Value v) {
  const auto id = static_cast<ValueId>(graph_.values.size());
  if (!ids_.emplace(v.name, id).second) {
    fail(fmt::format("'%{}' is defined twice", v.name));
  }
  graph_.values.push_back(std::move(v));
  return id;
}

ValueId Parser::operand() {
  const std::string n = name();
  const auto it = ids_.find(n);
  if (it == ids_.end()) {
    fail(fmt::format("'%{}' is not defined above", n));
  }
  return it->second;
}

Type Parser::type() {
  const std::string_view dtype_name = word();
  const auto dtype = dtype_from_name(dtype_name);
  if (!dtype) {
    fail(fmt::format("unknown type '{}'", dtype_name));
  }
  return Type{*dtype, list()};
}

std::vector<std::int64_t> Parser::list() {
  std::vector<std::int64_t> out;
  expect("[");
  if (accept("]")) {
    return out;
  }
  do {
    out.push_back(integer());
  } while (accept(","));
  expect("]");
  return out;
}

void Parser::definition() {
  Value v;
  v.name = name();
  expect(":");
  v.type = type();
  expect("=");
  const std::string_view what = word();
  for (const Role role : {Role::input, Role::parameter, Role::state, Role::constant}) {
    if (what == name_of(role)) {
      v.role = role;
      return leaf(define(std::move(v)));
    }
  }
  const auto op = op_from_name(what);
  if (!op) {
    fail(fmt::format("unknown operation '{}'", what));
  }
  node(*op, std::move(v));
}

void Parser::leaf(ValueId id) {
  Value& v = graph_.value(id);
  for (skip_space(); !at_end(); skip_space()) {
    if (accept("limit=")) {
      v.limit = integer();
    } else if (accept("drawn")) {
      v.drawn = true;
    } else if (accept("mean=")) {
      v.mean = number();
    } else if (accept("deviation=")) {
      v.deviation = number();
    } else if (accept("data=[")) {
      data(v);
    } else if (accept("bits=[")) {
      bits(v);
    } else {
      fail(fmt::format("unknown property '{}'", rest_.substr(0, 20)));
    }
  }
}

void Parser::data(Value& v) {
  do {
    v.data.push_back(parsed<float>(number_token(), "a number"));
  } while (accept(","));
  expect("]");
}

void Parser::bits(Value& v) {
  do {
    const std::string_view token = word();
    std::uint32_t pattern = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), pattern, 16);
    if (error != std::errc{} || end != token.data() + token.size()) {
      fail(fmt::format("'{}' is not a bit pattern", token));
    }
    const std::int64_t count = accept("*") ? integer() : 1;
    if (count < 1 || count > kMaxData - static_cast<std::int64_t>(v.data.size())) {
      fail("the literal is too long");
    }
    v.data.insert(v.data.end(), static_cast<std::size_t>(count), std::bit_cast<float>(pattern));
  } while (accept(","));
  expect("]");
}

Attribute Parser::attribute() {
  skip_space();
  if (rest_.starts_with('"')) {
    return quoted();
  }
  if (rest_.starts_with('[')) {
    return list();
  }
  const std::string_view token = number_token();
  if (token.find_first_of(".ein") == std::string_view::npos) {
    return parsed<std::int64_t>(token, "a number");
  }
  return parsed<double>(token, "a number");
}

std::map<std::string, Attribute> Parser::attributes() {
  std::map<std::string, Attribute> out;
  if (!accept("{")) {
    return out;
  }
  do {
    std::string key(word());
    expect("=");
    if (!out.emplace(key, attribute()).second) {
      fail(fmt::format("attribute '{}' is given twice", key));
    }
  } while (accept(","));
  expect("}");
  return out;
}

Phase Parser::phase() {
  const std::string_view text = word();
  for (const Phase p : {Phase::forward, Phase::loss, Phase::backward, Phase::optimizer}) {
    if (text == name_of(p)) {
      return p;
    }
  }
  fail(fmt::format("unknown phase '{}'", text));
}

void Parser::node(Op op, Value value) {
  Node n{op, {}, -1, {}, Phase::forward, value.name};
  expect("(");
  do {
    n.inputs.push_back(operand());
  } while (accept(","));
  expect(")");
  n.attributes = attributes();
  if (accept("phase=")) {
    n.phase = phase();
  }
  if (accept("name=")) {
    n.name = quoted();
  }
  Type inferred;
  try {
    inferred = infer(graph_, n);
  } catch (const Error& e) {
    fail(e.what());
  }
  if (!(inferred == value.type)) {
    fail(fmt::format("'%{}' is {}[{}], not what is written", value.name, leto::name_of(inferred.dtype),
                     fmt::join(inferred.shape, ",")));
  }
  n.output = define(std::move(value));
  graph_.nodes.push_back(std::move(n));
}

}  // namespace

Graph parse(std::string_view text, std::string_view where) {
  return Parser(text, where).run();
}

}  // namespace leto::compiler
