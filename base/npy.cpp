#include "base/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "base/dtypes.h"
#include "base/errors.h"
#include "base/files.h"

namespace leto {
namespace {

struct TypeRow {
  std::string_view descr;
  DType dtype;  // how the elements are read as numbers; u1 has none and is widened by hand
  int bytes;
};
constexpr std::array<TypeRow, 6> kTypes = {{{"<f4", DType::fp32, 4},
                                            {"<f2", DType::fp16, 2},
                                            {"<i4", DType::int32, 4},
                                            {"<i8", DType::int64, 8},
                                            {"|i1", DType::int8, 1},
                                            {"|u1", DType::int8, 1}}};
const TypeRow& row_of(NpyType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t kHeaderAt = 10;  // magic, version and a 16-bit header length come first
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxRank = 32;

[[noreturn]] void fail(std::string_view where, const std::string& cause, std::string remedy) {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", where, cause), std::move(remedy));
}
constexpr const char* kSaveAgain = "write it again with numpy.save(path, numpy.ascontiguousarray(a))";

/// The header: a Python dictionary literal with exactly the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  NpyArray parse() {
    NpyArray array;
    expect('{');
    while (!accept('}')) {
      parse_entry(array);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) bad("text after the dictionary");
    if (seen_ != 7) bad("a key is missing");
    return array;
  }

 private:
  [[noreturn]] void bad(std::string_view what) const {
    fail(where_, fmt::format(".npy header at byte {}: {}", kHeaderAt + at_, what), kSaveAgain);
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad(fmt::format("'{}' expected", c));
  }

  std::string_view string() {
    expect('\'');
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) bad("a string does not end");
    const std::size_t begin = at_;
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }

  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return word == "True";
    }
    bad("True or False expected");
  }

  std::int64_t extent() {
    skip_space();
    std::int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) bad("an extent of at least 0 expected");
    at_ += static_cast<std::size_t>(end - first);
    return value;
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> extents;
    expect('(');
    while (!accept(')')) {
      if (extents.size() == kMaxRank) bad("more than 32 dimensions");
      extents.push_back(extent());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return extents;
  }

  NpyType type() {
    const std::string_view descr = string();
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      if (kTypes[i].descr == descr) return static_cast<NpyType>(i);
    }
    fail(where_, fmt::format("elements of type '{}'", descr),
         "convert with a.astype('<f4') or '<f2', '<i4', '<i8', '|i1', '|u1'");
  }

  void parse_entry(NpyArray& array) {
    const std::string_view key = string();
    expect(':');
    if (key == "descr") {
      mark(1);
      array.type = type();
    } else if (key == "fortran_order") {
      mark(2);
      if (boolean()) fail(where_, "Fortran order", kSaveAgain);
    } else if (key == "shape") {
      mark(4);
      array.shape = tuple();
    } else {
      bad(fmt::format("unknown key '{}'", key));
    }
  }
  void mark(unsigned key) {
    if (seen_ & key) bad("a key appears twice");
    seen_ |= key;
  }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
  unsigned seen_ = 0;  // bit set of the keys so far
};

/// Bytes that type and shape ask for; nullopt when that does not fit 63 bits.
std::optional<std::int64_t> data_bytes(const NpyArray& array) {
  std::int64_t bytes = size_of(array.type);
  for (const std::int64_t extent : array.shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

std::string shape_text(const NpyArray& array) {
  std::string text;
  for (const std::int64_t extent : array.shape) text += fmt::format("{}, ", extent);
  if (array.shape.size() > 1) text.resize(text.size() - 2);
  if (array.shape.size() == 1) text.pop_back();
  return text;
}

/// The dictionary, padded with spaces so that the data begins at a multiple of 64.
std::string header_text(const NpyArray& array) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 descr_of(array.type), shape_text(array));
  const std::size_t end = kHeaderAt + text.size() + 1;
  text.append((kAlignment - end % kAlignment) % kAlignment, ' ');
  return text + '\n';
}

/// Splits off the header; `bytes` is left with the data.
std::string_view take_header(std::span<const std::byte>& bytes, std::string_view where) {
  if (bytes.size() < kHeaderAt) fail(where, "too short for a .npy file", kSaveAgain);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) fail(where, "not a .npy file of version 1.0 (bytes 0-7)", kSaveAgain);
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(text[8])) |
                      static_cast<std::size_t>(static_cast<unsigned char>(text[9])) << 8;
  if (bytes.size() < kHeaderAt + length) fail(where, "the .npy header is cut off", kSaveAgain);
  bytes = bytes.subspan(kHeaderAt + length);
  return text.substr(kHeaderAt, length);
}

