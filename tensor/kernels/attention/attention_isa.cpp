// Attention in tiles (Dao et al. 2022, "FlashAttention"): for a tile of queries, the blocks of keys are processed one
// after the other, and the softmax is rescaled when a larger score occurs. There is no matrix of queries x keys.
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/attention/attention_mask.h>
#include <ditharos/tensor/kernels/attention/attention_operands.h>
#include <ditharos/tensor/kernels/attention/attention_tiles.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

/// weights = scores * the factor of their query, with the rows side by side.
template <class T>
void keep_weights(int64_t keys, int64_t queries, const T* scores, const T* factors, T* weights) {
  const int64_t ld = attention_weights_ld(queries);
  over_row<T>(in_steps<T>(queries), [&]<class V>(int64_t i) {
    const V factor = read<V>(factors + i);
    for (int64_t j = 0; j < keys; ++j) {
      const V p = read<V>(scores + j * queries_of_tile + i) * factor;
      write(weights + j * ld + i, p);
    }
  });
}

template <class T, class In>
void forward(const AttentionHead<T, In>& head, HeadRows<In> out, T* statistics, T* weights, T* scratch) {
  using Packed = Operand<In>;
  const int64_t size = along_sum<In>(head.head_size), width = in_steps<Packed>(size);
  const int64_t value_width = in_steps<T>(head.value_size);
  Scratch<T> pieces{scratch};
  Packed* packed_values = pieces.template take<Packed>(along_sum<In>(head.keys) * value_width);
  Packed* packed_keys = pieces.template take<Packed>(head.keys * width);
  Packed* packed_queries = pieces.template take<Packed>(in_pairs<In> ? queries_of_tile * width : 0);
  Packed* transposed = pieces.template take<Packed>(width * queries_of_tile);
  Packed* pairs = pieces.template take<Packed>(in_pairs<In> ? keys_of_block * queries_of_tile / 2 : 0);
  Packed* edge = pieces.template take<Packed>(in_pairs<In> ? value_width : 0);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  const HeadRows<T> result{pieces.take(queries_of_tile * value_width), value_width};
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T, In> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  RunningSoftmax<T> softmax;
  T inverse[queries_of_tile];
  const T unit = unit_of_scores(head), factor = unit * T(log2_of_e);

  const bool once = head.queries <= queries_of_tile;
  const auto keys = keys_on_left(head, head.k, head.head_size, once, packed_keys);
  const auto values = keys_on_right(head, head.v, head.value_size, once, packed_values);

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = in_steps<T>(rows);
    const HeadRows<const In> queries{head.q.first + q * head.q.ld, head.q.ld};
    transpose_tile(rows, head.head_size, queries, packed_queries, transposed);
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, size, {keys.first + k * keys.ld, keys.ld}, transposed, scores);
      mask.apply(q, rows, k, block, scores);
      softmax.update(block, lanes_used, scores, factor, first);
      if (!first)
        for (int64_t i = 0; i < rows; ++i) {
          T* row = result.first + i * value_width;
          const T correction = softmax.correction[i];
          over_row<T>(value_width, [&]<class V>(int64_t j) { write(row + j, V(read<V>(row + j) * correction)); });
        }
      const auto p = over_keys<In>(block, lanes_used, scores, queries_of_tile, pairs);
      multiply_keys<In>(rows, value_width, block, k + block < head.keys, p,
                        {values.first + along_sum<In>(k) * values.ld, values.ld}, edge, result, !first);
      first = false;
    }
    if (first) {
      clear(softmax.sum, lanes_used);
      clear(result.first, rows * value_width);
    }
    for (int64_t i = 0; i < lanes_used; ++i) inverse[i] = softmax.sum[i] == T(0) ? T(0) : T(1) / softmax.sum[i];
    if (weights) keep_weights(head.keys, rows, scores, inverse, weights);
    for (int64_t i = 0; i < rows; ++i) {
      const T* row = result.first + i * value_width;
      In* to = out.first + (q + i) * out.ld;
      over_row<T>(head.value_size, [&]<class V>(int64_t j) { write(to + j, V(read<V>(row + j) * inverse[i])); });
    }
    if (!statistics) continue;
    // Where scores are all blocked, any finite number makes e^(score - it) zero.
    for (int64_t i = 0; i < rows; ++i) {
      statistics[q + i] = softmax.sum[i] == T(0) ? T(0) : softmax.maximum[i];
      statistics[head.queries + q + i] = inverse[i];
    }
  }
}

