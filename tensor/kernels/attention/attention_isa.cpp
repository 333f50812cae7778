// Attention in tiles (Dao et al. 2022, "FlashAttention"): for a tile of queries, the blocks of keys are processed one
// after the other, and the softmax is rescaled when a larger score occurs. There is no matrix of queries x keys.
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/attention/attention_mask.h>
#include <ditharos/tensor/kernels/attention/attention_operands.h>
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

template <class T, class In>
void forward(const AttentionHead<T, In>& head, HeadRows<In> out, T* log_sum_exp, T* weights, T* scratch) {
  using Packed = Operand<In>;
  const int64_t size = along_sum<In>(head.head_size), width = padded<Packed>(size);
  const int64_t value_width = padded<T>(head.value_size);
  Scratch<T> pieces{scratch};
  Packed* values = pieces.template take<Packed>(along_sum<In>(head.keys) * value_width);
  Packed* packed_keys = pieces.template take<Packed>(head.keys * width);
  Packed* queries = pieces.template take<Packed>(queries_of_tile * width);
  Packed* transposed = pieces.template take<Packed>(width * queries_of_tile);
  Packed* pairs = pieces.template take<Packed>(in_pairs<In> ? keys_of_block * queries_of_tile / 2 : 0);
  Packed* edge = pieces.template take<Packed>(in_pairs<In> ? value_width : 0);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* result = pieces.take(queries_of_tile * value_width);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T, In> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  RunningSoftmax<T> softmax;

  pack_keys_on_right(head, head.v, head.value_size, values, value_width);
  // Keys are read once per tile: directly for one tile, from a dense copy for several.
  HeadRows<const Packed> keys{packed_keys, width};
  if (in_pairs<In> || head.chosen || head.queries > queries_of_tile)
    pack_keys(head, head.k, head.head_size, packed_keys, width);
  else if constexpr (!in_pairs<In>) keys = head.k;

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = padded<T>(rows);
    pack_queries(head, q, rows, queries, width, lanes_used);
    transpose(lanes_used, width, queries, width, transposed, queries_of_tile);
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, size, keys.first + k * keys.ld, keys.ld, transposed, scores);
      scale_scores<In>(block, lanes_used, head.scale, scores);
      mask.apply(q, rows, k, block, scores);
      softmax.update(block, lanes_used, scores, first);
      if (!first) {
        for (int64_t i = 0; i < rows; ++i) {
#pragma omp simd
          for (int64_t j = 0; j < value_width; ++j) result[i * value_width + j] *= softmax.correction[i];
        }
      }
      const auto p = over_keys<In>(block, lanes_used, scores, queries_of_tile, pairs);
      multiply_keys<In>(rows, value_width, block, k + block < head.keys, p, values + along_sum<In>(k) * value_width,
                        edge, result, !first);
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
      In* to = out.first + (q + i) * out.ld;
