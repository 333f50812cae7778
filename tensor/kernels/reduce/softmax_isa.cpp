#include <ditharos/tensor/kernels/reduce/softmax_isa.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>
#include <ditharos/tensor/kernels/simd/vector_sum.h>

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

/// Place of the first element that equals `value`; 0 when none does, because the row is all NaN.
template <class T>
int64_t place_of(int64_t n, const T* x, T value) {
  for (int64_t i = 0; i < n; ++i)
    if (x[i] == value) return i;
  return 0;
}

/// ln of the sum of e^(x - shift), where `shift` is the largest element. Beside a dominant element, whose term is 1, it
/// is ln(1 + the sum of the others), so that it does not vanish. NaN when the largest is infinite.
template <class T>
T log_sum(int64_t n, const T* x, T shift) {
  const T all = sum_of_exponentials(n, x, shift);
  if (!(all < T(2))) return log(all);
  const int64_t top = place_of(n, x, shift), after = top + 1;
  return log1p_of_positive(sum_of_exponentials(top, x, shift) + sum_of_exponentials(n - after, x + after, shift));
}

template <class T>
void log_softmax(int64_t n, const T* x, T* y) {
  const T shift = largest(n, x), log_of_sum = log_sum(n, x, shift);
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - shift) - log_of_sum;
}

template <class T>
T log_sum_exp(int64_t n, const T* x) {
  const T shift = largest(n, x);
  if (shift - shift == T(0)) return shift + log_sum(n, x, shift);
  for (int64_t i = 0; i < n; ++i)
    if (x[i] != x[i]) return x[i];
  return shift;
}

// dx = y (g - sum(g y)). Both g are taken relative to that of the largest y, a constant that cancels: near y = 1 the
// difference would be lost otherwise.
template <class T>
void softmax_backward(int64_t n, const T* g, const T* y, T* dx) {
  const T at_top = g[place_of(n, y, largest(n, y))];
  for (int64_t i = 0; i < n; ++i) dx[i] = (g[i] - at_top) * y[i];
  const T dot = sum(dx, n);
  for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * ((g[i] - at_top) - dot);
}

inline float expm1(float x) { return __builtin_expm1f(x); }
inline double expm1(double x) { return __builtin_expm1(x); }

// dx = g - p sum(g) with p = e^y; at the largest, where p may round to 1, -(sum of the other g) + (1 - p) sum(g).
template <class T>
void log_softmax_backward(int64_t n, const T* g, const T* y, T* dx) {
  const int64_t top = place_of(n, y, largest(n, y)), after = top + 1;
  const T others = sum(g, top) + sum(g + after, n - after), total = others + g[top];
  const T at_top = -others - expm1(y[top]) * total;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dx[i] = g[i] - exp(y[i]) * total;
  dx[top] = at_top;
}

template <class T>
T cross_entropy(int64_t n, const T* x, int64_t label) {
  const T shift = largest(n, x);
  return log_sum(n, x, shift) - (x[label] - shift);
}

// The label's p - 1 is minus the sum of the other p.
template <class T>
void cross_entropy_backward(int64_t n, T g, const T* x, int64_t label, T* dx) {
  const T shift = largest(n, x);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) dx[i] = exp(x[i] - shift);
  const T own = dx[label];
  dx[label] = T(0);
  const T others = sum(dx, n), scale = g / (others + own);
  for (int64_t i = 0; i < n; ++i) dx[i] *= scale;
  dx[label] = -others * scale;
}

template <class T>
constexpr SoftmaxLoops<T> loops = {softmax<T>,          log_softmax<T>,
                                   softmax_backward<T>, log_softmax_backward<T>,
                                   cross_entropy<T>,    cross_entropy_backward<T>,
                                   log_sum_exp<T>};

}  // namespace
}  // namespace DITHAROS_ISA

const SoftmaxKernels& SoftmaxKernels::DITHAROS_ISA() {
  static constexpr SoftmaxKernels table = {kernels::DITHAROS_ISA::loops<float>, kernels::DITHAROS_ISA::loops<double>};
  return table;
}

}  // namespace ditharos::kernels
