// Products of vectors, matrices and tensors, and distances, as compositions.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {

/// A product of two tensors of these ranks, whose last and second to last (or only) axes agree.
void check_product(const char* op, const Tensor& a, int a_rank, const Tensor& b, int b_rank) {
  check_product_operand(op, a.dtype());
  check_one_dtype(op, "the first", a, "the second", b);
  const bool ranks = a.rank() == a_rank && b.rank() == b_rank;
  check<ShapeError>(ranks && a.size(-1) == b.size(std::max(b.rank() - 2, 0)) && (a_rank < 3 || a.size(0) == b.size(0)),
                    "[", op, "] cannot multiply shapes ", a.shape(), " and ", b.shape());
}

Tensor add_product(const char* op, const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha,
                   int rank) {
  check_product(op, a, rank, b, rank);
  Shape shape = a.shape();
  shape[rank - 1] = b.size(-1);
  check<DTypeError>(x.dtype() == product_dtype(a.dtype()), "[", op, "] x is ", x.dtype(), ", the product ",
                    product_dtype(a.dtype()), "; convert one of them");
  check<ShapeError>(broadcastable_to(x.shape(), shape), "[", op, "] x of shape ", x.shape(), " does not stretch to ",
                    "the shape of the product, ", shape);
  const Tensor product = matmul(a, b), scaled = alpha == 1 ? product : product * alpha;
  if (beta == 0) return scaled;
  return (beta == 1 ? x : x * beta) + scaled;
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  check_product("mm", a, 2, b, 2);
  return matmul(a, b);
}
Tensor bmm(const Tensor& a, const Tensor& b) {
  check_product("bmm", a, 3, b, 3);
  return matmul(a, b);
}
Tensor mv(const Tensor& a, const Tensor& x) {
  check_product("mv", a, 2, x, 1);
  return matmul(a, x);
}
Tensor dot(const Tensor& a, const Tensor& b) {
  check_floating("dot", a.dtype());
  check_product("dot", a, 1, b, 1);
  return sum(a * b);
}
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return add_product("addmm", x, a, b, beta, alpha, 2);
}
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return add_product("baddbmm", x, a, b, beta, alpha, 3);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Axes& of_a, const Axes& of_b) {
  check_product_operand("tensordot", a.dtype());
  check_one_dtype("tensordot", "the first", a, "the second", b);
  check<ShapeError>(of_a.rank() == of_b.rank(), "[tensordot] ", of_a.rank(), " axes of the first tensor, ", of_b.rank(),
                    " of the second");
  // [free of a, summed] x [summed, free of b]
  const auto order = [](const Tensor& x, const Axes& summed, bool first, Shape& free) {
    Axes kept, last;
    bool taken[Shape::max_rank] = {};
    for (int64_t axis : summed) {
      const int i = normalize_axis("tensordot", axis, x.rank());
      check<ShapeError>(!taken[i], "[tensordot] axes ", summed, " list an axis twice");
      taken[i] = true;
      last.push_back(i);
    }
    for (int i = 0; i < x.rank(); ++i)
      if (!taken[i]) kept.push_back(i), free.push_back(x.size(i));
    Axes all = first ? last : kept;
    for (int64_t axis : first ? kept : last) all.push_back(axis);
    return all;
  };
  int64_t n = 1;
  for (int k = 0; k < of_a.rank(); ++k) {
    const int64_t left = a.size(normalize_axis("tensordot", of_a[k], a.rank()));
    const int64_t right = b.size(normalize_axis("tensordot", of_b[k], b.rank()));
    check<ShapeError>(left == right, "[tensordot] axis ", of_a[k], " of shape ", a.shape(), " and axis ", of_b[k],
                      " of shape ", b.shape(), " differ");
    n *= left;
  }
  Shape free_a, free_b;
  const Axes order_a = order(a, of_a, false, free_a), order_b = order(b, of_b, true, free_b);
  const Tensor left = reshape(permute(a, order_a), {numel(free_a), n});
  const Tensor right = reshape(permute(b, order_b), {n, numel(free_b)});
  Shape shape = free_a;
  for (int64_t size : free_b) shape.push_back(size);
  return reshape(matmul(left, right), shape);
}

