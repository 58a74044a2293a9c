#include "study/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/report/format.h"

namespace leto::study {
namespace {

constexpr double kWidth = 1100;  // user units; the page scales the drawing to its column

std::string open_svg(double height, const std::string& description) {
  return fmt::format("<svg viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n",
                     kWidth, height, html_escape(description), html_escape(description));
}

std::string label(double x, double y, const std::string& anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     html_escape(text));
}

std::string line(double x1, double y1, double x2, double y2, const std::string& css) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1,
                     x2, y2, css);
}

/// The plotting area of a chart with axes.
struct Frame {
  double left = 90, right = kWidth - 20, top = 16, bottom = 300;
  double height() const { return bottom + 44; }
  double x(double share) const { return left + share * (right - left); }
  double y(double share) const { return bottom - share * (bottom - top); }
};

std::string axis_titles(const Frame& f, const std::string& x, const std::string& y) {
  return label((f.left + f.right) / 2, f.bottom + 38, "middle", x) +
         fmt::format(
             "<text transform=\"translate(16 {:.0f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
             (f.top + f.bottom) / 2, html_escape(y));
}

/// A step of 1, 2 or 5 times a power of ten that cuts `span` in at most `most` parts.
double nice_step(double span, int most) {
  const double raw = span / most, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

/// A linear scale with round ticks that covers [low, high].
struct Linear {
  static constexpr int kParts = 6;  // at most, and one more where the ends are rounded outwards
  double low, high, step;
  Linear(double a, double b) {
    const double pad = a == b ? std::max(1e-9, std::abs(a) * 0.1) : 0;
    step = nice_step(b - a + 2 * pad, kParts);
    low = std::floor((a - pad) / step) * step;
    high = std::ceil((b + pad) / step) * step;
  }
  double share(double v) const { return (v - low) / (high - low); }
};

/// log10; what is no positive finite number, as in a record by other hands, lies at an end of all doubles.
double decade_of(double v) {
  constexpr double kMost = 308;
  return v > 0 ? std::clamp(std::log10(v), -kMost, kMost) : -kMost;
}

/// A logarithmic scale of whole decades that covers [low, high].
struct Decades {
  int low, high;
  Decades(double a, double b)
      : low(static_cast<int>(std::floor(decade_of(a)))), high(static_cast<int>(std::ceil(decade_of(b)))) {
    if (low == high) ++high;
  }
  double share(double v) const { return (decade_of(v) - low) / (high - low); }
};

std::string bar_part(const StackedBars& bars, const StackedBars::Bar& bar, std::size_t part, double x,
                     double y, double width) {
  const std::string css = part_class(part, bar.parts.size());
  return fmt::format(
      "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"18\" class=\"{}\"><title>{}: {} "
      "{}</title></rect>\n",
      x, y, width, css, html_escape(bar.label), html_escape(bars.legend[part]), percent(bar.parts[part]));
}

std::string curve(const std::vector<double>& values, const Frame& f, const Linear& scale, const char* css) {
  std::string path;
  bool pen_down = false;
  const double steps = std::max<double>(1, double(values.size()) - 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f} ", pen_down ? "L" : "M", f.x(double(i) / steps),
                        f.y(scale.share(values[i])));
    pen_down = true;
  }
  return fmt::format("<path d=\"{}\" class=\"{}\"/>\n", path, css);
}

std::string x_steps(const LineChart& chart, const Frame& f) {
  std::string out;
  const auto count = static_cast<double>(chart.y.size());
  const double step = std::max(1.0, nice_step(count, 8));
  for (double at = step; at <= count; at += step)
    out +=
        label(f.x((at - 1) / std::max(1.0, count - 1)), f.bottom + 18, "middle", fmt::format("{:.0f}", at));
  return out;
}

std::string decade_grid(const Frame& f, const Decades& x, const Decades& y) {
  std::string out;
  for (int d = x.low; d <= x.high; ++d) {
    const double at = f.x(x.share(std::pow(10, d)));
    out += line(at, f.top, at, f.bottom, "grid") +
           label(at, f.bottom + 18, "middle", fmt::format("{:g}", std::pow(10, d)));
  }
  for (int d = y.low; d <= y.high; ++d) {
    const double at = f.y(y.share(std::pow(10, d)));
    out += line(f.left, at, f.right, at, "grid") + label(f.left - 8, at + 4, "end", si(std::pow(10, d), ""));
  }
  return out;
}

