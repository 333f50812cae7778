#pragma once
// Internal to tensor/kernels/attention/.
// Operands of the products of attention in the layouts that the inner loops read. Only for *_isa.cpp.
//
// In f32 and f64 an operand is the numbers themselves, and one copy of a matrix serves on both sides of a product. With
// bfloat16 an operand holds pairs of numbers that are adjacent along the sum, so a matrix [n, d] is packed as a left
// operand [n, d / 2] of a sum over its columns or as a right operand [n / 2, d] of a sum over its rows.
#include <ditharos/tensor/kernels/attention/attention_tiles.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

template <class In> struct OperandOf {
  using type = In;
};
template <> struct OperandOf<bfloat16> {
  using type = BfloatPair;
};
/// What the inner loops read for numbers of type In.
template <class In> using Operand = typename OperandOf<In>::type;
template <class In> inline constexpr bool in_pairs = sizeof(Operand<In>) != sizeof(In);

/// Elements of an operand along a sum of n terms.
template <class In> inline int64_t along_sum(int64_t n) { return in_pairs<In> ? (n + 1) / 2 : n; }

inline uint32_t upper_bits(float x) { return rounded_bits(x); }
inline uint32_t upper_bits(bfloat16 x) { return uint32_t(x.bits) << 16; }

/// Left operand: to[i, :] are the pairs of from[i, :] for i < rows, padded with zeros to `width` pairs; `padded_rows` -
/// rows of zeros.
template <class From>
void pack_rows(int64_t rows, int64_t columns, const From* from, int64_t ld, BfloatPair* to, int64_t width,
               int64_t padded_rows) {
  for (int64_t i = 0; i < padded_rows; ++i, from += ld, to += width) {
    const int64_t used = i < rows ? columns : 0, whole = used / 2;
    if constexpr (sizeof(From) * 2 == sizeof(BfloatPair)) {
      __builtin_memcpy(to, from, uint64_t(whole) * sizeof(BfloatPair));
    } else {
#pragma omp simd
      for (int64_t j = 0; j < whole; ++j) to[j] = upper_bits(from[2 * j]) >> 16 | upper_bits(from[2 * j + 1]);
    }
    if (used % 2) to[whole] = upper_bits(from[used - 1]) >> 16;
    for (int64_t j = (used + 1) / 2; j < width; ++j) to[j] = 0;
  }
}

/// Right operand: to[p, j] is the pair of column j in rows 2 p and 2 p + 1, padded with zeros. row(i) is the address of
/// row i.
template <class Row>
void pack_row_pairs(int64_t rows, int64_t columns, const Row& row, BfloatPair* to, int64_t width) {
  for (int64_t i = 0; i < rows; i += 2, to += width) {
    const auto* first = row(i);
    if (i + 1 < rows) {
      const auto* second = row(i + 1);
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) to[j] = upper_bits(first[j]) >> 16 | upper_bits(second[j]);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) to[j] = upper_bits(first[j]) >> 16;
    }
    for (int64_t j = columns; j < width; ++j) to[j] = 0;
  }
}

/// The row of k or v that is packed as key j.
template <class T, class In>
const In* key_row(const AttentionHead<T, In>& head, HeadRows<const In> from, int64_t j) {
  return from.first + row_of_key(head, j) * from.ld;
}

/// The rows of k or v that take part, without gaps, as a left operand.
template <class T, class In>
void pack_keys(const AttentionHead<T, In>& head, HeadRows<const In> from, int64_t columns, Operand<In>* to,
               int64_t width) {
  const auto pack = [&](int64_t rows, const In* first, Operand<In>* at) {
    if constexpr (in_pairs<In>) pack_rows(rows, columns, first, from.ld, at, width, rows);
    else pack_rows(rows, columns, first, from.ld, T(1), at, width, rows);
  };
  if (!head.chosen) return pack(head.keys, from.first, to);
  for (int64_t j = 0; j < head.keys; ++j) pack(1, key_row(head, from, j), to + j * width);
}

