#pragma once
// Arithmetic on sizes from a user or a file: the result is exact, or an exception is thrown.
#include <cstdint>
#include <initializer_list>

#include <ditharos/tensor/error.h>

namespace ditharos {

/// The largest size, in elements, that any product or sum may have: numel() has the same limit.
inline constexpr int64_t max_size = int64_t{1} << 62;

namespace detail {

template <class E>
[[noreturn]] void refuse_size(const char* op, const char* sign, std::initializer_list<int64_t> values) {
  std::string text;
  for (const int64_t value : values) text += (text.empty() ? "" : sign) + std::to_string(value);
  fail<E>("[", op, "] ", text, " is more than a size can be (", max_size, ")");
}

}  // namespace detail

/// The product of the factors. Throws E, with `op` and the factors, if its magnitude or that of a partial product is
/// above max_size.
template <class E = ShapeError>
[[nodiscard]] int64_t checked_product(const char* op, std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    const bool overflow = __builtin_mul_overflow(product, factor, &product);
    if (overflow || product > max_size || product < -max_size) [[unlikely]]
      detail::refuse_size<E>(op, " * ", factors);
  }
  return product;
}

/// The same for sums.
template <class E = ShapeError>
[[nodiscard]] int64_t checked_sum(const char* op, std::initializer_list<int64_t> terms) {
  int64_t sum = 0;
  for (const int64_t term : terms) {
    const bool overflow = __builtin_add_overflow(sum, term, &sum);
    if (overflow || sum > max_size || sum < -max_size) [[unlikely]]
      detail::refuse_size<E>(op, " + ", terms);
  }
  return sum;
}

}  // namespace ditharos
