#pragma once
// The table of elementwise loops, one for each instruction set.
#include <cstdint>

#include <ditharos/tensor/kernels/pointwise/pointwise_ops.h>

namespace ditharos::kernels {

/// Loops run over contiguous memory in whole blocks of this many bytes: the same vector code processes every element,
/// so the bits of a result do not depend on its position. The caller pads the last block.
inline constexpr int64_t block_bytes = 64;
template <class T>
inline constexpr int64_t block_of = block_bytes / int64_t(sizeof(T));

/// n is a multiple of block_of<T>. The result may overwrite an operand.
template <class T>
struct UnaryLoop {
  const char* name;
  void (*run)(int64_t n, const T* x, T* y, T alpha, T beta);  ///< null: not for this type
};
template <class T>
struct BinaryLoop {
  const char* name;
  void (*run)(int64_t n, const T* a, const T* b, T* out);
};

struct PointwiseKernels {
  UnaryLoop<float> (*unary_f32)(Unary);
  UnaryLoop<double> (*unary_f64)(Unary);
  UnaryLoop<int64_t> (*unary_i64)(Unary);
  UnaryLoop<int32_t> (*unary_i32)(Unary);
  UnaryLoop<uint8_t> (*unary_u8)(Unary);
  BinaryLoop<float> (*binary_f32)(Binary);
  BinaryLoop<double> (*binary_f64)(Binary);
  BinaryLoop<int64_t> (*binary_i64)(Binary);
  BinaryLoop<int32_t> (*binary_i32)(Binary);
  BinaryLoop<uint8_t> (*binary_u8)(Binary);

  UnaryLoop<float> unary(Unary op, float) const { return unary_f32(op); }
  UnaryLoop<double> unary(Unary op, double) const { return unary_f64(op); }
  UnaryLoop<int64_t> unary(Unary op, int64_t) const { return unary_i64(op); }
  UnaryLoop<int32_t> unary(Unary op, int32_t) const { return unary_i32(op); }
  UnaryLoop<uint8_t> unary(Unary op, uint8_t) const { return unary_u8(op); }
  BinaryLoop<float> binary(Binary op, float) const { return binary_f32(op); }
  BinaryLoop<double> binary(Binary op, double) const { return binary_f64(op); }
  BinaryLoop<int64_t> binary(Binary op, int64_t) const { return binary_i64(op); }
  BinaryLoop<int32_t> binary(Binary op, int32_t) const { return binary_i32(op); }
  BinaryLoop<uint8_t> binary(Binary op, uint8_t) const { return binary_u8(op); }

  static const PointwiseKernels& baseline();
  static const PointwiseKernels& avx2();
  static const PointwiseKernels& avx512();
};

}  // namespace ditharos::kernels