/// scores -> weights p = 2^(factor (score - base)) inverse; dp -> gradient of the scores, p scale (dp - delta).
template <class T>
void weights_and_gradient(int64_t keys, int64_t queries, T* scores, T* dp, T factor, const T* bases, const T* inverses,
                          T scale, const T* deltas) {
  over_row<T>(queries, [&]<class V>(int64_t i) {
    const V base = read<V>(bases + i), inverse = read<V>(inverses + i), delta = read<V>(deltas + i);
    for (int64_t at = i; at < keys * queries_of_tile; at += queries_of_tile) {
      const V p = exp2_negative(factor * (read<V>(scores + at) - base)) * inverse;
      write(scores + at, p);
      write(dp + at, V(p * (scale * (read<V>(dp + at) - delta))));
    }
  });
}

/// dp -> gradient of the scores, p scale (dp - delta), for weights p that are there already.
template <class T>
void gradient_of_scores(int64_t keys, int64_t queries, const T* weights, int64_t ld, T* dp, T scale, const T* deltas) {
  over_row<T>(queries, [&]<class V>(int64_t i) {
    const V delta = read<V>(deltas + i);
    for (int64_t j = 0; j < keys; ++j) {
      T* to = dp + j * queries_of_tile + i;
      write(to, V(read<V>(weights + j * ld + i) * (scale * (read<V>(to) - delta))));
    }
  });
}

/// Sum of o * dy over a row, dy as products read it.
template <class T, class In>
T row_product(int64_t columns, const In* o, const T* dy) {
  Vector<T> sum{};
  T rest = 0;
  over_row<T>(columns, [&]<class V>(int64_t j) {
    const V product = read<V>(o + j) * as_operand<In>(read<V>(dy + j));
    if constexpr (sizeof(V) == sizeof(T)) rest += product;
    else if constexpr (sizeof(V) == sizeof(sum)) sum += product;
    else sum += padded_half<T>(product);
  });
  return add_lanes<T>(sum) + rest;
}

