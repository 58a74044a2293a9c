#include "study/record_keys.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/errors.h"

namespace leto::study {
namespace {

enum Need : bool { optional = false, required = true };

constexpr RecordKey kKeys[] = {
#define KEY(path, kind, unit, need, doc) {path, KeyKind::kind, unit, Need::need, doc},
#include "study/record_keys.inc"
#undef KEY
};

constexpr std::size_t kDeepest = 16;  // nesting of a free object; guards the stack against a hostile file

/// The parts of a path: names, and "[]" for an array's elements. A wildcard may hold dots ("<engine.cause>").
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t from = path[0] == '<' ? path.find('>') : 0;
    std::size_t end = path[0] == '[' ? 2 : path.find_first_of(".[", from);
    end = std::min(end, path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end < path.size() && path[end] == '.' ? end + 1 : end);
  }
  return parts;
}

struct Row {
  const RecordKey* key;
  std::vector<std::string_view> parts;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> made;
    for (const RecordKey& key : kKeys) made.push_back({&key, parts_of(key.path)});
    return made;
  }();
  return all;
}

using Candidates = std::vector<const Row*>;

bool is_wildcard(std::string_view part) {
  return part.starts_with('<');
}

/// The rows that go on with `part` at this depth; a row that names it wins over a wildcard.
Candidates descend(const Candidates& from, std::size_t depth, std::string_view part) {
  Candidates exact, wild;
  for (const Row* row : from) {
    if (row->parts.size() <= depth) continue;
    if (row->parts[depth] == part) exact.push_back(row);
    if (is_wildcard(row->parts[depth])) wild.push_back(row);
  }
  return exact.empty() ? wild : exact;
}

const RecordKey* leaf(const Candidates& candidates, std::size_t depth) {
  for (const Row* row : candidates)
    if (row->parts.size() == depth) return row->key;
  return nullptr;
}

std::string_view words_for(KeyKind kind) {
  switch (kind) {
    case KeyKind::count:
      return "a whole number from 0";
    case KeyKind::number:
      return "a finite number from 0";
    case KeyKind::value:
      return "a number or null";
    case KeyKind::flag:
      return "true or false";
    case KeyKind::text:
      return "a string";
    case KeyKind::object:
      return "an object";
  }
  return "";
}

bool fits(KeyKind kind, const Json& node) {
  switch (kind) {
    case KeyKind::count:
      return node.is_number_unsigned() || (node.is_number_integer() && node.get<std::int64_t>() >= 0);
    case KeyKind::number:
      return node.is_number() && std::isfinite(node.get<double>()) && node.get<double>() >= 0;
    case KeyKind::value:
      return node.is_null() || (node.is_number() && std::isfinite(node.get<double>()));
    case KeyKind::flag:
      return node.is_boolean();
    case KeyKind::text:
      return node.is_string();
    case KeyKind::object:
      return node.is_object();
  }
  return false;
}

std::size_t depth_of(const Json& node, std::size_t limit) {
  std::size_t deepest = 0;
  if (limit > 0 && node.is_structured())
    for (const Json& child : node) deepest = std::max(deepest, 1 + depth_of(child, limit - 1));
  return deepest;
}

/// Walks a document against the table.
class Checker {
 public:
  explicit Checker(std::string_view where) : where_(where) {}

  void check(const Json& node, const Candidates& candidates, std::size_t depth,
             const std::string& path) const {
    if (const RecordKey* key = leaf(candidates, depth)) return check_leaf(node, *key, path);
    const bool array = candidates.front()->parts[depth] == "[]";
    if (array ? !node.is_array() : !node.is_object())
      fail(path, array ? "must be an array" : "must be an object",
           "give the key as docs/counters.md describes it");
    if (array) return check_elements(node, candidates, depth, path);
    check_members(node, candidates, depth, path);
    check_required(node, candidates, depth, path);
  }

 private:
  [[noreturn]] void fail(const std::string& path, const std::string& what, const std::string& remedy) const {
    throw Error(ExitCode::bad_input, fmt::format("{}: {}: {}", where_, path.empty() ? "record" : path, what),
                remedy);
  }
  void check_leaf(const Json& node, const RecordKey& key, const std::string& path) const {
    if (!fits(key.kind, node))
      fail(path, fmt::format("must be {}", words_for(key.kind)), std::string(key.doc));
    if (depth_of(node, kDeepest) >= kDeepest) fail(path, "is nested too deep", "give a flatter object");
  }
  void check_elements(const Json& node, const Candidates& candidates, std::size_t depth,
                      const std::string& path) const {
    for (std::size_t i = 0; i < node.size(); ++i)
      check(node[i], candidates, depth + 1, fmt::format("{}[{}]", path, i));
  }
  void check_members(const Json& node, const Candidates& candidates, std::size_t depth,
                     const std::string& path) const {
    for (const auto& [name, child] : node.items()) {
      const std::string inner = path.empty() ? name : path + "." + name;
      const Candidates next = descend(candidates, depth, name);
      if (next.empty()) fail(inner, "unknown key", "docs/counters.md lists the keys of a record");
      check(child, next, depth + 1, inner);
    }
  }
  void check_required(const Json& node, const Candidates& candidates, std::size_t depth,
                      const std::string& path) const {
    for (const Row* row : candidates) {
      const std::string_view part = row->parts[depth];
      if (row->key->required && !is_wildcard(part) && !optional_container(*row, depth) &&
          !node.contains(part))
        fail(path.empty() ? std::string(part) : fmt::format("{}.{}", path, part), "missing key",
             std::string(row->key->doc));
    }
  }
  /// `twins.<instance>.mode` is required in every twin, `twins` itself only as an object that may be empty.
  static bool optional_container(const Row& row, std::size_t depth) {
    return row.parts.size() > depth + 2 && is_wildcard(row.parts[depth + 1]) && row.parts[depth] == "twins";
  }

  std::string_view where_;
};

Candidates all_rows() {
  Candidates all;
  for (const Row& row : rows()) all.push_back(&row);
  return all;
}

}  // namespace

std::span<const RecordKey> record_keys() {
  return kKeys;
}

const RecordKey* find_record_key(std::string_view path) {
  Candidates candidates = all_rows();
  std::size_t depth = 0;
  for (const std::string_view part : parts_of(path)) {
    // An index ("ops[3]") stands for any element.
    candidates = descend(candidates, depth++, part.starts_with('[') ? "[]" : part);
    if (candidates.empty()) return nullptr;
  }
  return leaf(candidates, depth);
}

void check_keys(const Json& document, std::string_view where) {
  Checker(where).check(document, all_rows(), 0, "");
}

std::string counters_markdown() {
  std::string out =
      "# Keys of record.json\n\n"
      "Generated from study/record_keys.inc; the test `study: docs/counters.md is fresh` says how to renew "
      "it.\n\n"
      "`<x>` stands for any name, `[]` for the elements of an array. Kinds: count = whole number from 0, "
      "number = finite\n"
      "number from 0, value = any finite number or null. Comparisons (`leto diff --exact`) leave out "
      "`simulation`.\n\n"
      "| key | kind | unit | | meaning |\n|---|---|---|---|---|\n";
  constexpr std::string_view kKinds[] = {"count", "number", "value", "flag", "text", "object"};
  for (const RecordKey& key : kKeys)
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", key.path, kKinds[static_cast<int>(key.kind)],
                       key.unit, key.required ? "" : "optional", key.doc);
  return out;
}

}  // namespace leto::study
