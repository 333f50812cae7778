#pragma once
// Indexing as in NumPy and PyTorch, and reading and writing by index. Indices are i64 and count from the end where they
// are negative, in index(), index_put(), take() and take_along_dim(); elsewhere a negative index is an error, as in
// PyTorch. Nothing is written in place: index_put() and the like return another tensor, with gradients for all
// operands. Where several values are written to one element, the last one in row-major order stays.
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// begin:end:step of Python: bounds beyond the ends mean the ends, negative ones count from the end; step >= 1.
struct Slice {
  std::optional<int64_t> begin = {}, end = {};
  int64_t step = 1;
};
struct NewAxis {};   ///< None in Python: an axis of size 1
struct Ellipsis {};  ///< "..." in Python: all axes that the other indices leave
inline constexpr NewAxis new_axis;
inline constexpr Ellipsis ellipsis;

/// One entry of an index: a number, a Slice, new_axis, ellipsis, or a tensor of indices (i64) or of flags (boolean).
class TensorIndex {
 public:
  TensorIndex(int number) : value(int64_t{number}) {}     // NOLINT: implicit
  TensorIndex(int64_t number) : value(number) {}          // NOLINT: implicit
  TensorIndex(const Slice& slice) : value(slice) {}       // NOLINT: implicit
  TensorIndex(NewAxis) : value(NewAxis{}) {}              // NOLINT: implicit
  TensorIndex(Ellipsis) : value(Ellipsis{}) {}            // NOLINT: implicit
  TensorIndex(const Tensor& indices) : value(indices) {}  // NOLINT: implicit

  std::variant<int64_t, Slice, NewAxis, Ellipsis, Tensor> value;
};

/// x[indices...] of Python: index(x, {0, ellipsis, Slice{1, 3}}), index(x, {mask}). Tensors of indices are broadcast to
/// one shape, which takes the place of their axes where these are adjacent, and else comes first. A view if there is no
/// tensor among the indices.
Tensor index(const Tensor& x, const std::vector<TensorIndex>& indices);
/// x with x[indices...] = values, or += values if they accumulate; the values broadcast.
Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Tensor& values,
                 bool accumulate = false);
Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, double value);

// --- reading (indexing.cpp) ---
Tensor nonzero(const Tensor& x);                      ///< [K, rank], i64: indices of the elements that are not 0
Tensor take(const Tensor& x, const Tensor& indices);  ///< elements of the flat tensor, in the indices' shape
/// gather() where the other axes of x and of the indices broadcast.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int axis);

// --- writing (writing.cpp) ---
/// x with out[i, index[i,j,k], k] = source[i,j,k] for axis 1, likewise for the others; index no larger than source.
Tensor scatter(const Tensor& x, int axis, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int axis, const Tensor& index, double value);
Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& source);  ///< the same, added to x
/// x plus alpha times the slices of `source` along an axis, at indices [K].
Tensor index_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, double alpha = 1);
Tensor index_copy(const Tensor& x, int axis, const Tensor& indices, const Tensor& source);  ///< in place of adding
Tensor index_fill(const Tensor& x, int axis, const Tensor& indices, double value);
/// How scatter_reduce() and index_reduce() combine the values that meet in an element. NaN is the largest and the
/// smallest; the gradient of amax and amin is divided equally among the values that are the result. A mean of integers
/// is rounded down.
enum class ScatterReduction : uint8_t { sum, prod, mean, amax, amin };
/// x with out[i, index[i,j,k], k] = reduction of the source[i,j,k] that are written there and, if `include_self`, of
/// x's own element; the other elements stay (scatter_reduce.cpp).
Tensor scatter_reduce(const Tensor& x, int axis, const Tensor& index, const Tensor& source, ScatterReduction reduction,
                      bool include_self = true);
/// The same for slices of `source` along an axis, at indices [K].
Tensor index_reduce(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, ScatterReduction reduction,
                    bool include_self = true);
/// x with the elements where the mask is true replaced by the first elements of `source`, in order.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

}  // namespace ditharos
