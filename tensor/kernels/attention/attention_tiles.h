#pragma once
// Internal to tensor/kernels/attention/.
// The pieces of attention: a tile of queries against a block of keys. Only for *_isa.cpp.
//
// Scores are kept transposed, [keys, queries], with the queries of a tile side by side in vector registers: maximum,
// exponential and sum of a softmax then run down the block without any reduction across a register.
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/gemm/micro_gemm.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>
#include <ditharos/tensor/kernels/simd/vector_transpose.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

inline constexpr int64_t queries_of_tile = attention_tile;
inline constexpr int64_t keys_of_block = 64;  // scores of a tile and a block fit the first-level cache
static_assert(queries_of_tile % (most_vectors * lanes<float>) == 0 && queries_of_tile % lanes<double> == 0);

template <class T> inline constexpr T minus_infinity = T(-__builtin_inf());

/// Allocates pieces of the scratch memory.
template <class T>
struct Scratch {
  T* next;
  template <class Element = T>
  Element* take(int64_t elements) {
    static_assert(sizeof(Element) == sizeof(T));
    Element* piece = reinterpret_cast<Element*>(next);
    next += padded<float>(elements);
    return piece;
  }
};

template <class T>
void clear(T* to, int64_t elements) {
#pragma omp simd
  for (int64_t i = 0; i < elements; ++i) to[i] = T(0);
}

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

/// Row of k that is packed as key j.
template <class T, class In>
int64_t row_of_key(const AttentionHead<T, In>& head, int64_t j) { return head.chosen ? head.chosen[j] : j; }

/// The gradients of the keys that take part, times `factor`, in the rows of k or v; rows that take no part get zeros.
template <class T, class In>
void unpack_keys(const AttentionHead<T, In>& head, const T* from, int64_t width, int64_t columns, T factor,
                 HeadRows<T> to) {
  int64_t next = 0;
  for (int64_t i = 0; i < head.rows_of_k; ++i) {
    T* row = to.first + i * to.ld;
    if (head.chosen && (next == head.keys || head.chosen[next] != i)) {
      clear(row, columns);
      continue;
    }
    const T* packed = from + next++ * width;
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) row[j] = factor * packed[j];
  }
}

/// scores[keys, queries] (+)= a[keys, depth] b[depth, queries], `queries` padded to whole registers.
template <class T, class In>
void scores_of(int64_t keys, int64_t queries, int64_t depth, const In* a, int64_t lda, const In* b, T* scores,
               bool add = false) {
  constexpr int64_t widest = most_vectors * lanes<T>;
  for (int64_t i = 0; i < queries; i += widest)
    panel_of_width(min_of(widest, queries - i), keys, depth, a, lda, int64_t(1), b + i, queries_of_tile, scores + i,
                   queries_of_tile, add);
}

/// c[rows, width] (+)= a[rows, depth] b[depth, width] for rows of b and c that are `width` apart.
template <class T, class In>
void multiply(int64_t rows, int64_t width, int64_t depth, const In* a, int64_t row_a, int64_t column_a, const In* b,
              T* c, bool add) {
  constexpr int64_t widest = most_vectors * lanes<T>;
  for (int64_t j = 0; j < width; j += widest)
    panel_of_width(min_of(widest, width - j), rows, depth, a, row_a, column_a, b + j, width, c + j, width, add);
}

/// The state of the softmax of a tile of queries. A blocked score is minus infinity; a query with only blocked scores
/// has a sum of 0.
template <class T>
struct RunningSoftmax {
  T maximum[queries_of_tile], sum[queries_of_tile], correction[queries_of_tile];

  /// scores -> exp(score - maximum) for a block of keys. Results for the old maximum have to be multiplied with
  /// `correction`.
  void update(int64_t keys, int64_t queries, T* scores, bool first) {
    T larger[queries_of_tile], base[queries_of_tile];
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
      base[i] = larger[i] == minus_infinity<T> ? T(0) : larger[i];  // infinities have no difference
      correction[i] = first ? T(0) : exp_negative(old - base[i]);
      sum[i] = first ? T(0) : sum[i] * correction[i];
      maximum[i] = larger[i];
    }
    for (int64_t j = 0; j < keys; ++j) {
      T* row = scores + j * queries_of_tile;
#pragma omp simd
      for (int64_t i = 0; i < queries; ++i) {
        row[i] = exp_negative(row[i] - base[i]);
        sum[i] += row[i];
      }
    }
  }
};

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
