// Attention in tiles (Dao et al. 2022, "FlashAttention"): for a tile of queries, the blocks of keys are processed one
// after the other, and the softmax is rescaled when a larger score occurs. There is no matrix of queries x keys.
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/attention/attention_mask.h>
#include <ditharos/tensor/kernels/attention/attention_tiles.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

/// weights = scores / sum of their query, with the rows side by side.
template <class T>
void keep_weights(int64_t keys, int64_t queries, const T* scores, const T* sum, T* weights) {
  const int64_t lanes_used = padded<T>(queries);
  T inverse[queries_of_tile];
  for (int64_t i = 0; i < lanes_used; ++i) inverse[i] = T(1) / sum[i];
  for (int64_t j = 0; j < keys; ++j, scores += queries_of_tile, weights += attention_weights_ld(queries)) {
#pragma omp simd
    for (int64_t i = 0; i < lanes_used; ++i) weights[i] = scores[i] * inverse[i];
  }
}

template <class T>
void forward(const AttentionHead<T>& head, HeadRows<T> out, T* log_sum_exp, T* weights, T* scratch) {
  const int64_t size = head.head_size, width = padded<T>(size), value_width = padded<T>(head.value_size);
  Scratch<T> pieces{scratch};
  T* values = pieces.take(head.keys * value_width);
  T* packed_keys = pieces.take(head.keys * width);
  T* queries = pieces.take(queries_of_tile * width);
  T* transposed = pieces.take(width * queries_of_tile);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* result = pieces.take(queries_of_tile * value_width);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  RunningSoftmax<T> softmax;

  pack_keys(head, head.v, head.value_size, values, value_width);
  // Keys are read once per tile: directly for one tile, from a dense copy for several.
  const bool copy_keys = head.chosen || head.queries > queries_of_tile;
  if (copy_keys) pack_keys(head, head.k, size, packed_keys, width);
  const HeadRows<const T> keys = copy_keys ? HeadRows<const T>{packed_keys, width} : head.k;

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = padded<T>(rows);
    pack_rows(rows, size, head.q.first + q * head.q.ld, head.q.ld, head.scale, queries, width, lanes_used);
    transpose(lanes_used, width, queries, width, transposed, queries_of_tile);
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, size, keys.first + k * keys.ld, keys.ld, transposed, scores);
      mask.apply(q, rows, k, block, scores);
      softmax.update(block, lanes_used, scores, first);
      if (!first) {
        for (int64_t i = 0; i < rows; ++i) {
#pragma omp simd
          for (int64_t j = 0; j < value_width; ++j) result[i * value_width + j] *= softmax.correction[i];
        }
      }
      multiply(rows, value_width, block, scores, int64_t(1), queries_of_tile, values + k * value_width, result, !first);
      first = false;
    }
    if (first) {
      clear(softmax.sum, rows);
      clear(result, rows * value_width);
    }
    if (weights) keep_weights(head.keys, rows, scores, softmax.sum, weights);
    for (int64_t i = 0; i < rows; ++i) {
      const bool sees_none = softmax.sum[i] == T(0);
      const T inverse = sees_none ? T(0) : T(1) / softmax.sum[i];
      T* to = out.first + (q + i) * out.ld;
#pragma omp simd
      for (int64_t j = 0; j < head.value_size; ++j) to[j] = result[i * value_width + j] * inverse;
      // Any finite number makes e^(score - it) zero for scores that are all blocked.
      if (log_sum_exp) log_sum_exp[q + i] = sees_none ? T(0) : softmax.maximum[i] + log(softmax.sum[i]);
    }
  }
}

/// scores -> weights p = exp(score - log_sum_exp); dp -> gradient of the scores, p (dp - delta).
template <class T>
void weights_and_gradient(int64_t keys, int64_t queries, T* scores, T* dp, const T* log_sum_exp, const T* delta) {
  for (int64_t j = 0; j < keys; ++j, scores += queries_of_tile, dp += queries_of_tile) {
#pragma omp simd
    for (int64_t i = 0; i < queries; ++i) {
      const T p = exp_negative(scores[i] - log_sum_exp[i]);
      scores[i] = p;
      dp[i] = p * (dp[i] - delta[i]);
    }
  }
}

/// dp -> gradient of the scores, p (dp - delta), for weights p that are there already.
template <class T>
void gradient_of_scores(int64_t keys, int64_t queries, const T* weights, int64_t ld, T* dp, const T* delta) {
  for (int64_t j = 0; j < keys; ++j, weights += ld, dp += queries_of_tile) {
#pragma omp simd
    for (int64_t i = 0; i < queries; ++i) dp[i] = weights[i] * (dp[i] - delta[i]);
  }
}

