// When one code can stand for two kernels.
#pragma once

#include <string>

#include "compiler/lower/kernel.h"

namespace leto::compiler {

/// Equal for two kernels exactly when they differ in nothing but which storages they use: the same operation
/// on the same views, and where one kernel uses a storage twice so does the other.
std::string likeness(const Kernel& kernel);

}  // namespace leto::compiler