/// One memory's roof: up its slope to the peak, or to the edge of the chart.
std::string slope_line(const Roofline& chart, const Roofline::Slope& slope, std::size_t index, const Frame& f,
                       const Decades& x, const Decades& y) {
  const double least = std::pow(10, y.low) / slope.bytes_per_s;
  const double from = std::max(std::pow(10, x.low), least), ridge = chart.peak_flops / slope.bytes_per_s;
  const double to = std::min(std::pow(10, x.high), ridge);
  if (from >= to) return "";
  const double x1 = f.x(x.share(from)), y1 = f.y(y.share(from * slope.bytes_per_s));
  const double x2 = f.x(x.share(to)), y2 = f.y(y.share(to * slope.bytes_per_s));
  const double angle = std::atan2(y2 - y1, x2 - x1) * 180 / M_PI;
  return line(x1, y1, x2, y2, fmt::format("roof r{}", index)) +
         fmt::format(
             "<text transform=\"translate({:.1f} {:.1f}) rotate({:.1f})\" text-anchor=\"middle\">{} "
             "{}</text>\n",
             (x1 + x2) / 2 - 6, (y1 + y2) / 2 - 6, angle, html_escape(slope.label),
             si(slope.bytes_per_s, "B/s"));
}

std::string dot(const Roofline::Point& point, const Frame& f, const Decades& x, const Decades& y) {
  const double px = f.x(x.share(point.intensity)), py = f.y(y.share(point.flops));
  const std::string title = fmt::format("<title>{}</title>", html_escape(point.title));
  if (point.label.empty())
    return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"dot\">{}</circle>\n", px, py,
                       title);
  return fmt::format(
      "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"9\" class=\"dot\">{}</circle>"
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" class=\"dotlabel\">{}</text>\n",
      px, py, title, px, py + 4, html_escape(point.label));
}

}  // namespace

std::string html_escape(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  return out;
}

std::string part_class(std::size_t part, std::size_t parts) {
  constexpr std::size_t kColours = 9;  // of the causes; more of them share colours
  if (part + 1 == parts) return "idle";
  return fmt::format("s{}", part == 0 ? 0 : 1 + (part - 1) % kColours);
}

std::string to_svg(const StackedBars& bars) {
  constexpr double kLeft = 170, kRow = 27, kBars = kWidth - kLeft - 80;
  std::string out = open_svg(kRow * double(bars.bars.size()) + 8, bars.caption);
  double y = 4;
  for (const auto& bar : bars.bars) {
    out += label(kLeft - 10, y + 14, "end", bar.label);
    double x = kLeft;
    for (std::size_t part = 0; part < bar.parts.size(); ++part) {
      const double width = bar.parts[part] * kBars;
      if (width > 0) out += bar_part(bars, bar, part, x, y, width);
      x += width;
    }
    // What stands at the end: the busy share, or of holders all that is not free.
    const bool busy = !bars.legend.empty() && bars.legend.front() == "busy";
    out += label(kWidth - 6, y + 14, "end", percent(busy ? bar.parts.front() : 1 - bar.parts.back()));
    y += kRow;
  }
  return out + "</svg>\n";
}

std::string to_svg(const IntervalBars& bars) {
  constexpr double kLeft = 300, kRow = 27, kTop = 4, kAcross = kWidth - kLeft - 190;
  double most = 0;
  for (const auto& bar : bars.bars) most = std::max(most, bar.high);
  if (!(most > 0) || !std::isfinite(most)) return "";
  const auto x = [&](double value) { return kLeft + value / most * kAcross; };
  std::string out = open_svg(kRow * double(bars.bars.size()) + 8, bars.caption);
  double y = kTop;
  for (const auto& bar : bars.bars) {
    const std::string figure = si(bar.value, bars.unit),
                      ends = si(bar.low, bars.unit) + " to " + si(bar.high, bars.unit);
    const bool certain = bar.low == bar.high;
    out += label(kLeft - 10, y + 14, "end", bar.label) +
           fmt::format(
               "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"18\" "
               "class=\"{}\"><title>{}</title></rect>\n",
               kLeft, y, x(bar.value) - kLeft, bar.estimate ? "idle" : "s0",
               html_escape(bar.label + ": " + figure + (certain ? "" : ", " + ends)));
    if (!certain)
      out += line(x(bar.low), y + 9, x(bar.high), y + 9, "whisker") +
             line(x(bar.low), y + 4, x(bar.low), y + 14, "whisker") +
             line(x(bar.high), y + 4, x(bar.high), y + 14, "whisker");
    out += label(x(bar.high) + 8, y + 14, "start", figure + (bar.estimate ? " (estimate)" : ""));
    y += kRow;
  }
  return out + "</svg>\n";
}

