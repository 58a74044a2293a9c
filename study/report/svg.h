// Charts as inline SVG: no script, colours from the page's style sheet (style.h), a text alternative in each.
#pragma once

#include <cstddef>
#include <string>

#include "study/report/report.h"

namespace leto::study {

/// `text` with everything escaped that HTML or SVG would act on.
std::string html_escape(const std::string& text);

/// The style class of a part of a stacked bar: s0 for the first (busy), idle for the last.
std::string part_class(std::size_t part, std::size_t parts);

std::string to_svg(const StackedBars& bars);
std::string to_svg(const IntervalBars& bars);
std::string to_svg(const LineChart& chart);
std::string to_svg(const Roofline& chart);
std::string to_svg(const Lanes& chart);

}  // namespace leto::study
