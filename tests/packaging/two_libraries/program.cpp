// Calls both libraries alone, from regions of its own, and between them.
#include <cstdio>

#include "tests/packaging/two_libraries/first.h"
#include "tests/packaging/two_libraries/second.h"

int main() {
  const int n = 1000;
  const double want = 3.0 * n * (n + 1) * (2 * n + 1) / 6;
  int wrong = 0;
  for (int round = 0; round < 20; ++round) {
    wrong += first(n) != want || second(n) != want;
#pragma omp parallel for reduction(+ : wrong)
    for (int i = 1; i <= 8; ++i) wrong += first(i) != second(i);
    double total = 0;
#pragma omp parallel for reduction(+ : total)
    for (int i = 0; i < n; ++i) total += i;
    wrong += total != n * (n - 1) / 2;
  }
  wrong += !catches();
  if (wrong == 0) std::puts("equal results");
  else std::printf("%d wrong results\n", wrong);
  return wrong == 0 ? 0 : 1;
}
