#include <ditharos/tensor/kernels/gemm/dot_isa.h>

#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
T product_sum(const T* a, const T* b, int64_t n) {
  constexpr int64_t piece = 1024, chains = 4, step = chains * lanes<T>;
  double total = 0;
  int64_t i = 0;
  while (i + step <= n) {
    const int64_t end = n - i < piece ? n : i + piece;
    Vector<T> sums[chains] = {};
    for (; i + step <= end; i += step)
      for (int64_t c = 0; c < chains; ++c) sums[c] += load(a + i + c * lanes<T>) * load(b + i + c * lanes<T>);
    const Vector<T> sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int k = 0; k < lanes<T>; ++k) total += double(sum[k]);
  }
  for (; i < n; ++i) total += double(a[i]) * double(b[i]);
  return T(total);
}

}  // namespace
}  // namespace DITHAROS_ISA

const DotKernels& DotKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr DotKernels table = {product_sum<float>, product_sum<double>};
  return table;
}

}  // namespace ditharos::kernels
