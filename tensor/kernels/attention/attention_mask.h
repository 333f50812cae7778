#pragma once
// Internal to tensor/kernels/attention/.
// Masks of attention, a tile of queries against a block of keys at a time. Only for *_isa.cpp.
#include <ditharos/tensor/kernels/attention/attention_tiles.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// Keys at the front that some query before `end` may see.
template <class T, class In>
int64_t keys_in_sight(const AttentionHead<T, In>& head, int64_t end) {
  if (!head.mask.causal) return head.keys;
  if (!head.chosen) return min_of(head.keys, end);
  int64_t keys = 0;
  while (keys < head.keys && head.chosen[keys] < end) ++keys;
  return keys;
}

template <class T>
bool has_matrix(const ScoreMask<T>& mask) {
  return mask.bias || mask.seen;
}
/// What products of queries and keys are multiplied with to be scores. TileMask::apply multiplies where it adds.
template <class T, class In>
T unit_of_scores(const AttentionHead<T, In>& head) {
  return has_matrix(head.mask) || head.mask.key_bias ? T(1) : head.scale;
}
/// True when a block of keys may be masked out for a tile of queries.
template <class T>
bool leaves_gaps(const ScoreMask<T>& mask) {
  return mask.causal || has_matrix(mask);
}

inline int32_t integer_like(float) { return 0; }
inline int64_t integer_like(double) { return 0; }

/// to[j] = what from[j * stride] adds to a score, for j < n.
template <class T>
inline void read_row(const T* from, int64_t stride, int64_t n, T* to) {
  if (stride == 1) __builtin_memcpy(to, from, uint64_t(n) * sizeof(T));
  else
    for (int64_t j = 0; j < n; ++j) to[j] = from[j * stride];
}
template <class T>
inline void read_row(const bool* from, int64_t stride, int64_t n, T* to) {
  using Bits = decltype(integer_like(T()));
  constexpr Bits blocked = __builtin_bit_cast(Bits, minus_infinity<T>);
  if (stride == 1) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) to[j] = __builtin_bit_cast(T, (Bits(from[j]) - 1) & blocked);
  } else {
    for (int64_t j = 0; j < n; ++j) to[j] = from[j * stride] ? T(0) : minus_infinity<T>;
  }
}

/// The mask of one tile and one block at a time.
template <class T, class In>
class TileMask {
 public:
  /// Scratch memory: two of [keys_of_block, queries_of_tile].
  TileMask(const AttentionHead<T, In>& head, T* rows, T* columns) : head_(head), rows_(rows), columns_(columns) {}

  /// Reads the mask of `queries` queries from q on and `keys` keys from k on. False when it blocks all of them.
  bool read(int64_t q, int64_t queries, int64_t k, int64_t keys) {
    const ScoreMask<T>& mask = head_.mask;
    if (!has_matrix(mask)) return true;
    int open = 0;
    for (int64_t i = 0; i < queries; ++i) {
      T* to = rows_ + i * keys_of_block;
      const int64_t at = (q + i) * mask.row + k * mask.column;
      if (mask.seen) read_row(mask.seen + at, mask.column, keys, to);
      else read_row(mask.bias + at, mask.column, keys, to);
#pragma omp simd reduction(| : open)
      for (int64_t j = 0; j < keys; ++j) open |= to[j] != minus_infinity<T>;
    }
    if (!open) return false;
    const int64_t lanes_used = in_steps<T>(queries);
    clear(rows_ + queries * keys_of_block, (lanes_used - queries) * keys_of_block);
    // In the layout of the scores. Rows behind the last key are uninitialised and not used.
    transpose(lanes_used, in_steps<T>(keys), rows_, keys_of_block, columns_, queries_of_tile);
    return true;
  }

  /// Adds what was read to the scaled products of queries and keys; blocked ones become minus infinity. Without
  /// anything to add, the others stay products.
  void apply(int64_t q, int64_t queries, int64_t k, int64_t keys, T* scores) const {
    const ScoreMask<T>& mask = head_.mask;
    const int64_t lanes_used = in_steps<T>(queries);
    const T* added = columns_;
    for (int64_t j = 0; j < keys; ++j, scores += queries_of_tile, added += queries_of_tile) {
      if (has_matrix(mask)) {
#pragma omp simd
        for (int64_t i = 0; i < lanes_used; ++i)
          scores[i] = added[i] == minus_infinity<T> ? minus_infinity<T> : head_.scale * scores[i] + added[i];
      } else if (mask.key_bias) {
        const T bias = mask.key_bias[k + j];
#pragma omp simd
        for (int64_t i = 0; i < lanes_used; ++i) scores[i] = head_.scale * scores[i] + bias;
      }
      if (!mask.causal) continue;
      const int64_t before = min_of(queries, row_of_key(head_, k + j) - q);  // queries before the key
      for (int64_t i = 0; i < before; ++i) scores[i] = minus_infinity<T>;
    }
  }

 private:
  const AttentionHead<T, In>& head_;
  T *rows_, *columns_;
};

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
