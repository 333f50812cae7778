// Diagonals of matrices.
#include <algorithm>
#include <cstdlib>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>

namespace ditharos {

Tensor diagonal(const Tensor& x, int64_t offset, int axis0, int axis1) {
  axis0 = normalize_axis("diagonal", axis0, x.rank());
  axis1 = normalize_axis("diagonal", axis1, x.rank());
  check<ShapeError>(axis0 != axis1, "[diagonal] needs two different axes, got ", axis0, " twice");
  Axes order;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis0 && i != axis1) order.push_back(i);
  order.push_back(axis0), order.push_back(axis1);
  Tensor top = permute(x, order);
  // Without what lies left of the diagonal or above it, the main diagonal is meant.
  if (offset > 0) top = slice(top, -1, std::min(offset, top.size(-1)), top.size(-1));
  if (offset < 0) top = slice(top, -2, std::min(-std::max(offset, -max_size), top.size(-2)), top.size(-2));
  const int64_t columns = top.size(-1), n = std::min(top.size(-2), columns);
  top = slice(top, -2, 0, n);  // [..., n, columns]: element i stands at i (columns + 1)
  Shape flat = top.shape();
  flat.erase(flat.rank() - 1);
  flat[flat.rank() - 1] = n * columns;
  return slice(reshape(top, flat), -1, 0, n == 0 ? 0 : (n - 1) * (columns + 1) + 1, columns + 1);
}

namespace {
/// Rows with x_i at column i + offset, or i where the offset is negative: [..., N] -> [..., size, size].
Tensor on_diagonal(const char* op, const Tensor& x, int64_t offset) {
  check<ShapeError>(x.rank() >= 1, "[", op, "] needs at least one axis, got a scalar");
  const int64_t n = x.size(-1), size = checked_sum(op, {n, std::abs(std::max(offset, -max_size))});
  const int64_t below = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
  static_cast<void>(checked_product(op, {size, size}));
  // x_i, then n zeros: in rows of n, each x_i stands one column further.
  const Tensor spread = pad(unsqueeze(x, -1), {0, n});  // [..., n, n + 1]
  Shape flat = x.shape(), square = x.shape();
  flat[flat.rank() - 1] = n * (n + 1);
  square.push_back(n);
  const Tensor matrix = reshape(slice(reshape(spread, flat), -1, 0, n * n), square);
  return pad(matrix, {right, below, below, right});
}
}  // namespace

Tensor diag_embed(const Tensor& x, int64_t offset) { return on_diagonal("diag_embed", x, offset); }

Tensor diag(const Tensor& x, int64_t offset) {
  check<ShapeError>(x.rank() == 1 || x.rank() == 2, "[diag] needs a vector or a matrix, got shape ", x.shape());
  return x.rank() == 1 ? on_diagonal("diag", x, offset) : diagonal(x, offset);
}

Tensor trace(const Tensor& x) {
  check<ShapeError>(x.rank() == 2, "[trace] needs a matrix, got shape ", x.shape());
  check_full_precision("trace", x.dtype());
  return sum(diagonal(x));
}

}  // namespace ditharos
