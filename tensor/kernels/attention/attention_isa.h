#pragma once
// Attention of one head of one sample, compiled once per instruction set.
#include <cstdint>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

/// Sequences up to this length are one tile; their softmax may be kept for the backward pass.
inline constexpr int64_t attention_tile = 64;
/// Distance of the rows of such a softmax, which is kept transposed: [keys, queries].
constexpr int64_t attention_weights_ld(int64_t queries) { return (queries + 7) / 8 * 8; }

/// A matrix whose rows are contiguous and `ld` elements apart.
template <class T>
struct HeadRows {
  T* first;
  int64_t ld;
};

/// The mask: adds to scores or blocks them. At most one of bias, seen and key_bias is given.
template <class T>
struct ScoreMask {
  const T* bias = nullptr;      ///< [queries, keys], added; minus infinity blocks
  const bool* seen = nullptr;   ///< [queries, keys]; false blocks
  int64_t row = 0, column = 0;  ///< strides of bias or seen
  const T* key_bias = nullptr;  ///< [keys], added to the scores of every query
  bool causal = false;          ///< query i sees rows of k up to i
};

/// T: of sums and gradients; In: of q, k, v and the result.
template <class T, class In = T>
struct AttentionHead {
  int64_t queries, keys, head_size, value_size;
  T scale;                          ///< of q k^T
  HeadRows<const In> q, k, v;       ///< [queries, head_size], [rows_of_k, head_size], [rows_of_k, value_size]
  int64_t rows_of_k;                ///< of which `keys` take part: all of them, or
  const int64_t* chosen = nullptr;  ///< these, in rising order
  ScoreMask<T> mask = {};
};

template <class T>
struct HeadGradients {
  HeadRows<T> q, k, v;
};

/// The tangents of q, k and v, in their shapes.
template <class T>
struct HeadTangents {
  HeadRows<const T> q, k, v;
};

template <class T, class In = T>
struct AttentionLoops {
  /// Elements of scratch memory that each function needs.
  int64_t (*scratch_elements)(int64_t keys, int64_t head_size, int64_t value_size);
  /// out = softmax(scale q k^T + mask) v, [queries, value_size]; zeros for a query without keys. statistics may be
  /// null: [2, queries], the largest score, in the unit in which scores are kept (that of q k^T, without a mask of
  /// numbers), and the reciprocal of the softmax's sum. So may weights, the softmax of a single tile and block.
  void (*forward)(const AttentionHead<T, In>& head, HeadRows<In> out, T* statistics, T* weights, T* scratch);
  /// Gradients with respect to q, k and v, written. The softmax is read from `weights`, or where that is null computed
  /// from the statistics.
  void (*backward)(const AttentionHead<T, In>& head, HeadRows<const In> out, const T* statistics, const T* weights,
                   HeadRows<const T> grad, const HeadGradients<T>& to, T* scratch);
  /// The tangent of out [queries, value_size]; null for operands in bfloat16.
  void (*tangent)(const AttentionHead<T>& head, const HeadTangents<T>& tangents, HeadRows<const T> out,
                  const T* statistics, HeadRows<T> to, T* scratch);
};

struct AttentionKernels {
  AttentionLoops<float> f32;
  AttentionLoops<double> f64;
  AttentionLoops<float, bfloat16> bf16;

  static const AttentionKernels& baseline() noexcept;
  static const AttentionKernels& avx2() noexcept;
  static const AttentionKernels& avx512() noexcept;
  static const AttentionKernels& avx512_bf16() noexcept;
};

}  // namespace ditharos::kernels
