// The part of the Protocol Buffers wire format that a trace needs: varints and length-delimited fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leto::model {

/// One message under construction; clear() keeps its memory for the next one.
class ProtoWriter {
 public:
  void number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3 | kVarint);
    varint(value);
  }
  void text(int field, std::string_view value) {
    varint(static_cast<std::uint64_t>(field) << 3 | kDelimited);
    varint(value.size());
    bytes_ += value;
  }
  void message(int field, const ProtoWriter& inner) { text(field, inner.bytes_); }

  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  static constexpr std::uint64_t kVarint = 0, kDelimited = 2;
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace leto::model
