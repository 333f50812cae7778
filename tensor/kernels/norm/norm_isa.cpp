#include <ditharos/tensor/kernels/norm/norm_isa.h>
#include <ditharos/tensor/kernels/simd/bfloat_pair.h>
#include <ditharos/tensor/kernels/simd/vector.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
struct Moments {
  T mean, variance;
};

/// The mean from the differences to the first element, so that the mean of equal elements is exact and their
/// variance 0. The variance from the differences to the mean: E[x^2] - mean^2 would cancel.
template <class T>
Moments<T> moments_of(int64_t d, const T* x) {
  const T first = x[0];
  const T mean = first + sum_over<T>(d, [&]<class V>(int64_t j, V& sum) { sum += read<V>(x + j) - first; }) / T(d);
  const T squares = sum_over<T>(d, [&]<class V>(int64_t j, V& sum) {
    const V difference = read<V>(x + j) - mean;
    sum += difference * difference;
  });
  return {mean, squares / T(d)};
}

/// Mean and 1 / sqrt(var + eps) of a row.
template <class T>
struct Statistics {
  T mean, inverse;
};

/// Of a row whose squares overflow: in units of its largest element. NaN for elements that are not finite.
template <class T>
[[gnu::noinline]] Statistics<T> statistics_of_large(int64_t d, const T* x, T eps) {
  T size = 0;
  for (int64_t j = 0; j < d; ++j) size = max_of(size, abs(x[j]));
  T mean = 0, variance = 0;
  for (int64_t j = 0; j < d; ++j) mean += x[j] / size / T(d);
  for (int64_t j = 0; j < d; ++j) variance += (x[j] / size - mean) * (x[j] / size - mean) / T(d);
  return {mean * size, T(1) / sqrt(variance + eps / size / size) / size};
}

template <class T>
Statistics<T> statistics_of(int64_t d, const T* x, T eps) {
  const auto [mean, variance] = moments_of(d, x);
  if (!(variance < T(infinity))) return statistics_of_large(d, x, eps);
  return {mean, T(1) / sqrt(variance + eps)};
}

template <class T, class Branch>
void forward(int64_t rows, int64_t d, const T* x, const T* scale, T offset, const T* shift, T eps, Branch* y,
             T* statistics) {
  for (int64_t i = 0; i < rows; ++i, x += d, y += d) {
    const Statistics<T> row = statistics_of(d, x, eps);
    const T mean = row.mean, inverse = row.inverse;  // no structured binding: Clang refuses those in an OpenMP loop
    if (statistics) {
      statistics[2 * i] = mean;
      statistics[2 * i + 1] = inverse;
    }
    if (scale && shift) {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) assign(y[j], (x[j] - mean) * inverse * (offset + scale[j]) + shift[j]);
    } else if (scale) {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) assign(y[j], (x[j] - mean) * inverse * (offset + scale[j]));
    } else if (shift) {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) assign(y[j], (x[j] - mean) * inverse + shift[j]);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) assign(y[j], (x[j] - mean) * inverse);
    }
  }
}

/// y[j] = f(j) for j < d, or added to what is there.
template <class T, class F>
inline void write_or_add(int64_t d, bool add, T* y, const F& f) {
  if (add) {
#pragma omp simd
    for (int64_t j = 0; j < d; ++j) y[j] += f(j);
  } else {
#pragma omp simd
    for (int64_t j = 0; j < d; ++j) y[j] = f(j);
  }
}

// With gy = grad * (offset + scale), the gradient of xhat:
//   dx = (gy - mean(gy) - xhat mean(gy xhat)) / sqrt(var + eps).
template <class T, class Branch>
void backward_scaled(int64_t rows, int64_t d, const Branch* grad, const T* x, const T* statistics, const T* scale,
                     T offset, bool add, T* dx, T* dscale, T* dshift) {
  for (int64_t j = 0; j < d; ++j) dscale[j] = dshift[j] = T(0);
  for (int64_t i = 0; i < rows; ++i, grad += d, x += d, dx += d) {
    const T mean = statistics[2 * i], inverse = statistics[2 * i + 1];
    const auto step = [&]<class V>(int64_t j, V& sum, V& sum_xhat) {
      const V g = read<V>(grad + j), xhat = (read<V>(x + j) - mean) * inverse, gy = g * (offset + read<V>(scale + j));
      sum += gy;
      sum_xhat += gy * xhat;
      write(dscale + j, V(read<V>(dscale + j) + g * xhat));
      write(dshift + j, V(read<V>(dshift + j) + g));
    };
    const Sums<T> sums = sums_over<T>(d, step);
    const T a = sums.first / T(d), b = sums.second / T(d);
    write_or_add(d, add, dx, [=](int64_t j) {
      const T xhat = (x[j] - mean) * inverse;
      return (number(grad[j]) * (offset + scale[j]) - a - xhat * b) * inverse;
    });
  }
}

/// The same where the factor is 1 for every element and its gradient is not wanted.
template <class T, class Branch>
void backward_plain(int64_t rows, int64_t d, const Branch* grad, const T* x, const T* statistics, bool add, T* dx) {
  for (int64_t i = 0; i < rows; ++i, grad += d, x += d, dx += d) {
    const T mean = statistics[2 * i], inverse = statistics[2 * i + 1];
    const auto step = [&]<class V>(int64_t j, V& sum, V& sum_xhat) {
      const V g = read<V>(grad + j);
      sum += g;
      sum_xhat += g * ((read<V>(x + j) - mean) * inverse);
    };
    const Sums<T> sums = sums_over<T>(d, step);
    const T a = sums.first / T(d), b = sums.second / T(d);
    write_or_add(d, add, dx, [=](int64_t j) { return (number(grad[j]) - a - (x[j] - mean) * inverse * b) * inverse; });
  }
}

template <class T, class Branch>
void backward(int64_t rows, int64_t d, const Branch* grad, const T* x, const T* statistics, const T* scale, T offset,
              bool add, T* dx, T* dscale, T* dshift) {
  if (scale) backward_scaled(rows, d, grad, x, statistics, scale, offset, add, dx, dscale, dshift);
  else backward_plain(rows, d, grad, x, statistics, add, dx);
}

template <class T, class Branch>
void gate_rows(int64_t rows, int64_t d, const T* x, const T* gate, const Branch* y, T* out) {
  for (int64_t i = 0; i < rows; ++i, x += d, y += d, out += d) {
#pragma omp simd
    for (int64_t j = 0; j < d; ++j) out[j] = x[j] + gate[j] * number(y[j]);
  }
}

template <class T, class Branch>
void gate_backward(int64_t rows, int64_t d, const T* grad, const T* gate, const Branch* y, T* dgate, Branch* dy) {
  for (int64_t j = 0; j < d; ++j) dgate[j] = T(0);
  for (int64_t i = 0; i < rows; ++i, grad += d, y += d, dy += d) {
#pragma omp simd
    for (int64_t j = 0; j < d; ++j) {
      dgate[j] += grad[j] * number(y[j]);
      assign(dy[j], grad[j] * gate[j]);
    }
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const NormKernels& NormKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr NormKernels kernels{
      {forward<float, float>, backward<float, float>, gate_rows<float, float>, gate_backward<float, float>},
      {forward<double, double>, backward<double, double>, gate_rows<double, double>, gate_backward<double, double>},
      {forward<float, bfloat16>, backward<float, bfloat16>, gate_rows<float, bfloat16>,
       gate_backward<float, bfloat16>}};
  return kernels;
}

}  // namespace ditharos::kernels
