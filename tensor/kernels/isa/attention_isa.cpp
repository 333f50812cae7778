// Attention in tiles (Dao et al. 2022, "FlashAttention"): a tile of queries meets one block of keys after the other and
// the softmax is corrected as larger scores turn up. No matrix of tokens x tokens exists.
//
// Scores are kept transposed, [keys, queries], with the queries of a tile side by side in vector registers: maximum,
// exponential and sum of a softmax then run down the block without any reduction across a register.
#include <ditharos/tensor/kernels/isa/attention_isa.h>
#include <ditharos/tensor/kernels/isa/micro_gemm.h>
#include <ditharos/tensor/kernels/isa/vector_math.h>
#include <ditharos/tensor/kernels/isa/vector_transpose.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

constexpr int64_t queries_of_tile = attention_tile;
constexpr int64_t keys_of_block = 64;  // scores of a tile and a block fit the first-level cache
static_assert(queries_of_tile % (most_vectors * lanes<float>) == 0 && queries_of_tile % lanes<double> == 0);

/// Hands out pieces of the scratch memory.
template <class T>
struct Scratch {
  T* next;
  T* take(int64_t elements) {
    T* piece = next;
    next += padded<float>(elements);
    return piece;
  }
};

/// to[i, :] = factor * from[i, :] for i < rows, columns padded with zeros to `width`; `padded_rows` - rows of zeros.
template <class T>
void pack_rows(int64_t rows, int64_t columns, const T* from, int64_t ld, T factor, T* to, int64_t width,
               int64_t padded_rows) {
  for (int64_t i = 0; i < padded_rows; ++i, from += ld, to += width) {
    const int64_t used = i < rows ? columns : 0;
#pragma omp simd
    for (int64_t j = 0; j < used; ++j) to[j] = factor * from[j];
    for (int64_t j = used; j < width; ++j) to[j] = T(0);
  }
}

/// scores[keys, queries] = a[keys, depth] b[depth, queries], `queries` padded to whole registers.
template <class T>
void scores_of(int64_t keys, int64_t queries, int64_t depth, const T* a, int64_t lda, const T* b, T* scores) {
  constexpr int64_t widest = most_vectors * lanes<T>;
  for (int64_t i = 0; i < queries; i += widest)
    panel_of_width(min_of(widest, queries - i), keys, depth, a, lda, int64_t(1), b + i, queries_of_tile, scores + i,
                   queries_of_tile, false);
}

/// c[rows, width] (+)= a[rows, depth] b[depth, width] for rows of b and c that are `width` apart.
template <class T>
void multiply(int64_t rows, int64_t width, int64_t depth, const T* a, int64_t row_a, int64_t column_a, const T* b, T* c,
              bool add) {
  constexpr int64_t widest = most_vectors * lanes<T>;
  for (int64_t j = 0; j < width; j += widest)
    panel_of_width(min_of(widest, width - j), rows, depth, a, row_a, column_a, b + j, width, c + j, width, add);
}

/// What the softmax of a tile of queries has seen so far.
template <class T>
struct RunningSoftmax {
  T maximum[queries_of_tile], sum[queries_of_tile], correction[queries_of_tile];

  /// scores -> exp(score - maximum) for a block of keys. What was computed with the old maximum has to be multiplied
  /// with `correction`.
  void update(int64_t keys, int64_t queries, T* scores, bool first) {
    T larger[queries_of_tile];
    for (int64_t i = 0; i < queries; i += lanes<T>) {
      Vector<T> m = load(scores + i);
      for (int64_t j = 1; j < keys; ++j) {
        const Vector<T> s = load(scores + j * queries_of_tile + i);
        m = s > m ? s : m;
      }
      store(larger + i, m);
    }
    for (int64_t i = 0; i < queries; ++i) {
      const T old = first ? larger[i] : maximum[i];
      larger[i] = max_of(larger[i], old);
      correction[i] = first ? T(0) : exp_negative(old - larger[i]);
      sum[i] = first ? T(0) : sum[i] * correction[i];
      maximum[i] = larger[i];
    }
    for (int64_t j = 0; j < keys; ++j) {
      T* row = scores + j * queries_of_tile;
#pragma omp simd
      for (int64_t i = 0; i < queries; ++i) {
        row[i] = exp_negative(row[i] - maximum[i]);
        sum[i] += row[i];
      }
    }
  }
};

