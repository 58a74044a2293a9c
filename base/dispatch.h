// One loop, compiled twice: for the build's own target and for AVX2 with FMA, chosen when it runs.
//
// std::fmaf without FMA instructions is a library call, 25 times slower; both forms round once, so both give
// the same bits. A kernel is a struct whose operator() is LETO_INLINE and calls only LETO_INLINE functions:
//
//   struct Saxpy {
//     LETO_INLINE void operator()(float a, const float* x, float* y, std::int64_t n) const {
//       for (std::int64_t i = 0; i < n; ++i) y[i] = std::fmaf(a, x[i], y[i]);
//     }
//   };
//   run_kernel(Saxpy{}, best_path(), a, x, y, n);
//
// Other processors than x86-64 have the portable form only (where fmaf is an instruction anyway).
#pragma once

#include <cstdint>

#define LETO_INLINE __attribute__((always_inline)) inline

#if defined(__x86_64__)
#define LETO_WIDE __attribute__((target("avx2,fma"), noinline))
#else
#define LETO_WIDE __attribute__((noinline))
#endif

namespace leto {

enum class Path : std::uint8_t { portable, wide };

/// wide when this processor has AVX2 and FMA. Asked once.
Path best_path();

template <class Kernel, class... Args>
LETO_WIDE void run_wide(const Kernel& kernel, Args... args) {
  kernel(args...);
}

/// Runs the kernel in the form `path`; Path::wide only when best_path() says so.
template <class Kernel, class... Args>
void run_kernel(const Kernel& kernel, Path path, Args... args) {
  if (path == Path::wide) {
    run_wide(kernel, args...);
  } else {
    kernel(args...);
  }
}

}  // namespace leto
