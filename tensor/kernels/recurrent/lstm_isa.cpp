#include <ditharos/tensor/kernels/recurrent/lstm_isa.h>

#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
void lstm_forward(int64_t rows, int64_t n, const T* input, T* gates, const T* c, T* next_c, T* next_h) {
  for (int64_t row = 0; row < rows; ++row) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
      const T i = gates[j] + input[j], f = gates[n + j] + input[n + j];
      const T g = gates[2 * n + j] + input[2 * n + j], o = gates[3 * n + j] + input[3 * n + j];
      gates[j] = i, gates[n + j] = f, gates[2 * n + j] = g, gates[3 * n + j] = o;
      const T cell = sigmoid(f) * c[j] + sigmoid(i) * tanh(g);
      next_c[j] = cell;
      next_h[j] = sigmoid(o) * tanh(cell);
    }
    input += 4 * n, gates += 4 * n, c += n, next_c += n, next_h += n;
  }
}

/// The derivatives are computed from the arguments: those from the values would be 0 far out.
template <class T>
void lstm_backward(int64_t rows, int64_t n, const T* grad, const T* dh, const T* gates, const T* c, const T* next_c,
                   T* dc, T* dgates) {
  for (int64_t row = 0; row < rows; ++row) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
      const T i = gates[j], f = gates[n + j], g = gates[2 * n + j], o = gates[3 * n + j], cell = next_c[j];
      const T of_h = grad[j] + dh[j];
      const T of_cell = dc[j] + of_h * (sigmoid(o) * tanh_derivative(cell));
      dgates[j] = of_cell * tanh(g) * sigmoid_derivative(i);
      dgates[n + j] = of_cell * c[j] * sigmoid_derivative(f);
      dgates[2 * n + j] = of_cell * sigmoid(i) * tanh_derivative(g);
      dgates[3 * n + j] = of_h * tanh(cell) * sigmoid_derivative(o);
      dc[j] = of_cell * sigmoid(f);
    }
    grad += n, dh += n, gates += 4 * n, c += n, next_c += n, dc += n, dgates += 4 * n;
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const LstmKernels& LstmKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr LstmKernels kernels{{lstm_forward<float>, lstm_backward<float>},
                                       {lstm_forward<double>, lstm_backward<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
