#include "base/npy.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "base/errors.h"
#include "base/files.h"
#include "base/rng.h"
#include "scratch_folder.h"

using namespace leto;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A file as other software may write it: this header text, padded with nothing, and `data` bytes of zero.
std::string file_of(const std::string& header, std::size_t data) {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  return text + header + std::string(data, '\0');
}

/// bad_input, the only thing that a damaged file may do; `ok` when it parses.
ExitCode code_of(std::string_view file) {
  try {
    npy_from_bytes(bytes_of(file), "x.npy");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).starts_with("x.npy: "));
    CHECK_FALSE(error.remedy().empty());
    return error.code();
  }
  return ExitCode::ok;
}

NpyArray sample(NpyType type, std::vector<std::int64_t> shape) {
  NpyArray array{type, std::move(shape), {}};
  std::int64_t count = size_of(type);
  for (const auto extent : array.shape) count *= extent;
  for (std::int64_t i = 0; i < count; ++i) {
    array.data.push_back(static_cast<std::byte>(random_bits(1, 0, static_cast<std::uint64_t>(i))));
  }
  return array;
}

}  // namespace

TEST_CASE("npy: every type and rank survives a round trip through bytes and file") {
  const ScratchFolder folder;
  for (const auto type : {NpyType::f4, NpyType::f2, NpyType::i4, NpyType::i8, NpyType::i1, NpyType::u1}) {
    for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{
             {}, {0}, {1}, {7}, {3, 5}, {2, 0, 4}, {2, 3, 4, 5}, std::vector<std::int64_t>(32, 1)}) {
      const NpyArray array = sample(type, shape);
      CHECK(npy_from_bytes(to_bytes(array), "x") == array);
      save_npy(array, folder / "a.npy");
      CHECK(load_npy(folder / "a.npy") == array);
    }
  }
}

TEST_CASE("npy: the bytes are NumPy's own") {
  // numpy.save of numpy.arange(3, dtype='<i4'), byte for byte
  std::string want("\x93NUMPY\x01\x00\x76\x00", 10);
  want += "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }";
  want += std::string(127 - want.size(), ' ') + '\n';
  want += std::string("\0\0\0\0\1\0\0\0\2\0\0\0", 12);
  const auto got = npy_from_bytes(bytes_of(want), "x");
  CHECK(got.shape == std::vector<std::int64_t>{3});
  CHECK(to_integers(got, "x") == std::vector<std::int64_t>{0, 1, 2});
  const auto written = to_bytes(got);
  CHECK(std::string(reinterpret_cast<const char*>(written.data()), written.size()) == want);
}

TEST_CASE("npy: the data begins at a multiple of 64") {
  for (std::int64_t extent = 1; extent < 1000000000; extent *= 10) {
    const auto bytes = to_bytes(NpyArray{NpyType::u1, {0, extent}, {}});
    CHECK(bytes.size() % 64 == 0);
    CHECK(bytes.back() == std::byte{'\n'});
  }
}

TEST_CASE("npy: header variants that NumPy accepts are accepted") {
  CHECK(code_of(file_of("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}", 24)) == ExitCode::ok);
  CHECK(code_of(file_of("{ 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 4 , ) , } \n", 4)) ==
        ExitCode::ok);
  CHECK(code_of(file_of("{'descr': '<i8', 'fortran_order': False, 'shape': ()}", 8)) == ExitCode::ok);
}

TEST_CASE("npy: what is not supported or not right is refused") {
  const std::string rest = ", 'fortran_order': False, 'shape': (2,), }";
  for (const char* descr : {"'>f4'", "'<f8'", "'|O'", "'<f4", "4", "[('a', '<f4')]", "''"}) {
    CHECK(code_of(file_of(std::string("{'descr': ") + descr + rest, 8)) == ExitCode::bad_input);
  }
  for (const char* shape :
       {"(-2,)", "(2", "2", "(2,,)", "(two,)", "(3,)", "(2, 2)", "(99999999999999999999,)",
        "(4294967296, 4294967296)", "(9223372036854775807,)", "(4611686018427387906,)", "(1.0, 2)", "(0,)"}) {
    const std::string header =
        std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + "}";
    CHECK(code_of(file_of(header, 8)) == ExitCode::bad_input);
  }
  const std::string good = "'descr': '<f4', 'fortran_order': False, 'shape': (2,)";
  CHECK(code_of(file_of("{" + good + "}", 8)) == ExitCode::ok);
  for (const std::string& header :
       {std::string(), std::string("{}"), "{" + good, good + "}", "{" + good + "} x",
        "{" + good + ", 'more': 1}", "{" + good + ", 'shape': (2,)}", "{,}" + good}) {
    CHECK(code_of(file_of(header, 8)) == ExitCode::bad_input);
  }
  CHECK(code_of(file_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", 8)) == ExitCode::bad_input);
  std::string many = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < 33; ++i) many += "1,";
  CHECK(code_of(file_of(many + ")}", 4)) == ExitCode::bad_input);
}

TEST_CASE("npy: a file cut off anywhere, or longer than it says, is a bad input") {
  const auto bytes = to_bytes(sample(NpyType::f4, {3, 5}));
  const std::string whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK(code_of(whole) == ExitCode::ok);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(code_of(std::string_view(whole).substr(0, size)) == ExitCode::bad_input);
  }
  CHECK(code_of(whole + '\0') == ExitCode::bad_input);
}

TEST_CASE("npy: any damaged header byte gives an array or a bad input, nothing else") {
  const auto bytes = to_bytes(sample(NpyType::f4, {3, 5}));
  for (std::size_t at = 0; at < 128; ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      file[at] = static_cast<char>(value);
      const ExitCode code = code_of(file);
      REQUIRE((code == ExitCode::ok || code == ExitCode::bad_input));
    }
  }
}

TEST_CASE("npy: elements as floats and as integers") {
  const std::vector<float> values = {1.5f, -2.0f, 3.25f, 0.0f};
  const NpyArray array = npy_from_floats(values, {2, 2});
  CHECK(elements(array) == 4);
  CHECK(to_floats(array) == values);
  CHECK_THROWS_AS(to_integers(array, "x"), Error);
  const NpyArray half{NpyType::f2, {2}, {std::byte{0x00}, std::byte{0x3e}, std::byte{0x00}, std::byte{0xc0}}};
  CHECK(to_floats(half) == std::vector<float>{1.5f, -2.0f});
  const std::vector<std::int64_t> numbers = {-1, 5, std::int64_t{1} << 40};
  CHECK(to_integers(npy_from_integers(numbers, {3}), "x") == numbers);
  CHECK(to_floats(npy_from_integers(numbers, {3})) == std::vector<float>{-1, 5, 0x1p40f});
  const NpyArray bytes{NpyType::u1, {2}, {std::byte{200}, std::byte{1}}};
  CHECK(to_floats(bytes) == std::vector<float>{200, 1});
  CHECK(to_integers(bytes, "x") == std::vector<std::int64_t>{200, 1});
  const NpyArray signed_bytes{NpyType::i1, {2}, {std::byte{200}, std::byte{1}}};
  CHECK(to_floats(signed_bytes) == std::vector<float>{-56, 1});
  CHECK(to_integers(signed_bytes, "x") == std::vector<std::int64_t>{-56, 1});
}

TEST_CASE("npy: an array that contradicts itself is an internal error, not a damaged file") {
  CHECK_THROWS_AS(to_bytes(NpyArray{NpyType::f4, {3}, {}}), Error);
  CHECK_THROWS_AS(npy_from_floats(std::vector<float>{1}, {2}), Error);
}
