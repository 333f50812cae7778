// d/dx sum(x^2) = 2x, computed by an installed ditharos.
#include <cstdio>

#include <ditharos/ditharos.h>

int main() {
  const ditharos::Tensor x = ditharos::full({3}, 2.0);
  x.set_requires_grad();
  ditharos::sum(x * x).backward();
  for (double g : x.grad().to_vector<double>())
    if (g != 4.0) return 1;
  std::puts("the installed library works");
  return 0;
}
