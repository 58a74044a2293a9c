#include "base/dispatch.h"

namespace leto {

Path best_path() {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return wide ? Path::wide : Path::portable;
#else
  return Path::portable;
#endif
}

}  // namespace leto