void check_consistent(const NpyArray& array) {
  const auto wanted = data_bytes(array);
  if (wanted && static_cast<std::uint64_t>(*wanted) == array.data.size() && array.shape.size() <= kMaxRank)
    return;
  throw Error(ExitCode::internal,
              fmt::format("an array of shape ({}) holds {} bytes", shape_text(array), array.data.size()),
              "report this as a defect of leto");
}

NpyArray array_of(NpyType type, std::span<const std::byte> bytes, std::vector<std::int64_t> shape) {
  NpyArray array{type, std::move(shape), {bytes.begin(), bytes.end()}};
  check_consistent(array);
  return array;
}

template <class T>
void widen(const NpyArray& array, std::vector<std::int64_t>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T element;
    std::memcpy(&element, array.data.data() + i * sizeof element, sizeof element);
    out[i] = element;
  }
}

}  // namespace

int size_of(NpyType type) {
  return row_of(type).bytes;
}
std::string_view descr_of(NpyType type) {
  return row_of(type).descr;
}
std::int64_t elements(const NpyArray& array) {
  return static_cast<std::int64_t>(array.data.size()) / size_of(array.type);
}

NpyArray npy_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  NpyArray array = HeaderParser(take_header(bytes, where), where).parse();
  const auto wanted = data_bytes(array);
  if (!wanted || static_cast<std::uint64_t>(*wanted) != bytes.size()) {
    fail(where, fmt::format("{} bytes of data do not match the shape ({})", bytes.size(), shape_text(array)),
         "the file is damaged or cut off: write it again");
  }
  array.data.assign(bytes.begin(), bytes.end());
  return array;
}

std::vector<std::byte> to_bytes(const NpyArray& array) {
  check_consistent(array);
  const std::string header = header_text(array);
  const std::array<char, 2> length = {static_cast<char>(header.size() & 0xff),
                                      static_cast<char>(header.size() >> 8)};
  std::vector<std::byte> bytes;
  bytes.reserve(kHeaderAt + header.size() + array.data.size());
  for (const std::string_view piece :
       {kMagic, std::string_view(length.data(), 2), std::string_view(header)}) {
    const auto piece_bytes = std::as_bytes(std::span(piece));
    bytes.insert(bytes.end(), piece_bytes.begin(), piece_bytes.end());
  }
  bytes.insert(bytes.end(), array.data.begin(), array.data.end());
  return bytes;
}

NpyArray load_npy(const std::filesystem::path& path) {
  return npy_from_bytes(read_bytes(path), path.string());
}
void save_npy(const NpyArray& array, const std::filesystem::path& path) {
  write_atomically(path, to_bytes(array));
}

std::vector<std::int64_t> to_integers(const NpyArray& array, std::string_view where) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(elements(array)));
  switch (array.type) {
    case NpyType::i4:
      widen<std::int32_t>(array, out);
      break;
    case NpyType::i8:
      widen<std::int64_t>(array, out);
      break;
    case NpyType::i1:
      widen<std::int8_t>(array, out);
      break;
    case NpyType::u1:
      widen<std::uint8_t>(array, out);
      break;
    default:
      fail(where, fmt::format("elements of type '{}', integers wanted", descr_of(array.type)),
           "convert with a.astype('<i8')");
  }
  return out;
}

std::vector<float> to_floats(const NpyArray& array) {
  std::vector<float> out(static_cast<std::size_t>(elements(array)));
  if (array.type == NpyType::u1) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::to_integer<std::uint8_t>(array.data[i]);
  } else {
    load_elements(row_of(array.type).dtype, array.data.data(), out.data(), std::ssize(out));
  }
  return out;
}

NpyArray npy_from_floats(std::span<const float> values, std::vector<std::int64_t> shape) {
  return array_of(NpyType::f4, std::as_bytes(values), std::move(shape));
}

NpyArray npy_from_integers(std::span<const std::int64_t> values, std::vector<std::int64_t> shape) {
  return array_of(NpyType::i8, std::as_bytes(values), std::move(shape));
}

}  // namespace leto
