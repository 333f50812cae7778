#pragma once
// Conversion of one element between the types that tensors hold.
#include <limits>
#include <type_traits>

#include <ditharos/tensor/dtype.h>

namespace ditharos::kernels {

/// Float to integer truncates; what does not fit becomes the nearest integer that does, NaN becomes 0. To boolean is
/// "not zero". Integers wrap around.
template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>) return value;
  else if constexpr (is_reduced_float<From>) return convert<To>(static_cast<float>(value));
  else if constexpr (is_reduced_float<To>) return To(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, bool>) return value != From(0);
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    // The upper bound, 2^63 or the like, is exact in every floating type; the largest integer is not.
    constexpr From above = From(To(1) << (Limits::digits - 1)) * 2;
    if (value >= above) return Limits::max();
    if (value <= From(Limits::min())) return Limits::min();
    return value == value ? static_cast<To>(value) : To(0);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace ditharos::kernels
