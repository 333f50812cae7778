#pragma once
// Element types of tensors and the one dispatch from the run-time tag to the C++ type.
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include <ditharos/tensor/bfloat16.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/float16.h>

namespace ditharos {

/// bf16 and f16 are types of storage and files: they are copied, converted and compared. Arithmetic needs f32 or f64.
enum class DType : uint8_t { f32, f64, bf16, f16, i64, i32, u8, boolean };

template <class T>
struct dtype_of_type;
template <>
struct dtype_of_type<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of_type<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct dtype_of_type<bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct dtype_of_type<float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct dtype_of_type<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct dtype_of_type<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of_type<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of_type<bool> {
  static constexpr DType value = DType::boolean;
};
template <class T>
inline constexpr DType dtype_of = dtype_of_type<T>::value;
/// A type that tensors hold: float, double, bfloat16, float16, int64_t, int32_t, uint8_t or bool.
template <class T>
concept Element = requires { dtype_of_type<T>::value; };

/// Calls f(T{}) with a value of the C++ type that `dtype` names.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::bf16: return f(bfloat16{});
    case DType::f16: return f(float16{});
    case DType::i64: return f(int64_t{});
    case DType::i32: return f(int32_t{});
    case DType::u8: return f(uint8_t{});
    case DType::boolean: break;
  }
  return f(bool{});
}

/// The same for f32 and f64, the two types of gradients. Throws DTypeError with `op` for any other dtype.
template <class F>
decltype(auto) visit_floating(const char* op, DType dtype, F&& f);

[[nodiscard]] inline size_t size_of(DType dtype) {
  return visit_dtype(dtype, [](auto v) { return sizeof(v); });
}
/// bf16 and f16, without arithmetic of their own.
[[nodiscard]] inline bool is_reduced_floating(DType d) { return d == DType::bf16 || d == DType::f16; }
template <class T>
inline constexpr bool is_reduced_float = std::is_same_v<T, bfloat16> || std::is_same_v<T, float16>;
[[nodiscard]] inline bool is_floating(DType d) { return d == DType::f32 || d == DType::f64 || is_reduced_floating(d); }
[[nodiscard]] inline const char* name_of(DType dtype) {
  constexpr const char* names[] = {"f32", "f64", "bf16", "f16", "i64", "i32", "u8", "bool"};
  return names[static_cast<int>(dtype)];
}
[[nodiscard]] inline std::string to_text(DType dtype) { return name_of(dtype); }

/// Throws DTypeError with `op` for bf16 and f16.
inline void check_full_precision(const char* op, DType dtype) {
  check<DTypeError>(!is_reduced_floating(dtype), "[", op, "] does not take ", dtype,
                    "; convert with to(x, DType::f32)");
}
/// Calls f(T{}) for any other dtype.
template <class F>
void visit_full_precision(const char* op, DType dtype, const F& f) {
  check_full_precision(op, dtype);
  visit_dtype(dtype, [&](auto zero) {
    if constexpr (!is_reduced_float<decltype(zero)>) f(zero);
  });
}

/// Throws DTypeError with `op` unless the dtype is f32 or f64. An operation that consists of others calls it first, so
/// that the message names the operation that the caller wrote.
inline void check_floating(const char* op, DType dtype) {
  check<DTypeError>(dtype == DType::f32 || dtype == DType::f64, "[", op, "] computes in f32 or f64, got ", dtype,
                    "; convert with to(x, DType::f32)");
}

template <class F>
decltype(auto) visit_floating(const char* op, DType dtype, F&& f) {
  check_floating(op, dtype);
  if (dtype == DType::f64) return f(double{});
  return f(float{});
}

}  // namespace ditharos