/// weights = scores / sum of their query, with the rows side by side.
template <class T>
void keep_weights(int64_t tokens, int64_t lanes_used, const T* scores, const T* sum, T* weights) {
  T inverse[queries_of_tile];
  for (int64_t i = 0; i < lanes_used; ++i) inverse[i] = T(1) / sum[i];
  for (int64_t j = 0; j < tokens; ++j, scores += queries_of_tile, weights += attention_weights_ld(tokens)) {
#pragma omp simd
    for (int64_t i = 0; i < lanes_used; ++i) weights[i] = scores[i] * inverse[i];
  }
}

template <class T>
void forward(const AttentionHead<T>& head, T* out, T* log_sum_exp, T* weights, T* scratch) {
  const int64_t tokens = head.tokens, size = head.head_size, width = padded<T>(size);
  Scratch<T> pieces{scratch};
  T* values = pieces.take(tokens * width);
  T* packed_keys = pieces.take(tokens * width);
  T* queries = pieces.take(queries_of_tile * width);
  T* transposed = pieces.take(width * queries_of_tile);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* result = pieces.take(queries_of_tile * width);
  RunningSoftmax<T> softmax;

  pack_rows(tokens, size, head.v, head.ld, T(1), values, width, tokens);
  // Keys are read once a tile. Few of them are read where they are, many through a dense copy.
  const bool copy_keys = tokens > queries_of_tile;
  if (copy_keys) pack_rows(tokens, size, head.k, head.ld, T(1), packed_keys, width, tokens);
  const T* keys = copy_keys ? packed_keys : head.k;
  const int64_t ld_keys = copy_keys ? width : head.ld;

  for (int64_t q = 0; q < tokens; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, tokens - q), lanes_used = padded<T>(rows);
    pack_rows(rows, size, head.q + q * head.ld, head.ld, head.scale, queries, width, lanes_used);
    transpose(lanes_used, width, queries, width, transposed, queries_of_tile);
    for (int64_t k = 0; k < tokens; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, tokens - k);
      scores_of(block, lanes_used, size, keys + k * ld_keys, ld_keys, transposed, scores);
      softmax.update(block, lanes_used, scores, k == 0);
      if (k > 0) {
        for (int64_t i = 0; i < rows; ++i) {
#pragma omp simd
          for (int64_t j = 0; j < width; ++j) result[i * width + j] *= softmax.correction[i];
        }
      }
      multiply(rows, width, block, scores, int64_t(1), queries_of_tile, values + k * width, result, k > 0);
    }
    if (weights) keep_weights(tokens, lanes_used, scores, softmax.sum, weights);
    for (int64_t i = 0; i < rows; ++i) {
      const T inverse = T(1) / softmax.sum[i];
      T* to = out + (q + i) * head.ld_out;
#pragma omp simd
      for (int64_t j = 0; j < size; ++j) to[j] = result[i * width + j] * inverse;
    }
    if (log_sum_exp) {
      for (int64_t i = 0; i < rows; ++i) log_sum_exp[q + i] = softmax.maximum[i] + log(softmax.sum[i]);
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

// With S = scale q k^T, P = softmax(S), O = P v and delta = sum over a row of dO * O:
//   dV = P^T dO,  dP = dO v^T,  dS = P * (dP - delta),  dQ = scale dS k,  dK = scale dS^T q.
// P was kept, or is computed again from the log-sum-exp.
template <class T>
void backward(const AttentionHead<T>& head, const T* out, const T* log_sum_exp, const T* weights, const T* grad, T* dq,
              T* dk, T* dv, T* scratch) {
  const int64_t tokens = head.tokens, size = head.head_size, width = padded<T>(size);
  Scratch<T> pieces{scratch};
  T* keys = pieces.take(tokens * width);
  T* values = pieces.take(tokens * width);
  T* key_gradients = pieces.take(tokens * width);
  T* value_gradients = pieces.take(tokens * width);
  T* queries = pieces.take(queries_of_tile * width);
  T* gradients = pieces.take(queries_of_tile * width);
  T* query_gradients = pieces.take(queries_of_tile * width);
  T* transposed_queries = pieces.take(width * queries_of_tile);
  T* transposed_gradients = pieces.take(width * queries_of_tile);
  T* scores = pieces.take(keys_of_block * queries_of_tile);
  T* dp = pieces.take(keys_of_block * queries_of_tile);
  T sums[queries_of_tile], delta[queries_of_tile];

  pack_rows(tokens, size, head.k, head.ld, T(1), keys, width, tokens);
  const bool copy_values = tokens > queries_of_tile;
  if (copy_values) pack_rows(tokens, size, head.v, head.ld, T(1), values, width, tokens);
  const T* v = copy_values ? values : head.v;
  const int64_t ld_v = copy_values ? width : head.ld;

  for (int64_t q = 0; q < tokens; q += queries_of_tile) {
    const int64_t rows = min_of(queries_of_tile, tokens - q), lanes_used = padded<T>(rows);
    pack_rows(rows, size, head.q + q * head.ld, head.ld, head.scale, queries, width, lanes_used);
    pack_rows(rows, size, grad + q * head.ld_out, head.ld_out, T(1), gradients, width, lanes_used);
    if (!weights) transpose(lanes_used, width, queries, width, transposed_queries, queries_of_tile);
    transpose(lanes_used, width, gradients, width, transposed_gradients, queries_of_tile);
    for (int64_t i = 0; i < lanes_used; ++i) {
      const T* o = out + (q + i) * head.ld_out;
      const T* g = gradients + i * width;
      const auto product = [&]<class V>(int64_t j, V& sum) { sum += read<V>(o + j) * read<V>(g + j); };
      delta[i] = i < rows ? sum_over<T>(size, product) : T(0);
      sums[i] = i < rows && !weights ? log_sum_exp[q + i] : T(0);
    }
    for (int64_t k = 0; k < tokens; k += keys_of_block) {
      const int64_t block = min_of(keys_of_block, tokens - k);
      scores_of(block, lanes_used, size, v + k * ld_v, ld_v, transposed_gradients, dp);
      const T* p = weights ? weights : scores;
      const int64_t ld_p = weights ? attention_weights_ld(tokens) : queries_of_tile;
      if (weights) {
        gradient_of_scores(block, lanes_used, weights, ld_p, dp, delta);
      } else {
        scores_of(block, lanes_used, size, keys + k * width, width, transposed_queries, scores);
        weights_and_gradient(block, lanes_used, scores, dp, sums, delta);
      }
      multiply(block, width, rows, p, ld_p, int64_t(1), gradients, value_gradients + k * width, q > 0);
      multiply(block, width, rows, dp, queries_of_tile, int64_t(1), queries, key_gradients + k * width, q > 0);
      multiply(rows, width, block, dp, int64_t(1), queries_of_tile, keys + k * width, query_gradients, k > 0);
    }
    for (int64_t i = 0; i < rows; ++i) {
      T* to = dq + (q + i) * head.ld;
#pragma omp simd
      for (int64_t j = 0; j < size; ++j) to[j] = query_gradients[i * width + j] * head.scale;
    }
  }
  for (int64_t i = 0; i < tokens; ++i) {
#pragma omp simd
    for (int64_t j = 0; j < size; ++j) {
      dk[i * head.ld + j] = key_gradients[i * width + j];
      dv[i * head.ld + j] = value_gradients[i * width + j];
    }
  }
}

template <class T>
int64_t scratch_elements(int64_t tokens, int64_t head_size) {
  const int64_t width = padded<T>(head_size);
  return 4 * padded<float>(tokens * width) + 5 * queries_of_tile * width + 2 * keys_of_block * queries_of_tile;
}

}  // namespace
}  // namespace DITHAROS_ISA

const AttentionKernels& AttentionKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr AttentionKernels kernels{{scratch_elements<float>, forward<float>, backward<float>},
                                            {scratch_elements<double>, forward<double>, backward<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
