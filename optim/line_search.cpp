#include <ditharos/optim/line_search.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ditharos::optim {
namespace {

constexpr double sufficient_decrease = 1e-4, curvature = .9;

/// The minimum, between two bounds, of the cubic through both values and slopes (Nocedal and Wright 2006, equation
/// 3.59); the middle where it has none.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const LinePoint &left = a.step <= b.step ? a : b, &right = a.step <= b.step ? b : a;
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double minimum =
      right.step - (right.step - left.step) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::isfinite(minimum) ? std::clamp(minimum, low, high) : (low + high) / 2;
}

}  // namespace

LineSearchResult strong_wolfe(const std::function<LinePoint(double step)>& at, const LinePoint& start, double first,
                              double direction_size, int64_t most_iterations, double tolerance) {
  const auto too_high = [&](const LinePoint& p) {
    return p.value > start.value + sufficient_decrease * p.step * start.slope;
  };
  const auto is_flat = [&](const LinePoint& p) { return std::abs(p.slope) <= -curvature * start.slope; };

  // Goes on until a minimum lies between the last two points.
  LinePoint before = start, now = at(first);
  int64_t iterations = 0;
  for (; iterations < most_iterations; ++iterations) {
    if (too_high(now) || (iterations > 1 && now.value >= before.value)) break;
    if (is_flat(now)) return {now, iterations + 1};
    if (now.slope >= 0) break;
    const double next = cubic_minimum(before, now, now.step + .01 * (now.step - before.step), 10 * now.step);
    before = now;
    now = at(next);
  }
  if (iterations == most_iterations) return {start.value <= now.value ? start : now, iterations + 1};

  std::array<LinePoint, 2> bracket{before, now};
  const auto lower = [&] { return bracket[0].value <= bracket[1].value ? size_t{0} : size_t{1}; };
  size_t low = lower();
  bool was_near = false;  // the last step lay at an end of the bracket
  for (; iterations < most_iterations; ++iterations) {
    const double left = std::min(bracket[0].step, bracket[1].step), right = std::max(bracket[0].step, bracket[1].step);
    if ((right - left) * direction_size < tolerance) break;
    double step = cubic_minimum(bracket[0], bracket[1], left, right);
    const double margin = .1 * (right - left);
    const bool is_near = std::min(right - step, step - left) < margin;
    const bool moves = is_near && (was_near || step >= right || step <= left);
    if (moves) step = right - step < step - left ? right - margin : left + margin;
    was_near = is_near && !moves;

    now = at(step);
    LinePoint &best = bracket[low], &other = bracket[1 - low];
    if (too_high(now) || now.value >= best.value) {
      other = now;
      low = lower();
      continue;
    }
    if (is_flat(now)) return {now, iterations + 2};
    if (now.slope * (other.step - best.step) >= 0) other = best;
    best = now;
  }
  return {bracket[low], iterations + 1};
}

}  // namespace ditharos::optim