// With S = scale q k^T + mask, P = softmax(S), O = P v and delta = sum over a row of dO * O:
//   dV = P^T dO,  dP = dO v^T,  dS = P * (dP - delta),  dQ = scale dS k,  dK = scale dS^T q.
// P was kept, or is computed again from the log-sum-exp.
template <class T>
void backward(const AttentionHead<T>& head, HeadRows<const T> out, const T* log_sum_exp, const T* weights,
              HeadRows<const T> grad, const HeadGradients<T>& to, T* scratch) {
  const int64_t size = head.head_size, value_size = head.value_size;
  const int64_t width = padded<T>(size), value_width = padded<T>(value_size);
  Scratch<T> pieces{scratch};
  T* keys = pieces.take(head.keys * width);
  T* packed_values = pieces.take(head.keys * value_width);
  T* key_gradients = pieces.take(head.keys * width);
  T* value_gradients = pieces.take(head.keys * value_width);
  T* queries = pieces.take(queries_of_tile * width);
  T* gradients = pieces.take(queries_of_tile * value_width);
  T* query_gradients = pieces.take(queries_of_tile * width);
  T* transposed_queries = pieces.take(width * queries_of_tile);
  T* transposed_gradients = pieces.take(value_width * queries_of_tile);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* dp = pieces.take(keys_of_block * queries_of_tile);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  T sums[queries_of_tile], delta[queries_of_tile];

  pack_keys(head, head.k, size, keys, width);
  const bool copy_values = head.chosen || head.queries > queries_of_tile;
  if (copy_values) pack_keys(head, head.v, value_size, packed_values, value_width);
  const HeadRows<const T> v = copy_values ? HeadRows<const T>{packed_values, value_width} : head.v;
  // The first tile writes the gradients of the keys, unless it may leave some out.
  const bool start_from_zero = leaves_gaps(head.mask) || head.queries == 0;
  if (start_from_zero) {
    clear(key_gradients, head.keys * width);
    clear(value_gradients, head.keys * value_width);
  }

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = padded<T>(rows);
    const bool add_keys = start_from_zero || q > 0;
    pack_rows(rows, size, head.q.first + q * head.q.ld, head.q.ld, head.scale, queries, width, lanes_used);
    pack_rows(rows, value_size, grad.first + q * grad.ld, grad.ld, T(1), gradients, value_width, lanes_used);
    if (!weights) transpose(lanes_used, width, queries, width, transposed_queries, queries_of_tile);
    transpose(lanes_used, value_width, gradients, value_width, transposed_gradients, queries_of_tile);
    for (int64_t i = 0; i < lanes_used; ++i) {
      const T* o = out.first + (q + i) * out.ld;
      const T* g = gradients + i * value_width;
      const auto product = [&]<class V>(int64_t j, V& sum) { sum += read<V>(o + j) * read<V>(g + j); };
      delta[i] = i < rows ? sum_over<T>(value_size, product) : T(0);
      sums[i] = i < rows && !weights ? log_sum_exp[q + i] : T(0);
    }
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, value_size, v.first + k * v.ld, v.ld, transposed_gradients, dp);
      const T* p = weights ? weights : scores;
      const int64_t ld_p = weights ? attention_weights_ld(head.queries) : queries_of_tile;
      if (weights) {
        gradient_of_scores(block, lanes_used, weights, ld_p, dp, delta);
      } else {
        scores_of(block, lanes_used, size, keys + k * width, width, transposed_queries, scores);
        mask.apply(q, rows, k, block, scores);
        weights_and_gradient(block, lanes_used, scores, dp, sums, delta);
      }
      multiply(block, value_width, rows, p, ld_p, int64_t(1), gradients, value_gradients + k * value_width, add_keys);
      multiply(block, width, rows, dp, queries_of_tile, int64_t(1), queries, key_gradients + k * width, add_keys);
      multiply(rows, width, block, dp, int64_t(1), queries_of_tile, keys + k * width, query_gradients, !first);
      first = false;
    }
    if (first) clear(query_gradients, rows * width);
    for (int64_t i = 0; i < rows; ++i) {
      T* row = to.q.first + (q + i) * to.q.ld;
#pragma omp simd
      for (int64_t j = 0; j < size; ++j) row[j] = query_gradients[i * width + j] * head.scale;
    }
  }
  unpack_keys(head, key_gradients, width, size, to.k);
  unpack_keys(head, value_gradients, value_width, value_size, to.v);
}

