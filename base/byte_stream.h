// Binary files as they are written and read back: numbers little endian, strings and lists with their length in
// front. A reader stays inside its bytes whatever they say.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/hash.h"

namespace leto {

static_assert(std::endian::native == std::endian::little, "the file is written as it lies in memory");

class ByteWriter {
 public:
  template <typename T>
  void number(T value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), from, from + sizeof(T));
  }
  void raw(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void list(std::span<const std::byte> bytes) {
    number<std::uint64_t>(bytes.size());
    raw(bytes);
  }
  void text(std::string_view text) { list(std::as_bytes(std::span(text))); }
  std::vector<std::byte> sealed() {
    number(fnv1a(out_));
    return std::move(out_);
  }

 private:
  std::vector<std::byte> out_;
};

/// `where` names the file in errors and has to outlive the reader; every length is compared with what remains before anything is allocated.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> list() { return take(count(1)); }
  std::string text() {
    const auto bytes = list();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// The length of a list whose items take at least `item` bytes each.
  std::size_t count(std::size_t item) {
    const auto length = number<std::uint64_t>();
    if (length > (bytes_.size() - at_) / item) fail(fmt::format("a list of {} items does not fit", length));
    return static_cast<std::size_t>(length);
  }
  template <typename E>
  E enumerator(int last) {
    const auto value = number<std::uint8_t>();
    if (value > last) fail(fmt::format("{} is no known kind", value));
    return static_cast<E>(value);
  }
  std::span<const std::byte> take(std::size_t bytes) {
    if (bytes > bytes_.size() - at_)
      fail(fmt::format("{} more bytes are needed, {} are left", bytes, bytes_.size() - at_));
    at_ += bytes;
    return bytes_.subspan(at_ - bytes, bytes);
  }
  bool at_end() const { return at_ == bytes_.size(); }
  [[noreturn]] void fail(const std::string& cause,
                         const std::string& remedy = "the file is damaged: write it again") const {
    throw Error(ExitCode::bad_input, fmt::format("{}: offset {}: {}", where_, at_, cause), remedy);
  }
  std::string_view where() const { return where_; }

 private:
  std::span<const std::byte> bytes_;
  std::string_view where_;
  std::size_t at_ = 0;
};

}  // namespace leto
