// MPFR as the judge of roundings and functions: arbitrary precision, written by others, correctly rounded.
#pragma once

#include <mpfr.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace leto {

/// One MPFR number.
class Mpfr {
 public:
  explicit Mpfr(mpfr_prec_t bits) { mpfr_init2(value_, bits); }
  ~Mpfr() { mpfr_clear(value_); }
  Mpfr(const Mpfr&) = delete;
  Mpfr& operator=(const Mpfr&) = delete;
  mpfr_ptr get() { return value_; }

 private:
  mpfr_t value_;
};

/// An IEEE-like binary format: `mantissa` stored bits, exponent `bias`, largest exponent `emax` (unbiased).
struct Format {
  int mantissa;
  int bias;
  int emax;
};

/// x rounded to nearest even in the format, subnormals included; infinity beyond its range.
inline double round_to(const Format& format, double x) {
  Mpfr y(format.mantissa + 1);
  const auto old_min = mpfr_get_emin(), old_max = mpfr_get_emax();
  mpfr_set_emin(1 - format.bias - format.mantissa + 1);  // MPFR's significands are in [1/2, 1)
  mpfr_set_emax(format.emax + 1);
  int ternary = mpfr_set_d(y.get(), x, MPFR_RNDN);
  ternary = mpfr_check_range(y.get(), ternary, MPFR_RNDN);
  mpfr_subnormalize(y.get(), ternary, MPFR_RNDN);
  mpfr_set_emin(old_min);
  mpfr_set_emax(old_max);
  return mpfr_get_d(y.get(), MPFR_RNDN);
}

/// |got - exact| in units of the last fp32 place of `exact` (of the smallest subnormal below the normal
/// range).
inline double ulps(float got, mpfr_srcptr exact) {
  const long exponent = mpfr_zero_p(exact) ? -149 : static_cast<long>(mpfr_get_exp(exact));
  Mpfr difference(120);
  mpfr_d_sub(difference.get(), got, exact, MPFR_RNDN);
  return std::fabs(
      std::ldexp(mpfr_get_d(difference.get(), MPFR_RNDN), -static_cast<int>(std::max(exponent - 24, -149L))));
}

}  // namespace leto
