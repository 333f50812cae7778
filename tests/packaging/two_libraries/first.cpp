#include <ditharos/ditharos.h>

using namespace ditharos;

/// The gradient of the sum of x^3 at 1, 2, ..., n, summed: 3 sum of i^2.
double first(int n) {
  const Tensor x = arange(1, n + 1, 1, DType::f64).set_requires_grad();
  sum(pow(x, 3)).backward();
  return sum(x.grad()).item();
}
