#pragma once
// Counter-based random numbers (Philox 4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
// Element i of a draw depends on (seed, offset + i) alone, so every thread count gives the same numbers, and two
// integers are the whole state.
#include <array>
#include <cstdint>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// The four 32-bit words of Philox 4x32-10 for a key and a counter of 128 bits, least significant words first. The
/// generator below counts in the lower 64 bits.
[[nodiscard]] std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter, uint64_t counter_high = 0);

/// A stream of random numbers. Each drawn element advances `offset` by one.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0, uint64_t offset = 0) : seed_(seed), offset_(offset) {}

  Tensor uniform(const Shape& shape, DType dtype = DType::f32);  ///< in [0, 1)
  Tensor normal(const Shape& shape, DType dtype = DType::f32);   ///< mean 0, variance 1 (Box-Muller in double)
  /// i64 in [low, high); each value's probability is within 2^-64 of the others'.
  Tensor randint(int64_t low, int64_t high, const Shape& shape);
  /// 1 with probability p, else 0.
  Tensor bernoulli(double p, const Shape& shape, DType dtype = DType::f32);
  /// A permutation of 0..n-1 (Fisher-Yates), i64.
  Tensor permutation(int64_t n);
  double uniform();
  /// An independent stream for a named purpose ("noise", an epoch number). It depends on the seed and the key alone.
  /// For one seed, different keys give different streams; for one key, different seeds do (a bijective mixer of 64
  /// bits).
  Generator fork(uint64_t key) const;

  uint64_t seed() const { return seed_; }
  uint64_t offset() const { return offset_; }

 private:
  uint64_t seed_, offset_;
};

}  // namespace ditharos
