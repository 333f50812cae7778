#include <ditharos/tensor/kernels/linalg/linalg.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/linalg/lapack.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

using lapack::Integer;

/// A batch of matrices, contiguous and finite.
struct Matrices {
  int64_t count = 1, rows, columns;
  Tensor elements;

  Matrices(const char* op, const Tensor& x) {
    check<ConfigError>(lapack::available, "[", op,
                       "] needs LAPACK, which this build lacks; install liblapacke-dev and "
                       "configure again");
    check_floating(op, x.dtype());
    check<ShapeError>(x.rank() >= 2, "[", op, "] needs matrices, got shape ", x.shape());
    rows = x.size(-2), columns = x.size(-1);
    check<ShapeError>(rows <= most && columns <= most, "[", op, "] shape ", x.shape(), " is too large for LAPACK");
    for (int i = 0; i < x.rank() - 2; ++i) count *= x.shape()[i];
    check(all_finite(x), "[", op, "] a matrix of shape ", x.shape(), " has elements that are not finite");
    elements = contiguous(x);
  }

  int64_t size() const { return rows * columns; }
  bool empty() const { return count * rows * columns == 0; }
  Shape batch() const { return Shape(elements.shape().begin(), elements.shape().end() - 2); }
  void check_square(const char* op) const {
    check<ShapeError>(rows == columns, "[", op, "] needs square matrices, got shape ", elements.shape());
  }

  static constexpr int64_t most = std::numeric_limits<int32_t>::max();
};

Shape extended(Shape shape, std::initializer_list<int64_t> sizes) {
  for (int64_t size : sizes) shape.push_back(size);
  return shape;
}

/// A copy that LAPACK may overwrite.
Tensor copy(const Tensor& x) { return to(x, x.dtype()); }

/// Runs f(i) for each matrix; f returns LAPACK's info, and `explain` turns the first that is not 0 into an error.
template <class F, class Explain>
void for_each_matrix(int64_t count, const F& f, const Explain& explain) {
  std::vector<int> infos(static_cast<size_t>(count));
  parallel_tasks(count, [&](int64_t i) { infos[size_t(i)] = f(i); });
  for (int64_t i = 0; i < count; ++i)
    if (infos[size_t(i)] != 0) explain(i, infos[size_t(i)]);
}

auto singular(const char* op) {
  return [op](int64_t i, int info) { fail("[", op, "] matrix ", i, " is singular: pivot ", info, " is 0"); };
}
auto not_converged(const char* op) {
  return [op](int64_t i, int) { fail("[", op, "] LAPACK's iteration did not converge for matrix ", i); };
}

void check_right_side(const char* op, const Matrices& a, const Tensor& b) {
  check<DTypeError>(b.dtype() == a.elements.dtype(), "[", op, "] A is ", a.elements.dtype(), ", B is ", b.dtype(),
                    "; convert one of them");
  check<ShapeError>(b.rank() == a.elements.rank() && b.size(-2) == a.rows &&
                        Shape(b.shape().begin(), b.shape().end() - 2) == a.batch(),
                    "[", op, "] A of shape ", a.elements.shape(), " does not fit B of shape ", b.shape());
}

}  // namespace

bool has_lapack() { return lapack::available; }

Tensor solve(const char* op, const Tensor& a, const Tensor& b) {
  const Matrices left(op, a), right(op, b);
  left.check_square(op);
  check_right_side(op, left, b);
  const Tensor factors = copy(left.elements), x = copy(right.elements);
  if (right.empty()) return x;
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *pa = factors.mutable_data<T>(), *px = x.mutable_data<T>();
    for_each_matrix(
        left.count,
        [&](int64_t i) {
          std::vector<Integer> pivots(static_cast<size_t>(left.rows));
          return lapack::gesv(Integer(left.rows), Integer(right.columns), pa + i * left.size(), pivots.data(),
                              px + i * right.size());
        },
        singular(op));
  });
  return x;
}

Tensor solve_triangular(const char* op, const Tensor& a, const Tensor& b, bool upper, bool unit) {
  const Matrices left(op, a), right(op, b);
  left.check_square(op);
  check_right_side(op, left, b);
  const Tensor x = copy(right.elements);
  if (right.empty()) return x;
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* pa = left.elements.data<T>();
    T* px = x.mutable_data<T>();
    for_each_matrix(
        left.count,
        [&](int64_t i) {
          return lapack::trtrs(upper ? 'U' : 'L', unit ? 'U' : 'N', Integer(left.rows), Integer(right.columns),
                               pa + i * left.size(), px + i * right.size());
        },
        singular(op));
  });
  return x;
}

