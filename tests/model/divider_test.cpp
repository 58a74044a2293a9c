#include <doctest/doctest.h>

#include <initializer_list>

#include "model/kernel/divider.h"

using leto::model::Divider;

TEST_CASE("divider: exact for powers of two, 32-bit and wider dividends and divisors") {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  for (const std::uint64_t divisor :
       {1ull, 2ull, 3ull, 7ull, 96ull, 192ull, 512ull, 641ull, 0x7fffffffull, 0xfffffffbull, 0xffffffffull,
        0x100000000ull, 0x100000001ull, 1ull << 62}) {
    const Divider by(divisor);
    std::uint64_t dividend = 1;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t multiple = (dividend >> (i % 64)) / divisor * divisor;
      const std::uint64_t short_one = 0xffffffffu - static_cast<std::uint64_t>(i);
      for (const std::uint64_t n : {multiple, multiple - 1, multiple + divisor - 1, short_one}) {
        REQUIRE(by.quotient(n) == n / divisor);
        REQUIRE(by.remainder(n) == n % divisor);
      }
      dividend = dividend * 6364136223846793005u + 1442695040888963407u;
    }
    CHECK(by.quotient(kMost) == kMost / divisor);
    CHECK(by.ceiling(divisor + 1) == 2);
  }
}
