#include <ditharos/tensor/kernels/norm/group_norm_isa.h>
#include <ditharos/tensor/kernels/simd/bfloat_pair.h>
#include <ditharos/tensor/kernels/simd/vector.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

struct Moments {
  double mean, variance;
};

/// Of a row whose squares overflow in T: in units of its largest element, which scales the mean and 1 / sqrt(variance).
/// NaN for elements that are not finite.
template <class T>
[[gnu::noinline]] Moments moments_of_large(const NormRow<T>& row, const T* x, double& size) {
  const auto over_row = [&](const auto& body) {
    for (int64_t s = 0; s < row.segments; ++s)
      for (int64_t j = 0; j < row.length; ++j) body(double(x[s * row.stride + j]));
  };
  const double count = double(row.segments * row.length);
  size = 0;
  over_row([&](double v) { size = max_of(size, abs(v)); });
  double mean = 0, variance = 0;
  over_row([&](double v) { mean += v / size / count; });
  over_row([&](double v) { variance += (v / size - mean) * (v / size - mean) / count; });
  return {mean, variance};
}

/// Segments are summed in T, their sums in double: a row may have millions of elements. The variance comes from the
/// differences to the mean: E[x^2] - mean^2 would cancel. The sum of the differences is what the rounding of the mean
/// left over, and corrects both: the mean of equal elements is exact, their variance 0.
template <class T>
Moments moments_of(const NormRow<T>& row, const T* x) {
  const double count = double(row.segments * row.length);
  double total = 0, differences = 0, squares = 0;
  for (int64_t s = 0; s < row.segments; ++s) {
    const T* segment = x + s * row.stride;
    total += sum_over<T>(row.length, [&]<class V>(int64_t j, V& sum) { sum += read<V>(segment + j); });
  }
  const T guess = T(total / count);
  for (int64_t s = 0; s < row.segments; ++s) {
    const T* segment = x + s * row.stride;
    const Sums<T> sums = sums_over<T>(row.length, [&]<class V>(int64_t j, V& sum, V& sum_of_squares) {
      const V difference = read<V>(segment + j) - guess;
      sum += difference;
      sum_of_squares += difference * difference;
    });
    differences += sums.first, squares += sums.second;
  }
  const double rest = differences / count, variance = squares / count - rest * rest;
  return {double(guess) + rest, variance < 0 ? 0 : variance};
}

template <class T>
T weight_of(const NormRow<T>& row, int64_t s) {
  return row.weight ? row.weight[s * row.affine_stride] : T(1);
}
template <class T>
T bias_of(const NormRow<T>& row, int64_t s) {
  return row.bias ? row.bias[s * row.affine_stride] : T(0);
}

template <class T, class Out>
double forward(const NormRow<T>& row, const T* x, T eps, Out* y, T* statistics) {
  Moments moments = moments_of(row, x);
  double size = 1;
  if (!(moments.variance < double(infinity))) moments = moments_of_large(row, x, size);
  const T mean = T(moments.mean * size);
  const T inverse = T(1 / __builtin_sqrt(moments.variance + double(eps) / size / size) / size);
  statistics[0] = mean;
  statistics[1] = inverse;
  for (int64_t s = 0; s < row.segments; ++s) {
    const T* from = x + s * row.stride;
    Out* to = y + s * row.stride;
    const T scale = weight_of(row, s) * inverse, bias = bias_of(row, s);
    if (row.silu) {
#pragma omp simd
      for (int64_t j = 0; j < row.length; ++j) assign(to[j], silu((from[j] - mean) * scale + bias));
    } else {
#pragma omp simd
      for (int64_t j = 0; j < row.length; ++j) assign(to[j], (from[j] - mean) * scale + bias);
    }
  }
  return moments.variance * size * size;
}

