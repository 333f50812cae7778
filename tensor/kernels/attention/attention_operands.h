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

template <class In>
struct OperandOf {
  using type = In;
};
template <>
struct OperandOf<bfloat16> {
  using type = BfloatPair;
};
/// What the inner loops read for numbers of type In.
template <class In>
using Operand = typename OperandOf<In>::type;
template <class In>
inline constexpr bool in_pairs = sizeof(Operand<In>) != sizeof(In);

/// Elements of an operand along a sum of n terms.
template <class In>
inline int64_t along_sum(int64_t n) {
  return in_pairs<In> ? (n + 1) / 2 : n;
}

/// Left operand: to[i, :] are the pairs of from[i, :], the last one with a zero if the columns are odd in number.
template <class From>
void pack_rows(int64_t rows, int64_t columns, HeadRows<const From> from, BfloatPair* to, int64_t width) {
  const int64_t whole = columns / 2;
  for (int64_t i = 0; i < rows; ++i, from.first += from.ld, to += width) {
    if (i + rows_ahead < rows) prefetch_row(from.first + rows_ahead * from.ld, columns);
    over_row<BfloatPair>(whole, [&]<class V>(int64_t j) { write(to + j, adjacent_pairs<V>(from.first + 2 * j)); });
    if (columns % 2) to[whole] = rounded_bits(number(from.first[columns - 1])) >> 16;
  }
}

/// Right operand: to[p, j] is the pair of column j in rows 2 p and 2 p + 1, padded with zeros. row(i) is the address of
/// row i.
template <class Row>
void pack_row_pairs(int64_t rows, int64_t columns, const Row& row, BfloatPair* to, int64_t width) {
  for (int64_t i = 0; i < rows; i += 2, to += width) {
    if (i + rows_ahead + 1 < rows) {
      prefetch_row(row(i + rows_ahead), columns);
      prefetch_row(row(i + rows_ahead + 1), columns);
    }
    const auto *first = row(i), *second = row(i + 1 < rows ? i + 1 : i);
    const BfloatPair used = i + 1 < rows ? ~0u : 0xffffu;
    if (width > columns) clear(to + width - column_step<BfloatPair>, column_step<BfloatPair>);
    over_row<BfloatPair>(columns, [&]<class V>(int64_t j) {
      const V pairs = pairs_of<V>(first + j, second + j) & used;
      write(to + j, pairs);
    });
  }
}

// Operands of `rows` rows of `from`, in `buffer`. Numbers that are read `once` are read in place, as right operands
// only if the columns are whole steps.
template <class T>
HeadRows<const T> on_left(int64_t rows, int64_t columns, HeadRows<const T> from, bool once, T* buffer) {
  if (once) return from;
  copy_rows(rows, columns, from, buffer, in_steps<T>(columns));
  return {buffer, in_steps<T>(columns)};
}
template <class T>
HeadRows<const T> on_right(int64_t rows, int64_t columns, HeadRows<const T> from, bool once, T* buffer) {
  return on_left(rows, columns, from, once && columns % column_step<T> == 0, buffer);
}
template <class From>
HeadRows<const BfloatPair> on_left(int64_t rows, int64_t columns, HeadRows<const From> from, bool, BfloatPair* buffer) {
  const int64_t width = in_steps<BfloatPair>((columns + 1) / 2);
  pack_rows(rows, columns, from, buffer, width);
  return {buffer, width};
}
template <class From>
HeadRows<const BfloatPair> on_right(int64_t rows, int64_t columns, HeadRows<const From> from, bool,
                                    BfloatPair* buffer) {
  const int64_t width = in_steps<float>(columns);
  pack_row_pairs(rows, columns, [&](int64_t i) { return from.first + i * from.ld; }, buffer, width);
  return {buffer, width};
}

/// The rows of k or v that take part, without gaps.
template <class T, class In>
HeadRows<const Operand<In>> keys_on_left(const AttentionHead<T, In>& head, HeadRows<const In> from, int64_t columns,
                                         bool once, Operand<In>* buffer) {
  if (!head.chosen) return on_left(head.keys, columns, from, once, buffer);
  const int64_t width = in_steps<Operand<In>>(along_sum<In>(columns));
  for (int64_t j = 0; j < head.keys; ++j)
    on_left(1, columns, HeadRows<const In>{from.first + head.chosen[j] * from.ld, from.ld}, false, buffer + j * width);
  return {buffer, width};
}
template <class T, class In>
HeadRows<const Operand<In>> keys_on_right(const AttentionHead<T, In>& head, HeadRows<const In> from, int64_t columns,
                                          bool once, Operand<In>* buffer) {
  if (!head.chosen) return on_right(head.keys, columns, from, once, buffer);
  if constexpr (in_pairs<In>) {
    const int64_t width = in_steps<T>(columns);
    pack_row_pairs(head.keys, columns, [&](int64_t j) { return from.first + head.chosen[j] * from.ld; }, buffer, width);
    return {buffer, width};
  } else {
    return keys_on_left(head, from, columns, false, buffer);
  }
}

/// to[columns, rows] = from[rows, columns], rows queries_of_tile apart: the right operand of a sum over the columns.
template <class T>
void transpose_tile(int64_t rows, int64_t columns, HeadRows<const T> from, [[maybe_unused]] T* buffer, T* to) {
  transpose(rows, columns, from.first, from.ld, to, queries_of_tile);
}
template <class From>
void transpose_tile(int64_t rows, int64_t columns, HeadRows<const From> from, BfloatPair* buffer, BfloatPair* to) {
  const HeadRows<const BfloatPair> pairs = on_left(rows, columns, from, false, buffer);
  transpose(rows, (columns + 1) / 2, pairs.first, pairs.ld, to, queries_of_tile);
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
                   const LeftOperand<Operand<In>>& a, HeadRows<const Operand<In>> b, [[maybe_unused]] Operand<In>* row,
                   HeadRows<T> c, bool add) {
  int64_t depth = along_sum<In>(keys);
  if constexpr (in_pairs<In>) {
    if (more && keys % 2 == 1) {
      --depth;
      for (int64_t j = 0; j < width; ++j) row[j] = b.first[depth * b.ld + j] & 0xffffu;
      multiply(rows, width, depth, a.first, a.row, a.column, b, c, add);
      multiply<T, BfloatPair>(rows, width, 1, a.first + depth * a.column, a.row, a.column, {row, width}, c, true);
      return;
    }
  }
  multiply(rows, width, depth, a.first, a.row, a.column, b, c, add);
}

/// Over the queries: the operand's rows are keys.
template <class In, class T>
LeftOperand<Operand<In>> over_queries(int64_t keys, int64_t queries, const T* scores, int64_t ld,
                                      [[maybe_unused]] Operand<In>* pairs) {
  if constexpr (in_pairs<In>) {
    pack_rows(keys, queries, HeadRows<const T>{scores, ld}, pairs, queries_of_tile / 2);
    return {pairs, queries_of_tile / 2, 1};
  } else {
    return {scores, ld, 1};
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