/// scores -> weights p = exp(score - log_sum_exp); ds -> p ds, which is added to `sums` of the queries. A blocked score
/// has the weight 0, whatever ds is.
template <class T>
void weights_and_products(int64_t keys, int64_t queries, T* scores, T* ds, const T* log_sum_exp, T* sums) {
  for (int64_t j = 0; j < keys; ++j, scores += queries_of_tile, ds += queries_of_tile) {
#pragma omp simd
    for (int64_t i = 0; i < queries; ++i) {
      const T p = exp_negative(scores[i] - log_sum_exp[i]);
      scores[i] = p;
      ds[i] = p == T(0) ? T(0) : p * ds[i];
      sums[i] += ds[i];
    }
  }
}

// With dS = scale (dq k^T + q dk^T): dO = (P dS) v + P dv - rowsum(P dS) O.
template <class T>
void tangent(const AttentionHead<T>& head, const HeadTangents<T>& tangents, HeadRows<const T> out,
             const T* log_sum_exp, HeadRows<T> to, T* scratch) {
  const int64_t size = head.head_size, width = padded<T>(size), value_width = padded<T>(head.value_size);
  Scratch<T> pieces{scratch};
  T* keys = pieces.take(head.keys * width);
  T* key_tangents = pieces.take(head.keys * width);
  T* values = pieces.take(head.keys * value_width);
  T* value_tangents = pieces.take(head.keys * value_width);
  T* rows_of_tile = pieces.take(queries_of_tile * width);
  T* queries = pieces.take(width * queries_of_tile);
  T* query_tangents = pieces.take(width * queries_of_tile);
  T* result = pieces.take(queries_of_tile * value_width);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* ds = pieces.take(keys_of_block * queries_of_tile);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  T lse[queries_of_tile], sums[queries_of_tile];

  pack_keys(head, head.k, size, keys, width);
  pack_keys(head, tangents.k, size, key_tangents, width);
  pack_keys(head, head.v, head.value_size, values, value_width);
  pack_keys(head, tangents.v, head.value_size, value_tangents, value_width);

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = padded<T>(rows);
    const auto transposed = [&](HeadRows<const T> from, T* columns) {
      pack_rows(rows, size, from.first + q * from.ld, from.ld, head.scale, rows_of_tile, width, lanes_used);
      transpose(lanes_used, width, rows_of_tile, width, columns, queries_of_tile);
    };
    transposed(head.q, queries);
    transposed(tangents.q, query_tangents);
    for (int64_t i = 0; i < lanes_used; ++i) lse[i] = i < rows ? log_sum_exp[q + i] : T(0), sums[i] = T(0);
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, size, keys + k * width, width, queries, scores);
      mask.apply(q, rows, k, block, scores);
      scores_of(block, lanes_used, size, keys + k * width, width, query_tangents, ds);
      scores_of(block, lanes_used, size, key_tangents + k * width, width, queries, ds, true);
      weights_and_products(block, lanes_used, scores, ds, lse, sums);
      multiply(rows, value_width, block, ds, int64_t(1), queries_of_tile, values + k * value_width, result, !first);
      multiply(rows, value_width, block, scores, int64_t(1), queries_of_tile, value_tangents + k * value_width, result,
               true);
      first = false;
    }
    if (first) clear(result, rows * value_width);
    for (int64_t i = 0; i < rows; ++i) {
      const T* o = out.first + (q + i) * out.ld;
      T* row = to.first + (q + i) * to.ld;
#pragma omp simd
      for (int64_t j = 0; j < head.value_size; ++j) row[j] = result[i * value_width + j] - sums[i] * o[j];
    }
  }
}

template <class T>
int64_t scratch_elements(int64_t keys, int64_t head_size, int64_t value_size) {
  const int64_t width = padded<T>(head_size), value_width = padded<T>(value_size);
  return 2 * (padded<float>(keys * width) + padded<float>(keys * value_width)) +
         queries_of_tile * (3 * width + 2 * value_width) + 4 * keys_of_block * queries_of_tile;
}

}  // namespace
}  // namespace DITHAROS_ISA

const AttentionKernels& AttentionKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr AttentionKernels kernels{
      {scratch_elements<float>, forward<float>, backward<float>, tangent<float>},
      {scratch_elements<double>, forward<double>, backward<double>, tangent<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