// With S = scale q k^T + mask, P = softmax(S), O = P v and delta = sum over a row of dO * O:
//   dV = P^T dO,  dP = dO v^T,  dS = scale P * (dP - delta),  dQ = dS k,  dK = dS^T q.
// P was kept, or is computed again from its statistics.
template <class T, class In>
void backward(const AttentionHead<T, In>& head, HeadRows<const In> out, const T* statistics, const T* weights,
              HeadRows<const T> grad, const HeadGradients<T>& to, T* scratch) {
  using Packed = Operand<In>;
  const int64_t size = along_sum<In>(head.head_size), value_size = along_sum<In>(head.value_size);
  const int64_t width = in_steps<T>(head.head_size), value_width = in_steps<T>(head.value_size);  // of results
  const int64_t left_width = in_steps<Packed>(size), left_value_width = in_steps<Packed>(value_size);
  Scratch<T> pieces{scratch};
  Packed* left_keys = pieces.template take<Packed>(in_pairs<In> ? head.keys * left_width : 0);
  Packed* right_keys = pieces.template take<Packed>(along_sum<In>(head.keys) * width);
  Packed* left_values = pieces.template take<Packed>(head.keys * left_value_width);
  Packed* left_rows = pieces.template take<Packed>(queries_of_tile * max_of(left_width, left_value_width));
  Packed* right_queries = pieces.template take<Packed>(queries_of_tile * width);
  Packed* right_gradients = pieces.template take<Packed>(queries_of_tile * value_width);
  Packed* transposed_queries = pieces.template take<Packed>(left_width * queries_of_tile);
  Packed* transposed_gradients = pieces.template take<Packed>(left_value_width * queries_of_tile);
  Packed* pairs = pieces.template take<Packed>(in_pairs<In> ? keys_of_block * queries_of_tile / 2 : 0);
  Packed* edge = pieces.template take<Packed>(in_pairs<In> ? width : 0);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* dp = pieces.take(keys_of_block * queries_of_tile);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T, In> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  T bases[queries_of_tile], inverses[queries_of_tile], deltas[queries_of_tile];
  const T unit = unit_of_scores(head), factor = unit * T(log2_of_e);

  // With a single tile of queries, or block of keys, operands are read and gradients are written once: in place.
  const bool one_tile = head.queries <= queries_of_tile, one_block = head.keys <= keys_of_block;
  const bool whole_steps = width == head.head_size, whole_value_steps = value_width == head.value_size;
  const auto k_on_right = keys_on_right(head, head.k, head.head_size, one_tile, right_keys);
  auto k_on_left = k_on_right;
  if (in_pairs<In> && !weights) k_on_left = keys_on_left(head, head.k, head.head_size, one_tile, left_keys);
  const auto v = keys_on_left(head, head.v, head.value_size, one_tile, left_values);
  const bool in_place = one_tile && !head.chosen;
  const HeadRows<T> dk = in_place && whole_steps ? to.k : HeadRows<T>{pieces.take(head.keys * width), width};
  const HeadRows<T> dv =
      in_place && whole_value_steps ? to.v : HeadRows<T>{pieces.take(head.keys * value_width), value_width};
  T* tile_gradients = pieces.take(queries_of_tile * width);
  // The first tile writes the gradients of the keys, unless it may leave some out.
  const bool start_from_zero = leaves_gaps(head.mask) || head.queries == 0;
  if (start_from_zero)
    for (int64_t j = 0; j < head.keys; ++j) {
      clear(dk.first + j * dk.ld, width);
      clear(dv.first + j * dv.ld, value_width);
    }

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = in_steps<T>(rows);
    const bool add_keys = start_from_zero || q > 0;
    const HeadRows<const In> own{head.q.first + q * head.q.ld, head.q.ld};
    const HeadRows<const T> g{grad.first + q * grad.ld, grad.ld};
    const HeadRows<T> dq_rows{to.q.first + q * to.q.ld, to.q.ld};
    const HeadRows<T> dq = one_block && whole_steps ? dq_rows : HeadRows<T>{tile_gradients, width};
    const auto queries = on_right(rows, head.head_size, own, one_block, right_queries);
    const auto gradients = on_right(rows, head.value_size, g, one_block, right_gradients);
    if (!weights) transpose_tile(rows, head.head_size, own, left_rows, transposed_queries);
    transpose_tile(rows, head.value_size, g, left_rows, transposed_gradients);
    for (int64_t i = 0; i < lanes_used; ++i) {
      const In* o = out.first + (q + i) * out.ld;
      if (i + rows_ahead < rows) prefetch_row(o + rows_ahead * out.ld, head.value_size);
      deltas[i] = i < rows ? row_product(head.value_size, o, g.first + i * g.ld) : T(0);
      const bool again = i < rows && !weights;
      bases[i] = again ? statistics[q + i] : T(0);
      inverses[i] = again ? statistics[head.queries + q + i] : T(0);
    }
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      scores_of(block, lanes_used, value_size, {v.first + k * v.ld, v.ld}, transposed_gradients, dp);
      const T* p = weights ? weights : scores;
      const int64_t ld_p = weights ? attention_weights_ld(head.queries) : queries_of_tile;
      if (weights) {
        gradient_of_scores(block, lanes_used, weights, ld_p, dp, head.scale, deltas);
      } else {
        scores_of(block, lanes_used, size, {k_on_left.first + k * k_on_left.ld, k_on_left.ld}, transposed_queries,
                  scores);
        mask.apply(q, rows, k, block, scores);
        weights_and_gradient(block, lanes_used, scores, dp, factor, bases, inverses, head.scale, deltas);
      }
      const int64_t terms = along_sum<In>(rows);
      const auto weight = over_queries<In>(block, rows, p, ld_p, pairs);
      multiply(block, value_width, terms, weight.first, weight.row, weight.column, gradients,
               HeadRows<T>{dv.first + k * dv.ld, dv.ld}, add_keys);
      const auto ds = over_queries<In>(block, rows, dp, queries_of_tile, pairs);
      multiply(block, width, terms, ds.first, ds.row, ds.column, queries, HeadRows<T>{dk.first + k * dk.ld, dk.ld},
               add_keys);
      const auto ds_of_queries = over_keys<In>(block, lanes_used, dp, queries_of_tile, pairs);
      multiply_keys<In>(rows, width, block, k + block < head.keys, ds_of_queries,
                        {k_on_right.first + along_sum<In>(k) * k_on_right.ld, k_on_right.ld}, edge, dq, !first);
      first = false;
    }
    if (first)
      for (int64_t i = 0; i < rows; ++i) clear(dq_rows.first + i * dq_rows.ld, head.head_size);
    else if (dq.first != dq_rows.first)
      for (int64_t i = 0; i < rows; ++i)
        copy_rows<T>(1, head.head_size, {dq.first + i * width, width}, dq_rows.first + i * dq_rows.ld, head.head_size);
  }
  if (dk.first != to.k.first) unpack_keys(head, HeadRows<const T>{dk.first, dk.ld}, head.head_size, to.k);
  if (dv.first != to.v.first) unpack_keys(head, HeadRows<const T>{dv.first, dv.ld}, head.value_size, to.v);
}

/// scores -> weights p = 2^(factor (score - base)) inverse; ds -> p scale ds, which is added to `sums` of the queries.
/// A blocked score has the weight 0, whatever ds is.
template <class T>
void weights_and_products(int64_t keys, int64_t queries, T* scores, T* ds, T factor, const T* bases, const T* inverses,
                          T scale, T* sums) {
  over_row<T>(queries, [&]<class V>(int64_t i) {
    const V base = read<V>(bases + i), inverse = read<V>(inverses + i);
    V sum = read<V>(sums + i);
    for (int64_t at = i; at < keys * queries_of_tile; at += queries_of_tile) {
      const V p = exp2_negative(factor * (read<V>(scores + at) - base)) * inverse;
      const V product = p == T(0) ? V{} : p * (scale * read<V>(ds + at));
      write(scores + at, p);
      write(ds + at, product);
      sum += product;
    }
    write(sums + i, sum);
  });
}

