// Damage to files: a pure function of the bytes and a seed.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace leto::e2e {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : seed_(seed) {}

  /// Flipped bits, numbers at the ends of their range, pieces cut out, doubled or lost at the end.
  std::string binary(std::string bytes) {
    for (auto times = 1 + below(4); times > 0 && !bytes.empty(); --times) damage(bytes);
    return bytes;
  }

  /// Lines lost, doubled or swapped, numbers replaced by odd ones, and what binary() does.
  std::string text(std::string text) {
    for (auto times = 1 + below(3); times > 0 && !text.empty(); --times) {
      const auto kind = below(5);
      if (kind == 0)
        damage(text);
      else if (kind < 3)
        replace_number(text);
      else
        edit_lines(text, kind == 3);
    }
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return uniform_below(seed_, 0, draws_++, limit); }
  template <class T, std::size_t N>
  const T& one_of(const std::array<T, N>& items) {
    return items[below(N)];
  }

  void damage(std::string& bytes) {
    const auto at = below(bytes.size());
    const auto length = std::min(bytes.size() - at, 1 + below(40));
    switch (below(6)) {
      case 0:
        return bytes.resize(at);
      case 1:
        bytes.erase(at, length);
        return;
      case 2:
        bytes.insert(at, bytes.substr(at, length));
        return;
      case 3:
        return overwrite(bytes, at);
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }
  }

  /// One, two, four or eight bytes that are 0, -1, the largest or the smallest number, or a long varint.
  void overwrite(std::string& bytes, std::size_t at) {
    static const std::array<std::string, 6> kNumbers = {std::string(8, '\0'),
                                                        std::string(8, '\xff'),
                                                        "\xff\xff\xff\xff\xff\xff\xff\x7f",
                                                        std::string(7, '\0') + '\x80',
                                                        "\xff\xff\xff\x7f" + std::string(4, '\0'),
                                                        "\x80\x80\x80\x80\x80\x80\x80\x01"};
    const auto width = std::min(std::size_t{1} << below(4), bytes.size() - at);
    bytes.replace(at, width, one_of(kNumbers), 0, width);
  }

  void replace_number(std::string& text) {
    static const std::array<std::string_view, 12> kNumbers = {
        "0",       "-1",  "1",     "nan", "inf", "1e308", "99999999999999999999", "9223372036854775807",
        "1048576", "0.5", "\"x\"", ""};
    constexpr std::string_view kDigits = "0123456789.-+e";
    auto at = text.find_first_of("0123456789", below(text.size()));
    if (at == std::string::npos) at = text.find_first_of("0123456789");
    if (at == std::string::npos) return;
    const auto end = std::min(text.find_first_not_of(kDigits, at), text.size());
    text.replace(at, end - at, one_of(kNumbers));
  }

  void edit_lines(std::string& text, bool twice) {
    const auto begin = text.rfind('\n', below(text.size()));
    const auto at = begin == std::string::npos ? 0 : begin + 1;
    const auto line = text.substr(at, text.find('\n', at) - at + 1);
    if (twice)
      text.insert(text.find('\n', below(text.size())) + 1, line);  // npos + 1: in front
    else
      text.erase(at, line.size());
  }

  std::uint64_t seed_, draws_ = 0;
};

}  // namespace leto::e2e
