// Programs as text. Directives start with a dot; everything else is an instruction of the current core.
//
//   .name "mlp"   .chip "pilot"   .seed 1   .tokens 32   .kernel "…"   .recipe "…"   .memory_fit "…"
//   .tensor "w" role=parameter dtype=bf16 shape=64x32 address=4096 limit=0     (shape=scalar for rank 0)
//                                  … mean=0 deviation=0.02 behind it: its first content is drawn
//   .data 3f80…                      hex bytes, appended to the tensor above
//   .source "fc1" kind="matmul" phase="forward" useful_macs=1024 dtype="bf16" live_hbm=4096 live_sram=0
//   .core 0
//   set rd=r1 value=5 @0
//
// Strings escape \" \\ \n \t and \xHH. Comments start with `;`.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "isa/program.h"

namespace leto::isa {
namespace {

constexpr std::size_t kDataBytesPerLine = 64;

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

void append_data(std::string& out, const std::vector<std::byte>& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i % kDataBytesPerLine == 0) out += i ? "\n.data " : ".data ";
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned>(data[i]));
  }
  if (!data.empty()) out += '\n';
}

std::string tensor_text(const Tensor& t) {
  std::string out = fmt::format(".tensor {} role={} dtype={} shape={} address={} limit={}", in_quotes(t.name),
                                name_of(t.role), name_of(t.dtype), shape_text(t.shape), t.address, t.limit);
  if (t.ragged) out += " ragged=1";
  if (t.draw) out += fmt::format(" mean={} deviation={}", t.draw->mean, t.draw->deviation);
  out += '\n';
  append_data(out, t.data);
  return out;
}

std::string source_text(const Source& s) {
  return fmt::format(".source {} kind={} phase={} useful_macs={} dtype={} live_hbm={} live_sram={}\n",
                     in_quotes(s.operation), in_quotes(s.kind), in_quotes(s.phase), s.useful_macs,
                     in_quotes(s.dtype), s.live_hbm, s.live_sram);
}

std::string head_text(const Program& p) {
  return fmt::format(".name {}\n.chip {}\n.seed {}\n.tokens {}\n.kernel {}\n.recipe {}\n.memory_fit {}\n",
                     in_quotes(p.name), in_quotes(p.chip), p.seed, p.tokens, in_quotes(p.kernel),
                     in_quotes(p.recipe), in_quotes(p.memory_fit));
}

// One directive's words, with its place for messages.
class Words {
 public:
  Words(std::string_view line, std::string where) : rest_(line), where_(std::move(where)) {}

  bool more() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size()));
    return !rest_.empty() && rest_[0] != ';';
  }
  std::string_view word() {
    if (!more()) fail("something is missing at the end of the line");
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r;"));
    rest_.remove_prefix(word.size());
    return word;
  }
  std::string string() {
    if (!more() || rest_[0] != '"') fail("a quoted string is missing");
    rest_.remove_prefix(1);
    std::string out;
    while (!rest_.empty() && rest_[0] != '"') out += character();
    if (rest_.empty()) fail("a string does not end");
    rest_.remove_prefix(1);
    return out;
  }
  /// Expects `name=` and stands behind it.
  void key(std::string_view name) {
    const std::string wanted = std::string(name) + "=";
    if (!more() || !rest_.starts_with(wanted)) fail(fmt::format("'{}' is missing", wanted));
    rest_.remove_prefix(wanted.size());
  }
  std::int64_t integer() { return parsed<std::int64_t>(word()); }
  std::uint64_t natural() { return parsed<std::uint64_t>(word()); }
  double real() { return parsed<double>(word(), std::chars_format::general); }
  template <typename T, typename Form = int>
  T parsed(std::string_view text, Form form = Form{10}) const {
    T value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, form);
    if (problem != std::errc{} || end != text.data() + text.size())
      fail(fmt::format("'{}' is not a number", text));
    return value;
  }
  void finished() {
    if (more()) fail(fmt::format("'{}' is too much", rest_));
  }
  [[noreturn]] void fail(const std::string& cause) const {
    throw Error(ExitCode::illegal_program, fmt::format("{}: {}", where_, cause),
                "docs/isa.md describes the assembler's lines");
  }

 private:
  char character() {
    char c = next();
    if (c != '\\') return c;
    c = next();
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c != 'x') return c;
    const std::string digits{next(), next()};
    return static_cast<char>(parsed<std::uint8_t>(digits, 16));
  }
  char next() {
    if (rest_.empty()) fail("a string does not end");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
  std::string where_;
};

