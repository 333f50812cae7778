#include <ditharos/tensor/kernels/gemm/matmul.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/matrix_view.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {

bool matrix_layout(const Tensor& x, MatrixLayout& layout) {
  const int r = x.rank();
  const int64_t rows = x.shape()[r - 2], columns = x.shape()[r - 1];
  const int64_t row_step = x.strides()[r - 2], column_step = x.strides()[r - 1];
  const auto fits = [](int64_t step, int64_t along, int64_t across) {
    return along <= 1 || step >= std::max<int64_t>(across, 1);
  };
  if ((column_step == 1 || columns <= 1) && fits(row_step, rows, columns)) {
    layout = {rows <= 1 ? std::max<int64_t>(columns, 1) : row_step, false};
    return true;
  }
  if ((row_step == 1 || rows <= 1) && fits(column_step, columns, rows)) {
    layout = {columns <= 1 ? std::max<int64_t>(rows, 1) : column_step, true};
    return true;
  }
  return false;
}

Tensor readable_matrix(const Tensor& x, MatrixLayout& layout) {
  if (matrix_layout(x, layout)) return x;
  const Tensor copy = contiguous(x);
  matrix_layout(copy, layout);
  return copy;
}

Tensor as_rows(const Tensor& x) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.rank(); ++i) rows *= x.shape()[i];
  const Shape flat{rows, x.shape().back()};
  return views::reshape(views::can_reshape(x, flat) ? x : contiguous(x), flat);
}

namespace {

Shape leading(const Shape& s) { return {s.begin(), s.end() - 2}; }

/// Distance in elements from the first matrix of x to the one at `index` of the broadcast leading axes `batch`.
int64_t batch_offset(const Tensor& x, const Shape& batch, int64_t index) {
  const int missing = batch.rank() - (x.rank() - 2);
  int64_t offset = 0;
  for (int axis = batch.rank() - 1; axis >= 0; --axis) {
    const int64_t at = index % batch[axis];
    index /= batch[axis];
    const int own = axis - missing;
    if (own >= 0 && x.shape()[own] > 1) offset += at * x.strides()[own];
  }
  return offset;
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out, const Shape& batch) {
  Gemm<T> g;
  MatrixLayout layout_a, layout_b;
  const Tensor left = readable_matrix(a, layout_a), right = readable_matrix(b, layout_b);
  g.m = left.size(-2), g.k = left.size(-1), g.n = right.size(-1);
  g.a = left.data<T>(), g.lda = layout_a.ld, g.transpose_a = layout_a.transposed;
  g.b = right.data<T>(), g.ldb = layout_b.ld, g.transpose_b = layout_b.transposed;
  g.c = out.mutable_data<T>(), g.ldc = std::max<int64_t>(g.n, 1);
  gemm_batched<T>(g, numel(batch), [&](int64_t entry) {
    return GemmOffsets{batch_offset(left, batch, entry), batch_offset(right, batch, entry), entry * g.m * g.n};
  });
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check<DTypeError>(a.dtype() == b.dtype(), "[matmul] got ", a.dtype(), " and ", b.dtype(), "; convert one of them");
  check<ShapeError>(a.rank() >= 1 && b.rank() >= 1, "[matmul] needs at least one axis on both sides, got ", a.shape(),
                    " and ", b.shape());
  // As in NumPy, a vector is a row on the left and a column on the right, and its axis is not in the result.
  const Tensor left = a.rank() == 1 ? views::reshape(a, {1, a.shape()[0]}) : a;
  const Tensor right = b.rank() == 1 ? views::reshape(b, {b.shape()[0], 1}) : b;
  check<ShapeError>(left.size(-1) == right.size(-2), "[matmul] cannot multiply ", a.shape(), " and ", b.shape(), ": ",
                    left.size(-1), " columns meet ", right.size(-2), " rows");
  const Shape batch = broadcast_shapes("matmul", leading(left.shape()), leading(right.shape()));
  Shape shape = batch, result = batch;
  shape.push_back(left.size(-2));
  shape.push_back(right.size(-1));
  if (a.rank() > 1) result.push_back(left.size(-2));
  if (b.rank() > 1) result.push_back(right.size(-1));
  const Tensor out(shape, a.dtype());
  visit_floating("matmul", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Shape rows{numel(leading(left.shape())) * left.size(-2), left.size(-1)};
    if (right.rank() == 2 && left.rank() > 2 && views::can_reshape(left, rows)) {
      // One matrix for all of the batch: a single product with more rows.
      multiply<T>(views::reshape(left, rows), right, views::reshape(out, {rows[0], right.size(-1)}), {});
    } else {
      multiply<T>(left, right, out, batch);
    }
  });
  return views::reshape(out, result);
}

}  // namespace ditharos::kernels
