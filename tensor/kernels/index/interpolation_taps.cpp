#include <ditharos/tensor/kernels/index/interpolation_taps.h>

#include <algorithm>
#include <cmath>

namespace ditharos::kernels {
namespace {

double snapped(double at) {
  const double whole = std::round(at);
  return std::abs(at - whole) < 1e-9 ? whole : at;
}

/// The kernel of cubic convolution at distance x (Keys 1981, eq. 4).
double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

double linear_weight(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Adds a row without the zeros at its ends: an element of weight 0 is not read, so that its NaN or infinity does not
/// reach the output.
void add_trimmed(Taps& taps, int64_t first, std::vector<double> weights) {
  while (weights.size() > 1 && weights.back() == 0) weights.pop_back();
  size_t zeros = 0;
  while (zeros + 1 < weights.size() && weights[zeros] == 0) ++zeros;
  weights.erase(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(zeros));
  taps.add_row(first + static_cast<int64_t>(zeros), weights);
}

}  // namespace

double ResizedAxis::ratio() const {
  if (align_corners) return outputs > 1 ? double(inputs - 1) / double(outputs - 1) : 0;
  return step.value_or(double(inputs) / double(outputs));
}

double ResizedAxis::position(int64_t o) const {
  return snapped(align_corners ? double(o) * ratio() : (double(o) + .5) * ratio() - .5);
}

Taps nearest_taps(const ResizedAxis& axis, bool exact) {
  Taps taps(axis.inputs, axis.outputs);
  for (int64_t o = 0; o < axis.outputs; ++o) {
    int64_t at = o * axis.inputs / axis.outputs;
    if (exact || axis.step) at = static_cast<int64_t>(snapped((double(o) + (exact ? .5 : 0)) * axis.ratio()));
    taps.add_row(std::min(at, axis.inputs - 1), {1.0});
  }
  return taps;
}

Taps linear_taps(const ResizedAxis& axis) {
  Taps taps(axis.inputs, axis.outputs);
  for (int64_t o = 0; o < axis.outputs; ++o) {
    const double at = std::max(axis.position(o), 0.0);
    const int64_t first = std::min(static_cast<int64_t>(at), axis.inputs - 1);
    const double share = at - double(first);
    if (first + 1 < axis.inputs) add_trimmed(taps, first, {1 - share, share});
    else taps.add_row(first, {1.0});
  }
  return taps;
}

Taps cubic_taps(const ResizedAxis& axis) {
  constexpr double a = -.75;
  Taps taps(axis.inputs, axis.outputs);
  for (int64_t o = 0; o < axis.outputs; ++o) {
    const double at = axis.position(o);
    const int64_t below = std::min(static_cast<int64_t>(std::floor(at)), axis.inputs - 1);
    const double share = std::min(at - double(below), 1.0);
    const auto inside = [&](int64_t i) { return std::clamp<int64_t>(i, 0, axis.inputs - 1); };
    const int64_t first = inside(below - 1);
    std::vector<double> weights(static_cast<size_t>(inside(below + 2) - first + 1), 0.0);
    for (int64_t k = -1; k <= 2; ++k)
      weights[static_cast<size_t>(inside(below + k) - first)] += cubic_weight(share - double(k), a);
    add_trimmed(taps, first, std::move(weights));
  }
  return taps;
}

Taps antialiased_taps(const ResizedAxis& axis, bool cubic) {
  const double ratio = axis.ratio(), stretch = std::max(ratio, 1.0), support = (cubic ? 2 : 1) * stretch;
  Taps taps(axis.inputs, axis.outputs);
  for (int64_t o = 0; o < axis.outputs; ++o) {
    const double centre = ratio * (double(o) + .5);
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(snapped(centre - support + .5)), 0);
    const int64_t end = std::min(static_cast<int64_t>(snapped(centre + support + .5)), axis.inputs);
    std::vector<double> weights;
    double total = 0;
    for (int64_t i = first; i < end; ++i) {
      const double distance = (double(i) + .5 - centre) / stretch;
      weights.push_back(cubic ? cubic_weight(distance, -.5) : linear_weight(distance));
      total += weights.back();
    }
    for (double& weight : weights) weight /= total;
    add_trimmed(taps, first, std::move(weights));
  }
  return taps;
}

}  // namespace ditharos::kernels