Tensor cholesky(const char* op, const Tensor& a) {
  const Matrices in(op, a);
  in.check_square(op);
  const Tensor out = copy(in.elements);
  if (in.empty()) return out;
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* p = out.mutable_data<T>();
    const int64_t n = in.rows;
    for_each_matrix(
        in.count,
        [&](int64_t i) {
          T* matrix = p + i * in.size();
          for (int64_t r = 0; r < n; ++r) std::fill(matrix + r * n + r + 1, matrix + (r + 1) * n, T(0));
          return lapack::potrf(Integer(n), matrix);
        },
        [op](int64_t i, int info) {
          fail("[", op, "] matrix ", i, " is not positive definite: its leading minor of order ", info,
               " is not positive");
        });
  });
  return out;
}

SignedLogDet signed_log_det(const char* op, const Tensor& a) {
  const Matrices in(op, a);
  in.check_square(op);
  const Tensor factors = copy(in.elements), sign(in.batch(), a.dtype()), log(in.batch(), a.dtype());
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = in.rows;
    T *p = factors.mutable_data<T>(), *s = sign.mutable_data<T>(), *l = log.mutable_data<T>();
    parallel_tasks(in.count, [&](int64_t i) {
      std::vector<Integer> pivots(static_cast<size_t>(n));
      T* matrix = p + i * in.size();
      if (n > 0) lapack::getrf(Integer(n), matrix, pivots.data());  // a pivot of 0 shows in the product
      double sum = 0;
      bool negative = false, singular = false;
      for (int64_t k = 0; k < n; ++k) {
        const T pivot = matrix[k * n + k];
        negative ^= (pivot < 0) != (pivots[size_t(k)] != k + 1);
        singular |= pivot == 0;
        sum += std::log(std::abs(double(pivot)));
      }
      s[i] = singular ? T(0) : negative ? T(-1) : T(1);
      l[i] = T(sum);
    });
  });
  return {sign, log};
}

Factors qr(const char* op, const Tensor& a) {
  const Matrices in(op, a);
  const int64_t m = in.rows, n = in.columns;
  check<ShapeError>(m >= n, "[", op, "] needs at least as many rows as columns, got shape ", a.shape());
  const Tensor q = copy(in.elements), r(extended(in.batch(), {n, n}), a.dtype());
  fill(r, 0);
  if (in.empty()) return {q, r, {}};
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *pq = q.mutable_data<T>(), *pr = r.mutable_data<T>();
    for_each_matrix(
        in.count,
        [&](int64_t i) {
          std::vector<T> tau(static_cast<size_t>(n));
          T *matrix = pq + i * in.size(), *triangle = pr + i * n * n;
          const int info = lapack::geqrf(Integer(m), Integer(n), matrix, tau.data());
          for (int64_t row = 0; row < n; ++row)
            std::copy(matrix + row * n + row, matrix + (row + 1) * n, triangle + row * n + row);
          return info != 0 ? info : lapack::orgqr(Integer(m), Integer(n), matrix, tau.data());
        },
        not_converged(op));
  });
  return {q, r, {}};
}

Factors svd(const char* op, const Tensor& a) {
  const Matrices in(op, a);
  const int64_t m = in.rows, n = in.columns, k = std::min(m, n);
  const Tensor scratch = copy(in.elements), u(extended(in.batch(), {m, k}), a.dtype()),
               s(extended(in.batch(), {k}), a.dtype()), vh(extended(in.batch(), {k, n}), a.dtype());
  if (in.empty()) return {u, s, vh};
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *p = scratch.mutable_data<T>(), *pu = u.mutable_data<T>(), *ps = s.mutable_data<T>();
    T* pv = vh.mutable_data<T>();
    for_each_matrix(
        in.count,
        [&](int64_t i) {
          return lapack::gesdd(Integer(m), Integer(n), p + i * m * n, ps + i * k, pu + i * m * k, pv + i * k * n);
        },
        not_converged(op));
  });
  return {u, s, vh};
}

Factors eigh(const char* op, const Tensor& a) {
  const Matrices in(op, a);
  in.check_square(op);
  const Tensor vectors = copy(in.elements), values(extended(in.batch(), {in.rows}), a.dtype());
  if (in.empty()) return {values, vectors, {}};
  visit_floating(op, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *p = vectors.mutable_data<T>(), *w = values.mutable_data<T>();
    for_each_matrix(
        in.count, [&](int64_t i) { return lapack::syevd(Integer(in.rows), p + i * in.size(), w + i * in.rows); },
        not_converged(op));
  });
  return {values, vectors, {}};
}

}  // namespace ditharos::kernels
