#include "tests/packaging/two_libraries/second.h"

#include <cstring>

#include <ditharos/ditharos.h>

using namespace ditharos;

double second(int n) {
  const Tensor x = arange(1, n + 1, 1, DType::f64);
  const DualLevel level;
  return tangent_of(sum(pow(make_dual(x, ones({n}, DType::f64)), 3))).item();
}

bool catches() {
  try {
    reshape(ones({2, 3}), {4});
  } catch (const ShapeError& error) {
    return std::strstr(error.what(), "[2, 3]") != nullptr;
  }
  return false;
}
