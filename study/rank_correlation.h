// How alike two measures rank the same things.
#pragma once

#include <span>

namespace leto::study {

/// Kendall's tau-b: 1 when both put all pairs in the same order, -1 when in the opposite one; ties in one
/// measure alone count against. 0 when a measure ties everything.
double kendall_tau_b(std::span<const double> a, std::span<const double> b);

}  // namespace leto::study