std::string to_svg(const LineChart& chart) {
  double low = INFINITY, high = -INFINITY;
  const auto cover = [&](const std::vector<double>& values) {
    for (const double v : values)
      if (std::isfinite(v)) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
  };
  cover(chart.y);
  if (chart.reference) cover(chart.reference->y);
  if (low > high) return "";  // no step had a finite value
  const Frame frame;
  const Linear scale(low, high);
  std::string out = open_svg(frame.height(), chart.caption);
  for (int tick = 0; tick <= Linear::kParts + 1; ++tick) {
    const double v = scale.low + tick * scale.step;
    if (v > scale.high + scale.step / 2) break;
    const double y = frame.y(scale.share(v));
    out += line(frame.left, y, frame.right, y, "grid") +
           label(frame.left - 8, y + 4, "end", fmt::format("{:.4g}", v));
  }
  if (chart.reference)
    out += curve(chart.reference->y, frame, scale, "curve reference") +
           label(frame.right - 4, frame.top + 12, "end", "dashed: " + chart.reference->label);
  return out + x_steps(chart, frame) + curve(chart.y, frame, scale, "curve") +
         axis_titles(frame, chart.x_label, chart.y_label) + "</svg>\n";
}

std::string to_svg(const Roofline& chart) {
  double left = chart.peak_flops / chart.slopes.front().bytes_per_s, right = left, least = chart.peak_flops;
  for (const auto& point : chart.points) {
    left = std::min(left, point.intensity);
    right = std::max(right, point.intensity);
    least = std::min(least, point.flops);
  }
  const Frame frame;
  const Decades x(left / 3, right * 3), y(least / 3, chart.peak_flops * 1.2);
  std::string out = open_svg(frame.height(), chart.caption) + decade_grid(frame, x, y);
  const double roof = frame.y(y.share(chart.peak_flops));
  out += line(frame.left, roof, frame.right, roof, "roof r0") +
         label(frame.right - 6, roof - 7, "end", "peak " + si(chart.peak_flops, "FLOP/s"));
  for (std::size_t i = 0; i < chart.slopes.size(); ++i)
    out += slope_line(chart, chart.slopes[i], i, frame, x, y);
  // The small points first: the labelled ones lie on top.
  for (const bool small : {true, false})
    for (const auto& point : chart.points)
      if (point.label.empty() == small) out += dot(point, frame, x, y);
  return out + axis_titles(frame, "FLOP per byte", "FLOP/s") + "</svg>\n";
}

std::string to_svg(const Lanes& chart) {
  constexpr double kLane = 34, kLeft = 170, kTop = 22, kAcross = kWidth - kLeft - 20;
  constexpr double kMarkLabel = 300;  // its least room
  constexpr int kTicks = 8;
  if (!(chart.seconds > 0)) return "";
  const double bottom = kTop + kLane * double(chart.lanes.size());
  const auto x = [&](double at) { return kLeft + std::clamp(at / chart.seconds, 0.0, 1.0) * kAcross; };
  std::string out = open_svg(bottom + 26, chart.caption);
  if (chart.mark) {
    const double from = x(chart.mark->from);
    out +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"mark\"/>\n",
                    from, kTop, x(chart.mark->to) - from, bottom - kTop) +
        label(std::min(from, kWidth - kMarkLabel), kTop - 6, "start", chart.mark->label);
  }
  double y = kTop;
  for (const auto& lane : chart.lanes) {
    const double base = y + kLane - 4, step = kAcross / double(lane.shares.size());
    out += line(kLeft, base, kLeft + kAcross, base, "grid") + label(kLeft - 10, base - 6, "end", lane.label);
    std::string path = fmt::format("M{:.0f} {:.1f}", kLeft, base);
    double right = kLeft;
    for (const double share : lane.shares)
      path += fmt::format("V{:.1f}H{:.1f}", base - std::clamp(share, 0.0, 1.0) * (kLane - 8), right += step);
    out += fmt::format("<path d=\"{}V{:.1f}Z\" class=\"lane\"/>\n", path, base);
    y += kLane;
  }
  const double tick = nice_step(chart.seconds, kTicks);
  for (int i = 0; i <= kTicks && i * tick <= chart.seconds; ++i)
    out += label(x(i * tick), bottom + 18, "middle", si(i * tick, "s"));
  return out + "</svg>\n";
}

}  // namespace leto::study
