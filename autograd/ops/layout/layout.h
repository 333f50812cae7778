#pragma once
// Operations on shapes and layouts beyond those of ops.h, under PyTorch's names. They take any dtype unless a comment
// says otherwise. Results are views if the strides allow it, except for those that repeat elements.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

// --- shapes (layout.cpp) ---
Tensor clone(const Tensor& x);                                    ///< a contiguous copy with a gradient
Tensor flatten(const Tensor& x, int first = 0, int last = -1);    ///< merges the axes first to last
Tensor unflatten(const Tensor& x, int axis, const Shape& shape);  ///< splits an axis; one size may be -1
Tensor movedim(const Tensor& x, int from, int to);
Tensor movedim(const Tensor& x, const Axes& from, const Axes& to);
[[nodiscard]] std::vector<Tensor> unbind(const Tensor& x, int axis = 0);  ///< the slices along an axis, without it
Tensor squeeze(const Tensor& x);                                          ///< without all axes of size 1
Tensor broadcast_to(const Tensor& x, const Shape& shape);
[[nodiscard]] std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& parts);  ///< expanded to one shape
Tensor rot90(const Tensor& x, int64_t turns = 1, int axis0 = 0, int axis1 = 1);         ///< from axis0 towards axis1
Tensor hstack(const std::vector<Tensor>& parts);  ///< cat along axis 1, or 0 for vectors
Tensor vstack(const std::vector<Tensor>& parts);  ///< cat of matrices along axis 0; vectors are rows

// --- diagonals (diagonals.cpp) ---
/// [N] -> [N + |offset|, N + |offset|] with x on a diagonal; a matrix -> its diagonal.
Tensor diag(const Tensor& x, int64_t offset = 0);
Tensor diag_embed(const Tensor& x, int64_t offset = 0);  ///< [..., N] -> [..., N + |offset|, N + |offset|]
Tensor trace(const Tensor& x);                           ///< sum of the diagonal of a matrix

// --- repetition (repetition.cpp) ---
Tensor tile(const Tensor& x, const Shape& counts);  ///< repeat(), where missing counts are 1
/// Each element, or slice along an axis, `count` times one after another; without an axis, of the flat tensor.
Tensor repeat_interleave(const Tensor& x, int64_t count);
Tensor repeat_interleave(const Tensor& x, int64_t count, int axis);
Tensor repeat_interleave(const Tensor& x, const Tensor& counts, int axis);  ///< counts i64 [size of the axis]
/// Coordinates of a grid: result i has the elements of axis i along its axis i ("ij"), or with the first two axes
/// swapped ("xy").
[[nodiscard]] std::vector<Tensor> meshgrid(const std::vector<Tensor>& axes, const std::string& indexing = "ij");
/// i64 [..., classes]: 1 at the label; -1: as many classes as the largest label needs.
Tensor one_hot(const Tensor& labels, int64_t classes = -1);
/// [B, C r^2, H, W] -> [B, C, H r, W r] (Shi et al. 2016), and its inverse.
Tensor pixel_shuffle(const Tensor& x, int64_t factor);
Tensor pixel_unshuffle(const Tensor& x, int64_t factor);

}  // namespace ditharos
