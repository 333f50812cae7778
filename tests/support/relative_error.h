#pragma once
// How far a kernel is from its naive reference.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

/// The largest |got - want| / (1 + |want|); infinite when an element is not a number.
inline double relative_error(const Tensor& got, const std::vector<double>& want) {
  const auto g = got.to_vector<double>();
  REQUIRE(g.size() == want.size());
  double worst = 0;
  for (size_t i = 0; i < g.size(); ++i) {
    const double e = std::abs(g[i] - want[i]) / (1 + std::abs(want[i]));
    if (!(e <= worst)) worst = std::isnan(e) ? std::numeric_limits<double>::infinity() : e;
  }
  return worst;
}

}  // namespace ditharos::tests