// With u = xhat w + b, y = f(u) and gu = g f'(u):
//   db = sum gu, dw = sum gu xhat, dx = (gu w - mean(gu w) - xhat mean(gu w xhat)) / sqrt(var + eps).
template <class T>
void backward(const NormRow<T>& row, const T* grad, const T* x, const T* statistics, T* dx, T* dweight, T* dbias) {
  const T mean = statistics[0], inverse = statistics[1];
  double sum_gu = 0, sum_gu_xhat = 0;
  for (int64_t s = 0; s < row.segments; ++s) {
    const T *g = grad + s * row.stride, *in = x + s * row.stride;
    T* gu = dx + s * row.stride;
    const T weight = weight_of(row, s), scale = weight * inverse, bias = bias_of(row, s);
    if (row.silu) {
#pragma omp simd
      for (int64_t j = 0; j < row.length; ++j) gu[j] = g[j] * silu_derivative((in[j] - mean) * scale + bias);
      g = gu;
    }
    const Sums<T> sums = sums_over<T>(row.length, [&]<class V>(int64_t j, V& sum, V& sum_xhat) {
      const V v = read<V>(g + j);
      sum += v;
      sum_xhat += v * ((read<V>(in + j) - mean) * inverse);
    });
    dbias[s] = sums.first;
    dweight[s] = sums.second;
    sum_gu += double(weight) * double(sums.first);
    sum_gu_xhat += double(weight) * double(sums.second);
  }
  const double count = double(row.segments * row.length);
  const T a = T(sum_gu / count), b = T(sum_gu_xhat / count);
  for (int64_t s = 0; s < row.segments; ++s) {
    T* to = dx + s * row.stride;
    const T *gu = row.silu ? to : grad + s * row.stride, *in = x + s * row.stride;
    const T weight = weight_of(row, s);
#pragma omp simd
    for (int64_t j = 0; j < row.length; ++j) to[j] = (gu[j] * weight - a - (in[j] - mean) * inverse * b) * inverse;
  }
}

/// 1 / sqrt(mean(x^2) + eps) of a row whose squares overflow to `squares`: in units of its largest element; 0
/// when that is infinite.
template <class T>
[[gnu::noinline]] T inverse_rms_of_large(int64_t d, const T* x, T squares, T eps) {
  T size = 0;
  for (int64_t j = 0; j < d; ++j) size = max_of(size, abs(x[j]));
  if (!(size < T(infinity))) return T(1) / sqrt(squares);
  squares = 0;
  for (int64_t j = 0; j < d; ++j) squares += x[j] / size * (x[j] / size) / T(d);
  return T(1) / sqrt(squares + eps / size / size) / size;
}

template <class T>
void rms(int64_t rows, int64_t d, const T* x, const T* weight, T eps, T* y, T* inverse) {
  for (int64_t i = 0; i < rows; ++i, x += d, y += d) {
    const T squares = sum_over<T>(d, [&]<class V>(int64_t j, V& sum) {
      const V v = read<V>(x + j);
      sum += v * v;
    });
    const bool overflows = !(squares < T(infinity));
    const T scale = overflows ? inverse_rms_of_large(d, x, squares, eps) : T(1) / sqrt(squares / T(d) + eps);
    inverse[i] = scale;
    if (weight) {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) y[j] = x[j] * scale * weight[j];
    } else {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) y[j] = x[j] * scale;
    }
  }
}

// With xhat = x inverse and gw = g w: dx = (gw - xhat mean(gw xhat)) inverse, dw = sum over the rows of g xhat.
template <class T>
void rms_backward(int64_t rows, int64_t d, const T* grad, const T* x, const T* inverse, const T* weight, T* dx,
                  T* dweight) {
  if (weight)
    for (int64_t j = 0; j < d; ++j) dweight[j] = T(0);
  for (int64_t i = 0; i < rows; ++i, grad += d, x += d, dx += d) {
    const T scale = inverse[i];
    const T dot =
        weight
            ? sum_over<T>(d, [&]<class V>(int64_t j,
                                          V& sum) { sum += read<V>(grad + j) * read<V>(weight + j) * read<V>(x + j); })
            : sum_over<T>(d, [&]<class V>(int64_t j, V& sum) { sum += read<V>(grad + j) * read<V>(x + j); });
    const T part = dot * scale / T(d);
    if (weight) {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) {
        const T xhat = x[j] * scale;
        dweight[j] += grad[j] * xhat;
        dx[j] = (grad[j] * weight[j] - xhat * part) * scale;
      }
    } else {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) dx[j] = (grad[j] - x[j] * scale * part) * scale;
    }
  }
}

template <class T>
constexpr GroupNormLoops<T> all_loops() {
  return {forward<T, T>, backward<T>, rms<T>, rms_backward<T>};
}

}  // namespace
}  // namespace DITHAROS_ISA

const GroupNormKernels& GroupNormKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr GroupNormKernels kernels{all_loops<float>(), all_loops<double>(), forward<float, bfloat16>};
  return kernels;
}

}  // namespace ditharos::kernels
