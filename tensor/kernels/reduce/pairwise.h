#pragma once
// Pairwise summation of numbers that arrive one after the other.
#include <cstdint>

namespace ditharos::kernels {

/// Adds in a balanced tree, organised like a binary counter: the error grows with log n, and the result depends only on
/// the order of the numbers.
template <class T>
class PairwiseSum {
 public:
  void add(T value) {
    int level = 0;
    for (uint64_t carry = count_++; carry & 1; carry >>= 1) value = levels_[level++] + value;
    levels_[level] = value;
  }
  T result() const {
    T total = T(0);
    int level = 0;
    for (uint64_t rest = count_; rest; rest >>= 1, ++level)
      if (rest & 1) total = levels_[level] + total;
    return total;
  }

 private:
  T levels_[64] = {};
  uint64_t count_ = 0;
};

}  // namespace ditharos::kernels
