#pragma once
// Attention of one head of one sample, compiled once an instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// Sequences up to this long are one tile; their softmax may be kept for the backward pass.
inline constexpr int64_t attention_tile = 64;
/// Distance of the rows of such a softmax, which is kept transposed: [keys, queries].
constexpr int64_t attention_weights_ld(int64_t tokens) { return (tokens + 15) / 16 * 16; }

/// Rows of q, k, v (and of their gradients) are `ld` elements apart, rows of out and grad `ld_out`. All matrices are
/// [tokens, head_size]; log_sum_exp is [tokens].
template <class T>
struct AttentionHead {
  int64_t tokens, head_size, ld, ld_out;
  T scale;  ///< of q k^T
  const T *q, *k, *v;
};

template <class T>
struct AttentionLoops {
  /// Elements of scratch memory that both functions need.
  int64_t (*scratch_elements)(int64_t tokens, int64_t head_size);
  /// out = softmax(scale q k^T) v; log_sum_exp may be null, and so may weights, the softmax of a single tile.
  void (*forward)(const AttentionHead<T>& head, T* out, T* log_sum_exp, T* weights, T* scratch);
  /// Gradients with respect to q, k and v, written. The softmax is read from `weights`, or where that is null computed
  /// from log_sum_exp.
  void (*backward)(const AttentionHead<T>& head, const T* out, const T* log_sum_exp, const T* weights, const T* grad,
                   T* dq, T* dk, T* dv, T* scratch);
};

struct AttentionKernels {
  AttentionLoops<float> f32;
  AttentionLoops<double> f64;

  static const AttentionKernels& baseline();
  static const AttentionKernels& avx2();
  static const AttentionKernels& avx512();
};

}  // namespace ditharos::kernels
