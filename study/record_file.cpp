// record.json in and out, and the comparison of two.
#include <fmt/format.h>

#include <limits>

#include "base/errors.h"
#include "base/files.h"
#include "study/record_fields.h"
#include "study/record_keys.h"

namespace leto::study {
namespace {

constexpr std::uint64_t kMostBytes = 256u << 20;  // tens of thousands of operations stay far below
constexpr int kMostDepth = 64;                    // of the JSON text; the keys themselves need 5

// Both directions overload on the type of the member; the parts with members of their own recurse into
// each_field.

/// Numbers, texts, flags and maps of numbers as they are. A loss that is not finite becomes null when it is
/// printed.
template <typename T>
Json encode(const T& value) {
  return Json(value);
}
template <HasFields Part>
Json encode(const Part& part);
Json encode(const EngineFacts& e);
template <typename T>
Json encode(const std::map<std::string, T>& items) {
  Json out = Json::object();
  for (const auto& [name, item] : items) out[name] = encode(item);
  return out;
}
template <typename T>
Json encode(const std::vector<T>& items) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(encode(item));
  return out;
}

struct Writer {
  Json& out;
  template <typename T>
  void operator()(const char* key, const T& value) const {
    out[key] = encode(value);
  }
  template <typename T>
  void operator()(const char* key, const std::optional<T>& value) const {
    if (value) out[key] = encode(*value);
  }
};

template <HasFields Part>
Json encode(const Part& part) {
  Json out = Json::object();
  each_field(part, Writer{out});
  return out;
}

Json encode(const EngineFacts& e) {
  Json out = {{"instances", e.instances}, {"busy", e.busy}};
  for (const auto& [cause, cycles] : e.causes) out[cause] = cycles;
  out["idle"] = e.idle;
  return out;
}

/// Reads what check_keys has accepted.
template <typename T>
void decode(const Json& from, T& to) {
  from.get_to(to);
}
void decode(const Json& from, double& to) {
  to = from.is_null() ? std::numeric_limits<double>::quiet_NaN() : from.get<double>();
}
template <HasFields Part>
void decode(const Json& from, Part& to);
void decode(const Json& from, EngineFacts& to) {
  for (const auto& [name, value] : from.items()) {
    if (name == "instances")
      value.get_to(to.instances);
    else
      value.get_to(name == "busy" ? to.busy : name == "idle" ? to.idle : to.causes[name]);
  }
}
template <typename T>
void decode(const Json& from, std::map<std::string, T>& to) {
  for (const auto& [name, value] : from.items()) decode(value, to[name]);
}
template <typename T>
void decode(const Json& from, std::vector<T>& to) {
  for (const Json& item : from) decode(item, to.emplace_back());
}
template <typename T>
void decode(const Json& from, std::optional<T>& to) {
  decode(from, to.emplace());
}

struct Reader {
  const Json& from;
  template <typename T>
  void operator()(const char* key, T& to) const {
    if (const auto found = from.find(key); found != from.end()) decode(*found, to);
  }
};

template <HasFields Part>
void decode(const Json& from, Part& to) {
  each_field(to, Reader{from});
}

/// The compiler writes the object; that it is one is checked here, since a record must always load again.
Json memory_fit_of(const Record& record) {
  Json fit = Json::parse(record.memory_fit, nullptr, false);
  if (!fit.is_object())
    throw Error(ExitCode::internal, "the program's memory_fit is not a JSON object", "report this");
  return fit;
}

Json to_document(const Record& record) {
  Json out = {{"version", kRecordVersion}, {"identity", Json::object()}};
  each_identity(record, Writer{out["identity"]});
  each_field(record, Writer{out});
  out["memory_fit"] = memory_fit_of(record);
  return out;
}

/// Parses without trusting the text: bounded depth, errors with their offset.
Json parse(std::string_view text, std::string_view where) {
  const auto guard = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth)
      throw Error(ExitCode::bad_input, fmt::format("{}: nested too deep for a record", where),
                  "give a record.json");
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Json::exception& error) {  // syntax, or a number beyond a double
    throw Error(ExitCode::bad_input, fmt::format("{}: not JSON: {}", where, error.what()),
                "give a record.json that a run has left");
  }
}

void flatten(const Json& node, const std::string& path, std::map<std::string, std::string>& out) {
  if (!node.is_structured() || node.empty()) {
    out[path] = node.dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  std::size_t index = 0;
  for (const auto& [name, child] : node.items())
    flatten(child,
            node.is_array() ? fmt::format("{}[{:06}]", path, index++)
            : path.empty()  ? name
                            : path + "." + name,
            out);
}

std::map<std::string, std::string> comparable(const Record& record) {
  Json document = to_document(record);
  document.erase("simulation");
  std::map<std::string, std::string> out;
  flatten(document, "", out);
  return out;
}

}  // namespace

std::string to_json(const Record& record) {
  return to_document(record).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Record record_from_json(std::string_view text, std::string_view where) {
  const Json document = parse(text, where);
  check_keys(document, where);
  if (document.at("version") != kRecordVersion)
    throw Error(
        ExitCode::bad_input,
        fmt::format("{}: version: {} is not {}", where, document.at("version").dump(), kRecordVersion),
        "run the workload again with this version of leto");
  Record record;
  each_identity(record, Reader{document.at("identity")});
  each_field(record, Reader{document});
  record.memory_fit = document.at("memory_fit").dump();
  return record;
}

void save(const Record& record, const std::filesystem::path& path) {
  write_atomically(path, to_json(record));
}

Record load_record(const std::filesystem::path& path) {
  const auto file = std::filesystem::is_directory(path) ? path / "record.json" : path;
  return record_from_json(read_text(file, kMostBytes), file.string());
}

std::vector<Difference> diff_records(const Record& a, const Record& b) {
  constexpr auto kAbsent = "(absent)";
  const auto left = comparable(a), right = comparable(b);
  std::vector<Difference> out;
  for (const auto& [key, value] : left) {
    const auto other = right.find(key);
    const std::string theirs = other == right.end() ? kAbsent : other->second;
    if (value != theirs) out.push_back({key, value, theirs});
  }
  for (const auto& [key, value] : right)
    if (!left.contains(key)) out.push_back({key, kAbsent, value});
  return out;
}

}  // namespace leto::study
