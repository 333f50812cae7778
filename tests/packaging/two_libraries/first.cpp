#include "tests/packaging/two_libraries/first.h"

#include <ditharos/ditharos.h>

using namespace ditharos;

double first(int n) {
  const Tensor x = arange(1, n + 1, 1, DType::f64).set_requires_grad();
  sum(pow(x, 3)).backward();
  return sum(x.grad()).item();
}