// With dS = scale (dq k^T + q dk^T): dO = (P dS) v + P dv - rowsum(P dS) O.
template <class T>
void tangent(const AttentionHead<T>& head, const HeadTangents<T>& tangents, HeadRows<const T> out, const T* statistics,
             HeadRows<T> to, T* scratch) {
  const int64_t size = head.head_size, width = in_steps<T>(size), value_width = in_steps<T>(head.value_size);
  Scratch<T> pieces{scratch};
  T* packed_keys = pieces.take(head.keys * width);
  T* packed_key_tangents = pieces.take(head.keys * width);
  T* packed_values = pieces.take(head.keys * value_width);
  T* packed_value_tangents = pieces.take(head.keys * value_width);
  T* queries = pieces.take(width * queries_of_tile);
  T* query_tangents = pieces.take(width * queries_of_tile);
  const HeadRows<T> result{pieces.take(queries_of_tile * value_width), value_width};
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* ds = pieces.take(keys_of_block * queries_of_tile);
  T* mask_rows = pieces.take(keys_of_block * queries_of_tile);
  TileMask<T, T> mask(head, mask_rows, pieces.take(keys_of_block * queries_of_tile));
  T bases[queries_of_tile], inverses[queries_of_tile], sums[queries_of_tile];
  const T unit = unit_of_scores(head), factor = unit * T(log2_of_e);

  const auto keys = keys_on_left(head, head.k, size, false, packed_keys);
  const auto key_tangents = keys_on_left(head, tangents.k, size, false, packed_key_tangents);
  const auto values = keys_on_right(head, head.v, head.value_size, false, packed_values);
  const auto value_tangents = keys_on_right(head, tangents.v, head.value_size, false, packed_value_tangents);

  for (int64_t q = 0; q < head.queries; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, head.queries - q), lanes_used = in_steps<T>(rows);
    transpose(rows, size, head.q.first + q * head.q.ld, head.q.ld, queries, queries_of_tile);
    transpose(rows, size, tangents.q.first + q * tangents.q.ld, tangents.q.ld, query_tangents, queries_of_tile);
    for (int64_t i = 0; i < lanes_used; ++i) {
      bases[i] = i < rows ? statistics[q + i] : T(0);
      inverses[i] = i < rows ? statistics[head.queries + q + i] : T(0);
      sums[i] = T(0);
    }
    const int64_t in_sight = keys_in_sight(head, q + rows);
    bool first = true;
    for (int64_t k = 0; k < in_sight; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, in_sight - k);
      if (!mask.read(q, rows, k, block)) continue;
      const auto from = [k](HeadRows<const T> x) { return HeadRows<const T>{x.first + k * x.ld, x.ld}; };
      scores_of(block, lanes_used, size, from(keys), queries, scores);
      mask.apply(q, rows, k, block, scores);
      scores_of(block, lanes_used, size, from(keys), query_tangents, ds);
      scores_of(block, lanes_used, size, from(key_tangents), queries, ds, true);
      weights_and_products(block, lanes_used, scores, ds, factor, bases, inverses, head.scale, sums);
      multiply(rows, value_width, block, ds, int64_t(1), queries_of_tile, from(values), result, !first);
      multiply(rows, value_width, block, scores, int64_t(1), queries_of_tile, from(value_tangents), result, true);
      first = false;
    }
    if (first) clear(result.first, rows * value_width);
    for (int64_t i = 0; i < rows; ++i) {
      const T* o = out.first + (q + i) * out.ld;
      T* row = to.first + (q + i) * to.ld;
#pragma omp simd
      for (int64_t j = 0; j < head.value_size; ++j) row[j] = result.first[i * value_width + j] - sums[i] * o[j];
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

const AttentionKernels& AttentionKernels::DITHAROS_ISA() noexcept {
  using namespace kernels::DITHAROS_ISA;
#ifdef __AVX512BF16__
  // For operands in f32 and f64 this set has nothing that avx512 has not.
  static const AttentionKernels kernels{
      avx512().f32,
      avx512().f64,
      {scratch_elements<float>, forward<float, bfloat16>, backward<float, bfloat16>, nullptr}};
#else
  static constexpr AttentionKernels kernels{
      {scratch_elements<float>, forward<float, float>, backward<float, float>, tangent<float>},
      {scratch_elements<double>, forward<double, double>, backward<double, double>, tangent<double>},
      {scratch_elements<float>, forward<float, bfloat16>, backward<float, bfloat16>, nullptr}};
#endif
  return kernels;
}

}  // namespace ditharos::kernels
