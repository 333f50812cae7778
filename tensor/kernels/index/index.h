#pragma once
// Reading and adding by index. Indices are i64 and checked before anything is written.
#include <cstdint>
#include <vector>

#include <ditharos/tensor/kernels/index/index_add.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// out[i..., :] = table[indices[i...], :] for axis 0, likewise for the others: the indices' shape, any, takes the place
/// of the axis. ShapeError names a bad index.
Tensor index_select(const Tensor& table, int axis, const Tensor& indices);
/// out[i,j,k] = x[i, index[i,j,k], k] for axis 1, likewise for the others (torch.gather); index's shape is out's.
Tensor gather(const Tensor& x, int axis, const Tensor& index);
/// The adjoint: zeros of `shape` with out[i, index[i,j,k], k] += values[i,j,k], in order; more than a few f32 values of
/// a line are added in double.
Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, const Shape& shape);
/// DTypeError and ShapeError in the name of `op` unless scatter_add() could write to `shape` at the index.
void check_index(const char* op, const Shape& shape, int axis, const Tensor& index);
/// f32, f64 and i64: x folded with the values at their places, in order: out[i, index[i,j,k], k] = fold(itself,
/// values[i,j,k]). NaN is the largest and the smallest. Messages are in the name of `op`.
enum class Fold : uint8_t { prod, amax, amin };
Tensor scatter_fold(const char* op, Fold fold, const Tensor& x, int axis, const Tensor& index, const Tensor& values);
/// For each element of `shape`, the row-major position in `index` of the last one that names it (scatter_add's rule),
/// or -1; i64. Messages are in the name of `op`.
Tensor last_writers(const char* op, const Shape& shape, int axis, const Tensor& index);

/// The same for the first, the second, ... one that names it, up to the most that name one element.
std::vector<Tensor> writers(const char* op, const Shape& shape, int axis, const Tensor& index);

}  // namespace ditharos::kernels
