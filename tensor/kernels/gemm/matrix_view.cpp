#include <ditharos/tensor/kernels/gemm/matrix_view.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
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

Shape with_last(Shape shape, int64_t last) {
  shape[shape.rank() - 1] = last;
  return shape;
}

}  // namespace ditharos::kernels