#pragma omp simd
      for (int64_t j = 0; j < head.value_size; ++j) assign(to[j], result[i * value_width + j] * inverse);
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
template <class T, class In>
void backward(const AttentionHead<T, In>& head, HeadRows<const In> out, const T* log_sum_exp, const T* weights,
              HeadRows<const T> grad, const HeadGradients<T>& to, T* scratch) {
  using Packed = Operand<In>;
  const int64_t size = along_sum<In>(head.head_size), value_size = along_sum<In>(head.value_size);
  const int64_t width = padded<T>(head.head_size), value_width = padded<T>(head.value_size);    // of results
  const int64_t left_width = padded<Packed>(size), left_value_width = padded<Packed>(value_size);
  Scratch<T> pieces{scratch};
  // Numbers are packed once for both sides of a product, pairs once for each.
  const auto take_right = [&](int64_t rows, int64_t columns, Packed* left) {
    return in_pairs<In> ? pieces.template take<Packed>(along_sum<In>(rows) * columns) : left;
  };
  Packed* keys = pieces.template take<Packed>(head.keys * left_width);
  Packed* right_keys = take_right(head.keys, width, keys);
  Packed* packed_values = pieces.template take<Packed>(head.keys * left_value_width);
  T* key_gradients = pieces.take(head.keys * width);
  T* value_gradients = pieces.take(head.keys * value_width);
  Packed* queries = pieces.template take<Packed>(queries_of_tile * left_width);
  Packed* right_queries = take_right(queries_of_tile, width, queries);
  Packed* gradients = pieces.template take<Packed>(queries_of_tile * left_value_width);
  Packed* right_gradients = take_right(queries_of_tile, value_width, gradients);
  T* query_gradients = pieces.take(queries_of_tile * width);
  Packed* transposed_queries = pieces.template take<Packed>(left_width * queries_of_tile);
  Packed* transposed_gradients = pieces.template take<Packed>(left_value_width * queries_of_tile);
  Packed* pairs = pieces.template take<Packed>(in_pairs<In> ? keys_of_block * queries_of_tile / 2 : 0);
  Packed* edge = pieces.template take<Packed>(in_pairs<In> ? width : 0);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* dp = pieces.take(keys_of_block * queries_of_tile);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T, In> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  T sums[queries_of_tile], delta[queries_of_tile];

  pack_keys(head, head.k, head.head_size, keys, left_width);
  if (in_pairs<In>) pack_keys_on_right(head, head.k, head.head_size, right_keys, width);
  HeadRows<const Packed> v{packed_values, left_value_width};
  if (in_pairs<In> || head.chosen || head.queries > queries_of_tile)
    pack_keys(head, head.v, head.value_size, packed_values, left_value_width);
  else if constexpr (!in_pairs<In>) v = head.v;
  // The first tile writes the gradients of the keys, unless it may leave some out.
  const bool start_from_zero = leaves_gaps(head.mask) || head.queries == 0;
  if (start_from_zero) {
    clear(key_gradients, head.keys * width);
    clear(value_gradients, head.keys * value_width);
  }

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = padded<T>(rows);
    const bool add_keys = start_from_zero || q > 0;
    pack_queries(head, q, rows, queries, left_width, lanes_used);
    const T* g = grad.first + q * grad.ld;
    if constexpr (in_pairs<In>) {
      const In* own = head.q.first + q * head.q.ld;
      pack_row_pairs(rows, head.head_size, [&](int64_t i) { return own + i * head.q.ld; }, right_queries, width);
      pack_row_pairs(rows, head.value_size, [&](int64_t i) { return g + i * grad.ld; }, right_gradients, value_width);
      pack_rows(rows, head.value_size, g, grad.ld, gradients, left_value_width, lanes_used);
    } else {
      pack_rows(rows, head.value_size, g, grad.ld, T(1), gradients, value_width, lanes_used);
    }
    if (!weights) transpose(lanes_used, left_width, queries, left_width, transposed_queries, queries_of_tile);
    transpose(lanes_used, left_value_width, gradients, left_value_width, transposed_gradients, queries_of_tile);
    for (int64_t i = 0; i < lanes_used; ++i) {
      const In* o = out.first + (q + i) * out.ld;
      const T* dy = g + i * grad.ld;
      const auto product = [&]<class V>(int64_t j, V& sum) {
        sum += read<V>(o + j) * as_operand<In>(read<V>(dy + j));
      };
      delta[i] = i < rows ? sum_over<T>(head.value_size, product) : T(0);
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
        scores_of(block, lanes_used, size, keys + k * left_width, left_width, transposed_queries, scores);
        scale_scores<In>(block, lanes_used, head.scale, scores);
        mask.apply(q, rows, k, block, scores);
        weights_and_gradient(block, lanes_used, scores, dp, sums, delta);
      }
      const int64_t terms = along_sum<In>(rows);
      const auto weight = over_queries<In>(block, rows, p, ld_p, pairs);
      multiply(block, value_width, terms, weight.first, weight.row, weight.column, right_gradients,
               value_gradients + k * value_width, add_keys);
      const auto ds = over_queries<In>(block, rows, dp, queries_of_tile, pairs);
      multiply(block, width, terms, ds.first, ds.row, ds.column, right_queries, key_gradients + k * width, add_keys);
      const auto ds_of_queries = over_keys<In>(block, lanes_used, dp, queries_of_tile, pairs);
      multiply_keys<In>(rows, width, block, k + block < head.keys, ds_of_queries,
                        right_keys + along_sum<In>(k) * width, edge, query_gradients, !first);
      first = false;
    }
    if (first) clear(query_gradients, rows * width);
    for (int64_t i = 0; i < rows; ++i) {
      T* row = to.q.first + (q + i) * to.q.ld;
#pragma omp simd
      for (int64_t j = 0; j < head.head_size; ++j) row[j] = query_gradients[i * width + j] * head.scale;
    }
  }
  // Packed numbers have the scale already.
  unpack_keys(head, key_gradients, width, head.head_size, in_pairs<In> ? head.scale : T(1), to.k);
  unpack_keys(head, value_gradients, value_width, head.value_size, T(1), to.v);
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
  TileMask<T, T> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
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

/// Enough for every function.
template <class T>
int64_t scratch_elements(int64_t keys, int64_t head_size, int64_t value_size) {
  const int64_t width = padded<float>(head_size), value_width = padded<float>(value_size);
  return (3 * (keys + 1) + 1) * (width + value_width) + queries_of_tile * 4 * (width + value_width) +
         5 * keys_of_block * queries_of_tile;
}

}  // namespace
}  // namespace DITHAROS_ISA

const AttentionKernels& AttentionKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr AttentionKernels kernels{
      {scratch_elements<float>, forward<float, float>, backward<float, float>, tangent<float>},
      {scratch_elements<double>, forward<double, double>, backward<double, double>, tangent<double>},
      {scratch_elements<float>, forward<float, bfloat16>, backward<float, bfloat16>, nullptr}};
  return kernels;
}

}  // namespace ditharos::kernels