/// The same as a right operand.
template <class T, class In>
void pack_keys_on_right(const AttentionHead<T, In>& head, HeadRows<const In> from, int64_t columns, Operand<In>* to,
                        int64_t width) {
  if constexpr (in_pairs<In>)
    pack_row_pairs(head.keys, columns, [&](int64_t j) { return key_row(head, from, j); }, to, width);
  else pack_keys(head, from, columns, to, width);
}

/// A tile of queries as a left operand. Numbers are multiplied with the scale of the scores. Pairs are not, because
/// rounding would add an error: scale_scores() does it.
template <class T>
void pack_queries(const AttentionHead<T, T>& head, int64_t q, int64_t rows, T* to, int64_t width, int64_t padded_rows) {
  pack_rows(rows, head.head_size, head.q.first + q * head.q.ld, head.q.ld, head.scale, to, width, padded_rows);
}
inline void pack_queries(const AttentionHead<float, bfloat16>& head, int64_t q, int64_t rows, BfloatPair* to,
                         int64_t width, int64_t padded_rows) {
  pack_rows(rows, head.head_size, head.q.first + q * head.q.ld, head.q.ld, to, width, padded_rows);
}
template <class In, class T>
void scale_scores(int64_t keys, int64_t queries, T scale, T* scores) {
  if constexpr (in_pairs<In>) {
    for (int64_t j = 0; j < keys; ++j, scores += queries_of_tile) {
#pragma omp simd
      for (int64_t i = 0; i < queries; ++i) scores[i] *= scale;
    }
  }
}

/// A number as products read it: the nearest bfloat16 for pairs. V is a vector or a number.
template <class In, class V>
V as_operand(V x) {
  if constexpr (in_pairs<In>) return nearest(x);
  else return x;
}

/// A matrix of scores [keys, queries] with rows `ld` apart as a left operand of a sum over the keys or the queries.
template <class Element>
struct LeftOperand {
  const Element* first;
  int64_t row, column;  // strides
};
/// Over the keys: the operand's rows are queries. `pairs` has room for keys_of_block * queries_of_tile / 2.
template <class In, class T>
LeftOperand<Operand<In>> over_keys(int64_t keys, int64_t queries, const T* scores, int64_t ld,
                                   [[maybe_unused]] Operand<In>* pairs) {
  if constexpr (in_pairs<In>) {
    pack_row_pairs(keys, queries, [&](int64_t j) { return scores + j * ld; }, pairs, queries_of_tile);
    return {pairs, 1, queries_of_tile};
  } else {
    return {scores, 1, ld};
  }
}
/// c[rows, width] (+)= a b for the first keys of a right operand b, which has further keys if `more`. Where they are
/// odd in number, the next key is the other half of the last pair. It must not be read: its weight is 0, but it may be
/// infinite. `row` has room for a row of b.
template <class In, class T>
void multiply_keys(int64_t rows, int64_t width, int64_t keys, [[maybe_unused]] bool more,
                   const LeftOperand<Operand<In>>& a, const Operand<In>* b, [[maybe_unused]] Operand<In>* row, T* c,
                   bool add) {
  int64_t depth = along_sum<In>(keys);
  if constexpr (in_pairs<In>) {
    if (more && keys % 2 == 1) {
      --depth;
      for (int64_t j = 0; j < width; ++j) row[j] = b[depth * width + j] & 0xffffu;
      multiply(rows, width, depth, a.first, a.row, a.column, b, c, add);
      return multiply(rows, width, int64_t(1), a.first + depth * a.column, a.row, a.column,
                      static_cast<const Operand<In>*>(row), c, true);
    }
  }
  multiply(rows, width, depth, a.first, a.row, a.column, b, c, add);
}

/// Over the queries: the operand's rows are keys.
template <class In, class T>
LeftOperand<Operand<In>> over_queries(int64_t keys, int64_t queries, const T* scores, int64_t ld,
                                      [[maybe_unused]] Operand<In>* pairs) {
  if constexpr (in_pairs<In>) {
    pack_rows(keys, queries, scores, ld, pairs, queries_of_tile / 2, keys);
    return {pairs, queries_of_tile / 2, 1};
  } else {
    return {scores, ld, 1};
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