Role parse_role(const Words& words, std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Role::scratch); ++i)
    if (name_of(static_cast<Role>(i)) == name) return static_cast<Role>(i);
  words.fail(fmt::format("no role '{}'", name));
}

std::vector<std::int64_t> parse_shape(const Words& words, std::string_view text) {
  std::vector<std::int64_t> shape;
  if (text == "scalar") return shape;
  while (true) {
    const std::size_t end = text.find('x');
    shape.push_back(words.parsed<std::int64_t>(text.substr(0, end)));
    if (end == std::string_view::npos) return shape;
    text.remove_prefix(end + 1);
  }
}

Draw parse_draw(Words& words) {
  Draw draw;
  words.key("mean");
  draw.mean = words.real();
  words.key("deviation");
  draw.deviation = words.real();
  return draw;
}

Tensor parse_tensor(Words& words) {
  Tensor tensor;
  tensor.name = words.string();
  words.key("role");
  tensor.role = parse_role(words, words.word());
  words.key("dtype");
  const std::string_view type = words.word();
  if (const auto dtype = dtype_from_name(type))
    tensor.dtype = *dtype;
  else
    words.fail(fmt::format("no dtype '{}'", type));
  words.key("shape");
  tensor.shape = parse_shape(words, words.word());
  words.key("address");
  tensor.address = words.natural();
  words.key("limit");
  tensor.limit = words.integer();
  if (tensor.limit > 0 && words.more()) {
    words.key("ragged");
    tensor.ragged = words.integer() != 0;
  }
  if (words.more()) tensor.draw = parse_draw(words);
  return tensor;
}

Source parse_source(Words& words) {
  Source source;
  source.operation = words.string();
  words.key("kind");
  source.kind = words.string();
  words.key("phase");
  source.phase = words.string();
  words.key("useful_macs");
  source.useful_macs = words.integer();
  words.key("dtype");
  source.dtype = words.string();
  if (!words.more()) return source;  // written by hand, of no placement
  words.key("live_hbm");
  source.live_hbm = words.integer();
  words.key("live_sram");
  source.live_sram = words.integer();
  return source;
}

void parse_data(Words& words, Program& program) {
  if (program.tensors.empty()) words.fail("data without a tensor above");
  const std::string_view hex = words.word();
  if (hex.size() % 2) words.fail("an odd number of hex digits");
  for (std::size_t i = 0; i < hex.size(); i += 2)
    program.tensors.back().data.push_back(std::byte{words.parsed<std::uint8_t>(hex.substr(i, 2), 16)});
}

int parse_core(Words& words) {
  const std::int64_t core = words.integer();
  if (core < 0 || core >= kCores) words.fail(fmt::format("core {}: a PE has cores 0 and 1", core));
  return static_cast<int>(core);
}

void parse_directive(Words& words, Program& program, int& core) {
  const std::string_view name = words.word();
  if (name == ".name")
    program.name = words.string();
  else if (name == ".chip")
    program.chip = words.string();
  else if (name == ".seed")
    program.seed = words.natural();
  else if (name == ".tokens")
    program.tokens = words.integer();
  else if (name == ".kernel")
    program.kernel = words.string();
  else if (name == ".recipe")
    program.recipe = words.string();
  else if (name == ".memory_fit")
    program.memory_fit = words.string();
  else if (name == ".tensor")
    program.tensors.push_back(parse_tensor(words));
  else if (name == ".data")
    parse_data(words, program);
  else if (name == ".source")
    program.sources.push_back(parse_source(words));
  else if (name == ".core")
    core = parse_core(words);
  else
    words.fail(fmt::format("no directive '{}'", name));
  words.finished();
}

}  // namespace

std::string disassemble(const Program& program) {
  std::string out = head_text(program);
  for (const Tensor& tensor : program.tensors) out += tensor_text(tensor);
  for (const Source& source : program.sources) out += source_text(source);
  for (int core = 0; core < kCores; ++core) {
    out += fmt::format(".core {}\n", core);
    for (const Instruction& instruction : program.code[core]) out += to_text(instruction) + '\n';
  }
  return out;
}

Program assemble(std::string_view text, std::string_view where) {
  Program program;
  int core = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string place = fmt::format("{}:{}", where, number);
    Words words(line, place);
    if (!words.more()) continue;
    if (line[line.find_first_not_of(" \t\r")] == '.')
      parse_directive(words, program, core);
    else
      program.code[core].push_back(from_text(line, place));
  }
  validate(program, where);
  return program;
}

}  // namespace leto::isa
