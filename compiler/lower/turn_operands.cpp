#include "compiler/lower/turn_operands.h"

#include <algorithm>

#include "compiler/lower/matmul_plan.h"

namespace leto::compiler {
namespace {

// Share of a product's cycles that turning has to save: the cost model errs, and a copy takes memory.
constexpr double kLeastSaving = 0.05;
// Cycles that a turning copy takes beyond the time of its bytes: its runs are short, and tiles of neighbours
// meet in few channels. Seen on pilot: copies of 8, 17 and 34 MB in 16,237, 20,272 and 28,994 cycles.
constexpr double kCopyStart = 12000;

Place turned(const Place& place) {
  return {turned_view(place.view.storage, place.view), place.dtype};
}

// Read and written once, and turned by all layout engines together.
double copy_cycles(const Place& place, const ChipConfig& chip) {
  const auto elements = double(product(without_repeats(place.view).shape));
  const double bytes = elements * size_of(place.dtype);
  const double memory = 2 * bytes * chip.hertz() / hbm_bytes_per_second(chip);
  const double engines = elements * std::max(size_of(place.dtype), 2) / chip.layout_engine.bytes_per_cycle;
  return kCopyStart + std::max(memory, engines / double(chip.pes()));
}

bool is_turned(const View& view) {
  const auto n = view.shape.size();
  return view.strides[n - 1] != 1 && view.shape[n - 1] != 1 && view.strides[n - 2] == 1;
}

double cycles_with(MatmulKernel kernel, const Turned& which, const ChipConfig& chip) {
  double copies = 0;
  for (const auto& [wanted, place] : {std::pair(which.a, &kernel.a), std::pair(which.b, &kernel.b)}) {
    if (!wanted) continue;
    copies += copy_cycles(*place, chip);
    *place = turned(*place);
  }
  return copies + plan_matmul(normalise(kernel), chip).cycles;
}

}  // namespace

View without_repeats(View view) {
  for (std::size_t i = 0; i < view.shape.size(); ++i)
    if (view.strides[i] == 0) view.shape[i] = 1;
  return view;
}

View turned_view(StorageId storage, const View& view) {
  View dense = dense_view(storage, without_repeats(view).shape);
  return broadcast(dense, view.shape);
}

Turned worth_turning(const MatmulKernel& kernel, const ChipConfig& chip) {
  const bool a = is_turned(kernel.a.view), b = is_turned(kernel.b.view);
  Turned best;
  if (!a && !b) return best;
  double least = cycles_with(kernel, best, chip) * (1 - kLeastSaving);
  for (const Turned& which : {Turned{a, false}, Turned{false, b}, Turned{a, b}}) {
    if (!which.a && !which.b) continue;
    const double cycles = cycles_with(kernel, which, chip);
    if (cycles < least) least = cycles, best = which;
  }
  return best;
}

}  // namespace leto::compiler
