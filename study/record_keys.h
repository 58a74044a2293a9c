// The keys of record.json as data (record_keys.inc).
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <string_view>

namespace leto::study {

/// Keys keep the order in which they were written.
using Json = nlohmann::ordered_json;

enum class KeyKind : std::uint8_t { count, number, value, flag, text, object };

struct RecordKey {
  std::string_view path;  // "stalls.<engine>.busy", "ops[].name"
  KeyKind kind;
  std::string_view unit;
  bool required;
  std::string_view doc;
};

std::span<const RecordKey> record_keys();
/// The row that describes a key of a record ("stalls.matrix_engine.busy"); nullptr when there is none.
const RecordKey* find_record_key(std::string_view path);
/// Throws Error(bad_input) naming `where` and the first key that is unknown, missing or of the wrong kind.
void check_keys(const Json& document, std::string_view where);
/// docs/counters.md.
std::string counters_markdown();

}  // namespace leto::study