Tensor tensordot(const Tensor& a, const Tensor& b, int axes) {
  check<ShapeError>(axes >= 0 && axes <= a.rank() && axes <= b.rank(), "[tensordot] shapes ", a.shape(), " and ",
                    b.shape(), " have no ", axes, " axes to sum over");
  Axes of_a, of_b;
  for (int i = 0; i < axes; ++i) of_a.push_back(a.rank() - axes + i), of_b.push_back(i);
  return tensordot(a, b, of_a, of_b);
}

Tensor kron(const Tensor& a, const Tensor& b) {
  check_one_dtype("kron", "the first", a, "the second", b);
  check_floating("kron", a.dtype());
  check<ShapeError>(a.rank() == b.rank() && 2 * a.rank() <= Shape::max_rank,
                    "[kron] needs two tensors of one rank of "
                    "at most ",
                    Shape::max_rank / 2, ", got shapes ", a.shape(), " and ", b.shape());
  Shape left, right, shape;
  for (int i = 0; i < a.rank(); ++i) {
    left.push_back(a.size(i)), left.push_back(1);
    right.push_back(1), right.push_back(b.size(i));
    shape.push_back(checked_product("kron", {a.size(i), b.size(i)}));
  }
  return reshape(reshape(a, left) * reshape(b, right), shape);
}

Tensor cross(const Tensor& a, const Tensor& b, int axis) {
  const Shape shape = check_floating_elementwise("cross", a, {b});
  check<ShapeError>(a.rank() == b.rank(), "[cross] needs two tensors of one rank, got shapes ", a.shape(), " and ",
                    b.shape());
  axis = normalize_axis("cross", axis, shape.rank());
  check<ShapeError>(a.size(axis) == 3 && b.size(axis) == 3, "[cross] axis ", axis, " must have 3 elements, got shapes ",
                    a.shape(), " and ", b.shape());
  // (a x b)_i = a_{i+1} b_{i+2} - a_{i+2} b_{i+1}
  const Tensor product = a * roll(b, -1, axis) - roll(a, -1, axis) * b;
  return roll(product, -1, axis);
}

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  check_floating("cdist", a.dtype());
  check_one_dtype("cdist", "the first", a, "the second", b);
  check<ShapeError>(a.rank() >= 2 && b.rank() >= 2 && a.size(-1) == b.size(-1),
                    "[cdist] needs [..., N, D] and "
                    "[..., M, D], got shapes ",
                    a.shape(), " and ", b.shape());
  check<ConfigError>(p > 0, "[cdist] p must be positive, got ", p);
  const Tensor rows = unsqueeze(a, -2), columns = unsqueeze(b, -3);
  static_cast<void>(broadcast_shapes("cdist", rows.shape(), columns.shape()));  // only to check them
  const Tensor difference = rows - columns;
  if (difference.size(-1) == 0) return sum(difference, -1);
  return norm(difference, p, {-1});
}

Tensor normalize(const Tensor& x, double p, int axis, double eps) {
  check_floating("normalize", x.dtype());
  axis = normalize_axis("normalize", axis, x.rank());
  check<ConfigError>(p > 0, "[normalize] p must be positive, got ", p);
  return x / clamp_min(norm(x, p, {axis}, true), eps);
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis, double eps) {
  const Shape shape = check_floating_elementwise("cosine_similarity", a, {b});
  axis = normalize_axis("cosine_similarity", axis, shape.rank());
  const Tensor x = expand(a, shape), y = expand(b, shape);
  // Each direction for itself, which no scale overflows.
  return sum(normalize(x, 2, axis, eps) * normalize(y, 2, axis, eps), axis);
}

}  // namespace ditharos
