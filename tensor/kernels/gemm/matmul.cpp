#include <ditharos/tensor/kernels/gemm/matmul.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/dot_isa.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/matrix_view.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
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

template <class In>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out, const Shape& batch) {
  using T = ProductOf<In>;
  Gemm<T, In> g;
  MatrixLayout layout_a, layout_b;
  const Tensor left = readable_matrix(a, layout_a), right = readable_matrix(b, layout_b);
  g.m = left.size(-2), g.k = left.size(-1), g.n = right.size(-1);
  g.a = left.data<In>(), g.lda = layout_a.ld, g.transpose_a = layout_a.transposed;
  g.b = right.data<In>(), g.ldb = layout_b.ld, g.transpose_b = layout_b.transposed;
  g.c = out.mutable_data<T>(), g.ldc = std::max<int64_t>(g.n, 1);
  gemm_batched<T, In>(g, numel(batch), [&](int64_t entry) {
    return GemmOffsets{batch_offset(left, batch, entry), batch_offset(right, batch, entry), entry * g.m * g.n};
  });
}

/// A matrix with rows in order, and a vector: a product of vectors a row.
template <class T>
bool multiply_vector(const Tensor& a, const Tensor& b, const Tensor& out) {
  MatrixLayout layout_a;
  const Tensor left = readable_matrix(a, layout_a), right = contiguous(b);
  const int64_t rows = left.size(-2), n = left.size(-1);
  if (layout_a.transposed || rows == 0 || n < 16) return false;
  const T *pa = left.data<T>(), *pb = right.data<T>();
  T* to = out.mutable_data<T>();
  count_flops(2.0 * double(rows) * double(n));
  const DotKernels& kernels = isa_kernels<DotKernels>();
  parallel_for(rows, std::max<int64_t>(1, 65536 / n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = kernels.dot(pa + i * layout_a.ld, pb, n);
  });
  return true;
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
  const Tensor out(shape, product_dtype(a.dtype()));
  visit_product_operand("matmul", a.dtype(), [&](auto zero) {
    using In = decltype(zero);
    // One matrix on the left.
    const auto left_matrix = [&](const Tensor& matrix, const Tensor& to) {
      if constexpr (!is_reduced_float<In>)
        if (right.size(-1) == 1 && multiply_vector<In>(matrix, right, to)) return;
      multiply<In>(matrix, right, to, {});
    };
    const Shape rows{numel(leading(left.shape())) * left.size(-2), left.size(-1)};
    if (right.rank() == 2 && left.rank() > 2 && views::can_reshape(left, rows)) {
      // One matrix for all of the batch: a single product with more rows.
      left_matrix(views::reshape(left, rows), views::reshape(out, {rows[0], right.size(-1)}));
    } else if (right.rank() == 2 && left.rank() == 2) {
      left_matrix(left, out);
    } else {
      multiply<In>(left, right, out, batch);
    }
  });
  return views::reshape(out, result);
}

}  // namespace ditharos::kernels
