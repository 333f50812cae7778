#include <ditharos/tensor/kernels/isa/softmax_isa.h>
#include <ditharos/tensor/kernels/isa/vector_math.h>
#include <ditharos/tensor/kernels/isa/vector_sum.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

/// Largest element; NaN counts as none (it then shows in the exponentials).
template <class T>
T largest(int64_t n, const T* x) {
  constexpr int64_t size = Vector<T>::size;
  typename Vector<T>::type best, v;
  T result = x[0];
  int64_t i = 0;
  if (n >= size) {
    load<T>(best, x);
    for (i = size; i + size <= n; i += size) {
      load<T>(v, x + i);
      best = v > best || best != best ? v : best;
    }
    for (int64_t j = 0; j < size; ++j) result = best[j] > result || result != result ? best[j] : result;
  }
  for (; i < n; ++i) result = x[i] > result || result != result ? x[i] : result;
  return result;
}

/// y = e^(x - shift); returns the sum of y.
template <class T>
T exponentials(int64_t n, const T* x, T shift, T* y) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = exp(x[i] - shift);
  return sum(y, n);
}

/// Sum of e^(x - shift) without a place for the exponentials: blocks, then pairs of blocks.
template <class T>
T sum_of_exponentials(int64_t n, const T* x, T shift) {
  constexpr int64_t block = 256;
  if (n > block) {
    const int64_t left = (n / 2 + block - 1) / block * block;
    return sum_of_exponentials(left, x, shift) + sum_of_exponentials(n - left, x + left, shift);
  }
  T buffer[block];
  return exponentials(n, x, shift, buffer);
}

template <class T>
void softmax(int64_t n, const T* x, T* y) {
  const T scale = T(1) / exponentials(n, x, largest(n, x), y);
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

template <class T>
void log_softmax(int64_t n, const T* x, T* y) {
  const T shift = largest(n, x), log_sum = log(sum_of_exponentials(n, x, shift));
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - shift) - log_sum;
}

template <class T>
void softmax_backward(int64_t n, const T* g, const T* y, T* dx) {
  for (int64_t i = 0; i < n; ++i) dx[i] = g[i] * y[i];
  const T dot = sum(dx, n);
  for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * (g[i] - dot);
}

template <class T>
void log_softmax_backward(int64_t n, const T* g, const T* y, T* dx) {
  const T total = sum(g, n);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dx[i] = g[i] - exp(y[i]) * total;
}

template <class T>
T cross_entropy(int64_t n, const T* x, int64_t label) {
  const T shift = largest(n, x);
  return log(sum_of_exponentials(n, x, shift)) - (x[label] - shift);
}

template <class T>
void cross_entropy_backward(int64_t n, T g, const T* x, int64_t label, T* dx) {
  const T scale = g / exponentials(n, x, largest(n, x), dx);
  for (int64_t i = 0; i < n; ++i) dx[i] *= scale;
  dx[label] -= g;
}

template <class T>
constexpr SoftmaxLoops<T> loops = {softmax<T>,       log_softmax<T>,   softmax_backward<T>, log_softmax_backward<T>,
                                   cross_entropy<T>, cross_entropy_backward<T>};

}  // namespace
}  // namespace DITHAROS_ISA

const SoftmaxKernels& SoftmaxKernels::DITHAROS_ISA() {
  static constexpr SoftmaxKernels table = {kernels::DITHAROS_ISA::loops<float>, kernels::DITHAROS_ISA::loops<double>};
  return table;
}

}  // namespace ditharos::kernels
