#pragma once
// The order of convergence of a method, from its errors.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace ditharos::tests {

/// Minus the slope of log(error) over log(steps), between the last two numbers of steps; all are printed.
template <class Error>
double slope_of_error(const std::string& name, const std::vector<int64_t>& steps, const Error& error) {
  std::printf("%s:", name.c_str());
  double slope = 0, before = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const double now = error(steps[i]);
    std::printf(" %lld: %.2e", static_cast<long long>(steps[i]), now);
    if (i > 0) {
      slope = std::log(before / now) / std::log(double(steps[i]) / double(steps[i - 1]));
      std::printf(" (%.2f)", slope);
    }
    before = now;
  }
  std::printf("\n");
  return slope;
}

}  // namespace ditharos::tests
