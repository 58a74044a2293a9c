#include "model/twin/foreign_twin.h"

#include <array>

namespace leto::model {

std::string_view name_of(CompareLevel level) {
  constexpr std::array<std::string_view, 3> kNames = {"cycle", "window", "data"};
  return kNames[static_cast<std::size_t>(level)];
}

std::unique_ptr<rtl::Block> block_in_lock_step(const TwinSpec& spec) {
  return spec.foreign && spec.foreign->by_cycle() ? spec.foreign->load() : nullptr;
}

}  // namespace leto::model
