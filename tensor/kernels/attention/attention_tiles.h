#pragma once
// Internal to tensor/kernels/attention/.
// The pieces of attention: a tile of queries against a block of keys. Only for *_isa.cpp.
//
// Scores are kept transposed, [keys, queries], with the queries of a tile side by side in vector registers: maximum,
// exponential and sum of a softmax then run down the block without any reduction across a register.
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/gemm/micro_gemm.h>
#include <ditharos/tensor/kernels/simd/vector_exp2.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>
#include <ditharos/tensor/kernels/simd/vector_transpose.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

inline constexpr int64_t queries_of_tile = attention_tile;
inline constexpr int64_t keys_of_block = 64;  // scores of a tile and a block fit the first-level cache
static_assert(queries_of_tile % lanes<float> == 0 && queries_of_tile % lanes<double> == 0);

template <class T>
inline constexpr T minus_infinity = T(-__builtin_inf());

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
  over_row<T>(elements, [&]<class V>(int64_t i) { write(to + i, V{}); });
}

/// Rows of heads are parts of longer rows, which the hardware does not prefetch. A loop over many of them asks for the
/// row that it will read some rows later.
inline constexpr int64_t rows_ahead = 16;
template <class T>
void prefetch_row(const T* row, int64_t columns) {
  const char* bytes = reinterpret_cast<const char*>(row);
  for (int64_t at = 0; at < columns * int64_t(sizeof(T)); at += 64) __builtin_prefetch(bytes + at);
}

/// to[i, :] = from[i, :], columns padded with zeros to `width`.
template <class T>
void copy_rows(int64_t rows, int64_t columns, HeadRows<const T> from, T* to, int64_t width) {
  for (int64_t i = 0; i < rows; ++i, from.first += from.ld, to += width) {
    if (i + rows_ahead < rows) prefetch_row(from.first + rows_ahead * from.ld, columns);
    if (width > columns) clear(to + width - column_step<T>, column_step<T>);
    over_row<T>(columns, [&]<class V>(int64_t j) { write(to + j, read<V>(from.first + j)); });
  }
}

/// Row of k that is packed as key j.
template <class T, class In>
int64_t row_of_key(const AttentionHead<T, In>& head, int64_t j) {
  return head.chosen ? head.chosen[j] : j;
}

/// The gradients of the keys that take part in the rows of k or v; rows that take no part get zeros.
template <class T, class In>
void unpack_keys(const AttentionHead<T, In>& head, HeadRows<const T> from, int64_t columns, HeadRows<T> to) {
  int64_t next = 0;
  for (int64_t i = 0; i < head.rows_of_k; ++i) {
    T* row = to.first + i * to.ld;
    if (head.chosen && (next == head.keys || head.chosen[next] != i)) clear(row, columns);
    else copy_rows<T>(1, columns, {from.first + next++ * from.ld, from.ld}, row, columns);
  }
}

/// c[rows, width] (+)= a[rows, depth] b[depth, width]; width is a multiple of column_step. Panels have even widths: 72
/// columns go as 40 and 32, not as 64 and a slow one of 8.
template <class T, class In>
void multiply(int64_t rows, int64_t width, int64_t depth, const In* a, int64_t row_a, int64_t column_a,
              HeadRows<const In> b, HeadRows<T> c, bool add) {
  const int64_t steps = width / column_step<T>, panels = (steps + most_steps - 1) / most_steps;
  for (int64_t r = 0; r < panels; ++r) {
    const int64_t begin = steps * r / panels * column_step<T>, end = steps * (r + 1) / panels * column_step<T>;
    panel_of_width(end - begin, rows, depth, a, row_a, column_a, b.first + begin, b.ld, c.first + begin, c.ld, add);
  }
}

/// scores[keys, queries] (+)= a[keys, depth] b[depth, queries].
template <class T, class In>
void scores_of(int64_t keys, int64_t queries, int64_t depth, HeadRows<const In> a, const In* b, T* scores,
               bool add = false) {
  multiply<T, In>(keys, queries, depth, a.first, a.ld, int64_t(1), {b, queries_of_tile}, {scores, queries_of_tile},
                  add);
}

/// The state of the softmax of a tile of queries. A blocked score is minus infinity; a query with only blocked scores
/// has a sum of 0.
template <class T>
struct RunningSoftmax {
  T maximum[queries_of_tile], sum[queries_of_tile], correction[queries_of_tile];

  /// scores -> 2^(factor (score - maximum)) for a block of keys. Results for the old maximum have to be multiplied with
  /// `correction`.
  void update(int64_t keys, int64_t queries, T* scores, T factor, bool first) {
    over_row<T>(queries, [&]<class V>(int64_t i) {
      const auto at = [&](int64_t j) { return scores + j * queries_of_tile + i; };
      const V old = first ? read<V>(at(0)) : read<V>(maximum + i);
      V largest[4] = {old, old, old, old};  // independent, so that their latencies overlap
      int64_t j = 0;
      for (; j + 4 <= keys; j += 4)
#pragma GCC unroll 4
        for (int64_t k = 0; k < 4; ++k) largest[k] = larger(read<V>(at(j + k)), largest[k]);
      for (; j < keys; ++j) largest[0] = larger(read<V>(at(j)), largest[0]);
      const V most = larger(larger(largest[1], largest[0]), larger(largest[3], largest[2]));
      const V base = most == minus_infinity<T> ? V{} : most;  // infinities have no difference
      write(maximum + i, most);
      V total{};
      if (!first) {
        const V factor_of_old = exp2_negative(factor * (old - base));
        write(correction + i, factor_of_old);
        total = read<V>(sum + i) * factor_of_old;
      }
      for (j = 0; j < keys; ++j) {
        const V p = exp2_negative(factor * (read<V>(at(j)) - base));
        write(at(j), p);
        total += p;
      }
      write(sum + i, total);
    });
  }

 private:
  template <class V>
  static V larger(V a, V b) {
    return a > b ? a : b;
  }
};

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
