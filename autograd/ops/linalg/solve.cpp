// Linear systems, inverses and determinants.
#include <ditharos/tensor/kernels/linalg/linalg.h>

#include <algorithm>
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/linalg/matrices.h>

namespace ditharos::linalg {
namespace {

/// X for a and b of one batch.
Tensor solve_matrices(const char* op, const Tensor& a, const Tensor& b) {
  // A dX = dB - dA X, so that dB gets A^-T g, and dA gets -(A^-T g) X^T.
  return record(
      "linalg.solve", kernels::solve(op, a, b), {a, b}, save_input(0) | save_output,
      [op](const Backward& d) -> Grads {
        const Tensor gb = solve_matrices(op, transposed(d.input(0)), d.grad());
        return {d.needs(0) ? -matmul(gb, transposed(d.output())) : Tensor{}, gb};
      },
      [&](const Tangents& d) {
        return each_tangent([&](const Tensor& da) { return -solve_matrices(op, a, matmul(da, d.output())); },
                            [&](const Tensor& db) { return solve_matrices(op, a, db); })(d);
      });
}

Tensor triangle(const Tensor& x, bool upper, bool unit) {
  return upper ? triu(x, unit ? 1 : 0) : tril(x, unit ? -1 : 0);
}

Tensor solve_triangles(const char* op, const Tensor& a, const Tensor& b, bool upper, bool unit) {
  return record(
      "linalg.solve_triangular", kernels::solve_triangular(op, a, b, upper, unit), {a, b}, save_input(0) | save_output,
      [=](const Backward& d) -> Grads {
        const Tensor gb = solve_triangles(op, transposed(d.input(0)), d.grad(), !upper, unit);
        return {d.needs(0) ? triangle(-matmul(gb, transposed(d.output())), upper, unit) : Tensor{}, gb};
      },
      [&](const Tangents& d) {
        return each_tangent(
            [&](const Tensor& da) {
              return -solve_triangles(op, a, matmul(triangle(da, upper, unit), d.output()), upper, unit);
            },
            [&](const Tensor& db) { return solve_triangles(op, a, db, upper, unit); })(d);
      });
}

/// Calls f(a, b) for a and b that were broadcast to one batch.
template <class F>
Tensor broadcast_solve(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  check_square(op, a);
  check_one_dtype(op, "A", a, "B", b);
  check<ShapeError>(b.rank() >= 2 && b.size(-2) == a.size(-1), "[", op, "] A of shape ", a.shape(),
                    " does not fit B of shape ", b.shape());
  const auto leading = [](const Tensor& x) { return Shape(x.shape().begin(), x.shape().end() - 2); };
  const Shape batch = broadcast_shapes(op, leading(a), leading(b));
  const auto stretched = [&](const Tensor& x) {
    Shape shape = batch;
    shape.push_back(x.size(-2)), shape.push_back(x.size(-1));
    return expand(x, shape);
  };
  return f(stretched(a), stretched(b));
}

/// So that the number of products is bounded.
constexpr int64_t max_power = int64_t{1} << 32;

/// Identity matrices in the shape of the square matrices a.
Tensor identity_like(const Tensor& a) { return expand(eye(a.size(-1), a.dtype()), a.shape()); }

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  constexpr const char* op = "linalg.solve";
  const auto f = [](const Tensor& left, const Tensor& right) { return solve_matrices(op, left, right); };
  const bool vectors =
      b.rank() == 1 || (b.rank() == a.rank() - 1 && b.shape() == Shape(a.shape().begin(), a.shape().end() - 1));
  return vectors ? squeeze(broadcast_solve(op, a, unsqueeze(b, -1), f), -1) : broadcast_solve(op, a, b, f);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool unitriangular) {
  constexpr const char* op = "linalg.solve_triangular";
  return broadcast_solve(op, a, b, [=](const Tensor& left, const Tensor& right) {
    return solve_triangles(op, left, right, upper, unitriangular);
  });
}

Tensor inv(const Tensor& a) {
  check_square("linalg.inv", a);
  return solve_matrices("linalg.inv", a, identity_like(a));
}

namespace {
Tensor pseudo_inverse(const Tensor& a, double rtol) {
  const NoGrad guard;
  const kernels::Factors svd = kernels::svd("linalg.pinv", a);
  const double eps =
      a.dtype() == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const double least = rtol > 0 ? rtol : eps * double(std::max(a.size(-2), a.size(-1)));
  if (svd.second.numel() == 0) return zeros(transposed(a).shape(), a.dtype());
  const Tensor s = svd.second, kept = greater(s, amax(s, -1, true) * least);
  const Tensor inverse = where(kept, reciprocal(where(kept, s, 1)), 0);
  return matmul(transposed(svd.third) * unsqueeze(inverse, -2), transposed(svd.first));
}
}  // namespace

Tensor pinv(const Tensor& a, double rtol) {
  check_matrix("linalg.pinv", a);
  check<ConfigError>(rtol >= 0, "[linalg.pinv] the tolerance cannot be negative, got ", rtol);
  // With P for the result: dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P (Golub and Pereyra 1973).
  return record("linalg.pinv", pseudo_inverse(a, rtol), {a}, save_inputs | save_output, each([](const Backward& d) {
                  const Tensor in = d.input(0), p = d.output(), pt = transposed(p), gt = transposed(d.grad());
                  const Tensor first = -matmul(pt, matmul(d.grad(), pt));
                  const Tensor left = matmul(gt - matmul(in, matmul(p, gt)), matmul(p, pt));
                  const Tensor right = matmul(matmul(pt, p), gt - matmul(matmul(gt, p), in));
                  return first + left + right;
                }),
                [&](const Tangents& d) {
                  const Tensor& p = d.output();
                  const Tensor pt = transposed(p), at = transposed(d[0]);
                  const Tensor first = -matmul(p, matmul(d[0], p));
                  const Tensor left = matmul(matmul(p, pt), at - matmul(matmul(at, a), p));
                  const Tensor right = matmul(at - matmul(p, matmul(a, at)), matmul(pt, p));
                  return first + left + right;
                });
}

Tensor lstsq(const Tensor& a, const Tensor& b) {
  check_floating("linalg.lstsq", a.dtype());
  check_one_dtype("linalg.lstsq", "A", a, "B", b);
  check<ShapeError>(a.rank() >= 2 && b.rank() == a.rank() && a.size(-2) >= a.size(-1) && b.size(-2) == a.size(-2) &&
                        Shape(a.shape().begin(), a.shape().end() - 2) == Shape(b.shape().begin(), b.shape().end() - 2),
                    "[linalg.lstsq] needs A [..., m, n] with m >= n and B [..., m, k], got shapes ", a.shape(), " and ",
                    b.shape());
  const QR factors = qr(a);
  return solve_triangles("linalg.lstsq", factors.R, matmul(transposed(factors.Q), b), true, false);
}

Tensor matrix_power(const Tensor& a, int64_t n) {
  check_square("linalg.matrix_power", a);
  check<ConfigError>(n >= -max_power && n <= max_power, "[linalg.matrix_power] the exponent ", n, " is too large");
  if (n < 0) return matrix_power(solve_matrices("linalg.matrix_power", a, identity_like(a)), -n);
  Tensor power, base = a;
  for (int64_t bits = n; bits != 0; bits >>= 1) {
    if ((bits & 1) != 0) power = power.defined() ? matmul(power, base) : base;
    if (bits > 1) base = matmul(base, base);
  }
  return power.defined() ? power : identity_like(a);
}

namespace {
/// The matrix of cofactors, the gradient of a determinant, also of a singular matrix: with A = U diag(S) Vh it is
/// det(U Vh) U diag(products of the other S) Vh.
Tensor cofactors(const Tensor& a) {
  const SVD f = svd(a);
  const Tensor one = equal(eye(a.size(-1), a.dtype()), 1);
  Tensor rest = unsqueeze(f.S, -2);  // [..., 1, n]
  Shape square = a.shape();
  rest = prod(where(one, 1, expand(rest, square)), -1);
  const Tensor sign = unsqueeze(unsqueeze((det(f.U) * det(f.Vh)).detach(), -1), -1);
  return sign * matmul(f.U * unsqueeze(rest, -2), f.Vh);
}
/// Whether a determinant is small beside the product of the lengths of the rows, its upper bound (Hadamard 1893): then
/// the inverse has lost its digits.
bool nearly_singular(const Tensor& a, const Tensor& det) {
  const NoGrad guard;
  const double eps =
      a.dtype() == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  return any(less_equal(abs(det), prod(norm(a, 2, {-1}), -1) * (1e3 * eps))).item() != 0;
}
}  // namespace

Tensor det(const Tensor& a) {
  check_square("linalg.det", a);
  const kernels::SignedLogDet value = kernels::signed_log_det("linalg.det", a);
  return record("linalg.det", value.sign * exp(value.log), {a}, save_inputs | save_output, each([](const Backward& d) {
                  const Tensor in = d.input(0), y = d.output(), g = unsqueeze(unsqueeze(d.grad(), -1), -1);
                  if (nearly_singular(in.detach(), y.detach())) return g * cofactors(in);
                  return g * unsqueeze(unsqueeze(y, -1), -1) *
                         solve_matrices("linalg.det", transposed(in), identity_like(in));
                }),
                [&](const Tangents& d) { return sum(d.gradient(ones_like(d.output())) * d[0], Axes{-2, -1}); });
}

SlogDet slogdet(const Tensor& a) {
  check_square("linalg.slogdet", a);
  const kernels::SignedLogDet value = kernels::signed_log_det("linalg.slogdet", a);
  // d ln |det A| = tr(A^-1 dA)
  const Tensor log =
      record("linalg.slogdet", value.log, {a}, save_inputs, each([](const Backward& d) {
               const Tensor in = d.input(0), g = unsqueeze(unsqueeze(d.grad(), -1), -1);
               return g * solve_matrices("linalg.slogdet", transposed(in), identity_like(in));
             }),
             [](const Tangents& d) { return sum(d.gradient(ones_like(d.output())) * d[0], Axes{-2, -1}); });
  return {not_differentiable("linalg.slogdet sign", value.sign, {a}), log};
}

}  // namespace ditharos::linalg
