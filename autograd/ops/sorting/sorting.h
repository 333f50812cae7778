#pragma once
// Orders of elements, under PyTorch's names. NaN is larger than every number. Equal elements keep their order, so that
// results do not depend on the algorithm. Values have the gradient of the elements that they are; indices are i64 and
// have none.
#include <cstdint>
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

class Generator;

struct [[nodiscard]] ValuesAndIndices {
  Tensor values, indices;
};

// --- sorting (sort.cpp) ---
ValuesAndIndices sort(const Tensor& x, int axis = -1, bool descending = false);
Tensor argsort(const Tensor& x, int axis = -1, bool descending = false);
/// The `k` largest or smallest elements along an axis, in order.
ValuesAndIndices topk(const Tensor& x, int64_t k, int axis = -1, bool largest = true);
/// The k-th smallest element, counted from 1.
ValuesAndIndices kthvalue(const Tensor& x, int64_t k, int axis = -1, bool keepdim = false);
Tensor median(const Tensor& x);  ///< of all elements, the lower one of two; NaN if any element is
ValuesAndIndices median(const Tensor& x, int axis, bool keepdim = false);
Tensor nanmedian(const Tensor& x);  ///< the same of the elements that are not NaN; NaN where there are none
ValuesAndIndices nanmedian(const Tensor& x, int axis, bool keepdim = false);
/// The value below which the share q in [0, 1] lies, interpolated linearly; of all elements without an axis. NaN if any
/// element is.
Tensor quantile(const Tensor& x, double q, std::optional<int> axis = {}, bool keepdim = false);

/// The most frequent element along an axis, the smallest one of several, and the index of the last one equal to it; NaN
/// count as equal.
ValuesAndIndices mode(const Tensor& x, int axis = -1, bool keepdim = false);

// --- counting and searching (counting.cpp) ---
struct [[nodiscard]] Unique {
  Tensor values;   ///< [K], increasing
  Tensor inverse;  ///< where each element of x is among them, in x's shape
  Tensor counts;   ///< [K]
};
Unique unique(const Tensor& x);  ///< without a gradient
/// Numbers of 0, 1, 2, ... in x, i64 [N], of at least `minlength`; with weights [N], the sums of their weights.
Tensor bincount(const Tensor& x, const Tensor& weights = {}, int64_t minlength = 0);
/// Numbers of elements in `bins` intervals of one width in [low, high], in x's dtype; low = high: in x's range.
Tensor histc(const Tensor& x, int64_t bins = 100, double low = 0, double high = 0);
/// Where `values` have to be inserted into `sorted` [N], or [..., N] with values [..., M], to keep the order: before
/// equal elements, or behind them if `right`. i64.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);
/// The same with the operands swapped: boundaries [N].
Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right = false);
/// `count` indices, i64, drawn with probabilities proportional to the weights: weights [N] -> [count] or [B, N] ->
/// [B, count]. Without replacement, those with weight 0 are never drawn.
Tensor multinomial(const Tensor& weights, int64_t count, bool replacement, Generator& rng);

}  // namespace ditharos
