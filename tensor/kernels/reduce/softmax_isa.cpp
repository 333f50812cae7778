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

// The same along columns.

/// Adds rows [begin, end) to `total` by add(row, sums): groups of rows, then pairs of groups, so that the error grows
/// with the logarithm of their number.
template <class T, class Add>
void sum_rows(int64_t begin, int64_t end, int64_t width, T* total, const Add& add) {
  constexpr int64_t group = 32;
  for (int64_t j = 0; j < width; ++j) total[j] = T(0);
  if (end - begin <= group) {
    for (int64_t row = begin; row < end; ++row) add(row, total);
    return;
  }
  const int64_t middle = begin + ((end - begin) / 2 + group - 1) / group * group;
  T later[softmax_columns];
  sum_rows(begin, middle, width, total, add);
  sum_rows(middle, end, width, later, add);
  for (int64_t j = 0; j < width; ++j) total[j] += later[j];
}

/// The largest element of each column; NaN counts as none.
template <class T>
void largest_of_columns(int64_t n, int64_t stride, int64_t width, const T* x, T* best) {
  for (int64_t j = 0; j < width; ++j) best[j] = x[j];
  for (int64_t row = 1; row < n; ++row) {
    const T* v = x + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) best[j] = v[j] > best[j] || best[j] != best[j] ? v[j] : best[j];
  }
}

template <class T>
void softmax_of_columns(int64_t n, int64_t stride, int64_t width, const T* x, T* y) {
  T shift[softmax_columns], scale[softmax_columns];
  largest_of_columns(n, stride, width, x, shift);
  sum_rows(0, n, width, scale, [&](int64_t row, T* sums) {
    const T* from = x + row * stride;
    T* to = y + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      to[j] = exp(from[j] - shift[j]);
      sums[j] += to[j];
    }
  });
  for (int64_t j = 0; j < width; ++j) scale[j] = T(1) / scale[j];
  for (int64_t row = 0; row < n; ++row) {
    T* to = y + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) to[j] *= scale[j];
  }
}

template <class T>
void log_softmax_of_columns(int64_t n, int64_t stride, int64_t width, const T* x, T* y) {
  // The term of the first that is the largest is apart from the others (see log_sum).
  T shift[softmax_columns], top[softmax_columns], log_of_sum[softmax_columns];
  largest_of_columns(n, stride, width, x, shift);
  for (int64_t j = 0; j < width; ++j) top[j] = T(0);
  sum_rows(0, n, width, log_of_sum, [&](int64_t row, T* sums) {
    const T* from = x + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      const T term = exp(from[j] - shift[j]);
      const bool is_top = from[j] == shift[j] && top[j] == T(0);
      top[j] = is_top ? term : top[j];
      sums[j] += is_top ? T(0) : term;
    }
  });
#pragma omp simd
  for (int64_t j = 0; j < width; ++j) {
    const T others = log_of_sum[j], all = others + top[j];
    log_of_sum[j] = all < T(2) ? log1p_of_positive(others) : log(all);
  }
  for (int64_t row = 0; row < n; ++row) {
    const T* from = x + row * stride;
    T* to = y + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) to[j] = (from[j] - shift[j]) - log_of_sum[j];
  }
}

template <class T>
void softmax_backward_of_columns(int64_t n, int64_t stride, int64_t width, const T* g, const T* y, T* dx) {
  T best[softmax_columns], at_top[softmax_columns], dot[softmax_columns];
  for (int64_t j = 0; j < width; ++j) best[j] = y[j], at_top[j] = g[j];
  for (int64_t row = 1; row < n; ++row) {
    const T *v = y + row * stride, *slope = g + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      const bool larger = v[j] > best[j] || best[j] != best[j];
      best[j] = larger ? v[j] : best[j];
      at_top[j] = larger ? slope[j] : at_top[j];
    }
  }
  sum_rows(0, n, width, dot, [&](int64_t row, T* sums) {
    const T *v = y + row * stride, *slope = g + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) sums[j] += (slope[j] - at_top[j]) * v[j];
  });
  for (int64_t row = 0; row < n; ++row) {
    const T *v = y + row * stride, *slope = g + row * stride;
    T* to = dx + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) to[j] = v[j] * ((slope[j] - at_top[j]) - dot[j]);
  }
}

template <class T>
void log_softmax_backward_of_columns(int64_t n, int64_t stride, int64_t width, const T* g, const T* y, T* dx) {
  T best[softmax_columns], g_at_top[softmax_columns], others[softmax_columns], total[softmax_columns];
  int64_t top[softmax_columns];
  for (int64_t j = 0; j < width; ++j) best[j] = y[j], top[j] = 0, g_at_top[j] = g[j];
  for (int64_t row = 1; row < n; ++row) {
    const T *v = y + row * stride, *slope = g + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      const bool larger = v[j] > best[j] || best[j] != best[j];
      best[j] = larger ? v[j] : best[j];
      top[j] = larger ? row : top[j];
      g_at_top[j] = larger ? slope[j] : g_at_top[j];
    }
  }
  sum_rows(0, n, width, others, [&](int64_t row, T* sums) {
    const T* slope = g + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) sums[j] += top[j] == row ? T(0) : slope[j];
  });
  for (int64_t j = 0; j < width; ++j) total[j] = others[j] + g_at_top[j];
  for (int64_t row = 0; row < n; ++row) {
    const T *v = y + row * stride, *slope = g + row * stride;
    T* to = dx + row * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) to[j] = slope[j] - exp(v[j]) * total[j];
  }
  for (int64_t j = 0; j < width; ++j) dx[top[j] * stride + j] = -others[j] - expm1(best[j]) * total[j];
}

template <class T>
constexpr SoftmaxLoops<T> loops = {softmax<T>,
                                   log_softmax<T>,
                                   softmax_backward<T>,
                                   log_softmax_backward<T>,
                                   cross_entropy<T>,
                                   cross_entropy_backward<T>,
                                   log_sum_exp<T>,
                                   softmax_of_columns<T>,
                                   log_softmax_of_columns<T>,
                                   softmax_backward_of_columns<T>,
                                   log_softmax_backward_of_columns<T>};

}  // namespace
}  // namespace DITHAROS_ISA

const SoftmaxKernels& SoftmaxKernels::DITHAROS_ISA() {
  static constexpr SoftmaxKernels table = {kernels::DITHAROS_ISA::loops<float>, kernels::DITHAROS_ISA::loops<double>};
  return table;
}

}  // namespace ditharos::kernels
