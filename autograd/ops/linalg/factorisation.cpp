// Factorisations. The rules of one factor need all of them: the first order takes those of the forward pass; where the
// result is differentiated, they are computed again, attached to the graph.
#include <ditharos/tensor/kernels/linalg/linalg.h>

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/linalg/matrices.h>
#include <ditharos/tensor/view.h>

namespace ditharos::linalg {
namespace {

Tensor symmetric(const Tensor& x) { return (x + transposed(x)) * .5; }

/// X with X R = Y for an upper triangular R.
Tensor divide_by_upper(const Tensor& y, const Tensor& r) {
  return transposed(solve_triangular(transposed(r), transposed(y), false));
}
/// X with X R^T = Y.
Tensor divide_by_upper_transposed(const Tensor& y, const Tensor& r) {
  return transposed(solve_triangular(r, transposed(y), true));
}

/// The lower triangle with half of the diagonal.
Tensor half_lower(const Tensor& x) { return (tril(x) + tril(x, -1)) * .5; }

/// x_j - x_i at [..., i, j]; 1 on the diagonal, so that it can be divided by.
Tensor differences(const Tensor& x) {
  const Tensor one = eye(x.size(-1), x.dtype());
  return where(equal(one, 1), one, unsqueeze(x, -2) - unsqueeze(x, -1));
}
/// x without its diagonal, divided by what differences() gives.
Tensor divided(const Tensor& x, const Tensor& by) {
  const Tensor on_diagonal = equal(eye(x.size(-1), x.dtype()), 1);
  return where(on_diagonal, 0, x) / by;
}

}  // namespace

Tensor cholesky(const Tensor& a) {
  check_square("linalg.cholesky", a);
  // dA = dL L^T + L dL^T: L^-1 dL = half_lower(L^-1 dA L^-T) (Murray 2016).
  return record("linalg.cholesky", kernels::cholesky("linalg.cholesky", a), {a}, save_output,
                each([](const Backward& d) {
                  const Tensor l = d.output(), lt = transposed(l);
                  const Tensor half = solve_triangular(lt, half_lower(matmul(lt, d.grad())), true);  // L^-T P
                  return symmetric(transposed(solve_triangular(lt, transposed(half), true)));        // ... L^-1
                }),
                [](const Tangents& d) {
                  const Tensor& l = d.output();
                  const Tensor half = solve_triangular(l, symmetric(d[0]), false);  // L^-1 dA
                  return matmul(l, half_lower(transposed(solve_triangular(l, transposed(half), false))));
                });
}

namespace {

/// The factors, which a rule captures: not the tensors that are recorded, which own the rule.
struct SavedFactors {
  Saved first, second, third;
  explicit SavedFactors(const kernels::Factors& f)
      : first(views::alias(f.first)), second(views::alias(f.second)),
        third(f.third.defined() ? views::alias(f.third) : Tensor{}) {}
};

QR qr_for(const Backward& d, const SavedFactors& saved) {
  if (differentiating()) return qr(d.input(0));
  return {d.intermediate(saved.first), d.intermediate(saved.second)};
}
QR qr_for(const Tensor& a, const kernels::Factors& f) { return differentiating() ? qr(a) : QR{f.first, f.second}; }

/// dR R^-1 for the tangent da: upper triangular.
Tensor qr_step(const QR& f, const Tensor& da) {
  const Tensor c = divide_by_upper(matmul(transposed(f.Q), da), f.R), lower = tril(c, -1);
  return c - (lower - transposed(lower));
}

}  // namespace

QR qr(const Tensor& a) {
  check_matrix("linalg.qr", a);
  const int64_t m = a.size(-2), n = a.size(-1);
  if (m < n) {  // the first m columns have the same Q
    const QR square = qr(slice(a, -1, 0, m));
    return {square.Q, cat({square.R, matmul(transposed(square.Q), slice(a, -1, m, n))}, -1)};
  }
  const kernels::Factors f = kernels::qr("linalg.qr", a);
  // dA gets (dQ + Q copyltu(M)) R^-T with M = R dR^T - dQ^T Q, where copyltu copies the lower triangle to the upper one
  // (Walter and Lehmann 2010).
  const auto copyltu = [](const Tensor& x) { return tril(x) + transposed(tril(x, -1)); };
  const Tensor q =
      record("linalg.qr", f.first, {a}, save_inputs, each([saved = SavedFactors(f), copyltu](const Backward& d) {
               const QR qr = qr_for(d, saved);
               const Tensor m = matmul(transposed(d.grad()), qr.Q);
               return divide_by_upper_transposed(d.grad() - matmul(qr.Q, copyltu(m)), qr.R);
             }),
             [&](const Tangents& d) {
               const QR qr = qr_for(a, f);
               return divide_by_upper(d[0], qr.R) - matmul(qr.Q, qr_step(qr, d[0]));
             });
  const Tensor r =
      record("linalg.qr", f.second, {a}, save_inputs, each([saved = SavedFactors(f), copyltu](const Backward& d) {
               const QR qr = qr_for(d, saved);
               const Tensor m = matmul(qr.R, transposed(d.grad()));
               return divide_by_upper_transposed(matmul(qr.Q, copyltu(m)), qr.R);
             }),
             [&](const Tangents& d) {
               const QR qr = qr_for(a, f);
               return matmul(qr_step(qr, d[0]), qr.R);
             });
  return {q, r};
}

namespace {

SVD svd_for(const Backward& d, const SavedFactors& saved) {
  if (differentiating()) return svd(d.input(0));
  return {d.intermediate(saved.first), d.intermediate(saved.second), d.intermediate(saved.third)};
}
SVD svd_for(const Tensor& a, const kernels::Factors& f) {
  return differentiating() ? svd(a) : SVD{f.first, f.second, f.third};
}

/// The part of x that is orthogonal to the columns of u; 0 where these span the whole space.
Tensor orthogonal_part(const Tensor& x, const Tensor& u) {
  return u.size(-2) == u.size(-1) ? zeros_like(x) : x - matmul(u, matmul(transposed(u), x));
}

// A = U S V^T with E_ij = s_j^2 - s_i^2 (Townsend 2016).
Tensor gradient_of_u(const SVD& f, const Tensor& g) {
  const Tensor inner = matmul(transposed(f.U), g), s = unsqueeze(f.S, -2);
  const Tensor turn = divided(inner - transposed(inner), differences(square(f.S)));
  return matmul(matmul(f.U, turn * s) + orthogonal_part(g, f.U) / s, f.Vh);
}
Tensor tangent_of_u(const SVD& f, const Tensor& da) {
  const Tensor v = transposed(f.Vh), av = matmul(da, v), s = unsqueeze(f.S, -2);
  const Tensor step = matmul(transposed(f.U), av) * s;
  const Tensor turn = divided(step + transposed(step), differences(square(f.S)));
  return matmul(f.U, turn) + orthogonal_part(av, f.U) / s;
}
SVD of_transposed(const SVD& f) { return {transposed(f.Vh), f.S, transposed(f.U)}; }

}  // namespace

SVD svd(const Tensor& a) {
  check_matrix("linalg.svd", a);
  const kernels::Factors f = kernels::svd("linalg.svd", a);
  const SavedFactors saved(f);
  const Tensor u = record("linalg.svd", f.first, {a}, save_inputs,
                          each([saved](const Backward& d) { return gradient_of_u(svd_for(d, saved), d.grad()); }),
                          [&](const Tangents& d) { return tangent_of_u(svd_for(a, f), d[0]); });
  const Tensor s = record("linalg.svd", f.second, {a}, save_inputs, each([saved](const Backward& d) {
                            const SVD svd = svd_for(d, saved);
                            return matmul(svd.U * unsqueeze(d.grad(), -2), svd.Vh);
                          }),
                          [&](const Tangents& d) {
                            const SVD svd = svd_for(a, f);
                            return sum(svd.U * matmul(d[0], transposed(svd.Vh)), -2);
                          });
  // V is the U of A^T.
  const Tensor vh = record(
      "linalg.svd", f.third, {a}, save_inputs, each([saved](const Backward& d) {
        return transposed(gradient_of_u(of_transposed(svd_for(d, saved)), transposed(d.grad())));
      }),
      [&](const Tangents& d) { return transposed(tangent_of_u(of_transposed(svd_for(a, f)), transposed(d[0]))); });
  return {u, s, vh};
}

Tensor svdvals(const Tensor& a) {
  check_matrix("linalg.svdvals", a);
  return svd(a).S;
}

namespace {
Eigh eigh_for(const Backward& d, const SavedFactors& saved) {
  if (differentiating()) return eigh(d.input(0));
  return {d.intermediate(saved.first), d.intermediate(saved.second)};
}
Eigh eigh_for(const Tensor& a, const kernels::Factors& f) {
  return differentiating() ? eigh(a) : Eigh{f.first, f.second};
}
}  // namespace

Eigh eigh(const Tensor& a) {
  check_square("linalg.eigh", a);
  const kernels::Factors f = kernels::eigh("linalg.eigh", a);
  const SavedFactors saved(f);
  // dl_i = (Q^T dA Q)_ii and dQ = Q ((Q^T dA Q) / E) off the diagonal, with E_ij = l_j - l_i.
  const Tensor l = record("linalg.eigh", f.first, {a}, save_inputs, each([saved](const Backward& d) {
                            const Eigh eigh = eigh_for(d, saved);
                            return matmul(eigh.Q * unsqueeze(d.grad(), -2), transposed(eigh.Q));
                          }),
                          [&](const Tangents& d) {
                            const Eigh eigh = eigh_for(a, f);
                            return sum(eigh.Q * matmul(symmetric(d[0]), eigh.Q), -2);
                          });
  const Tensor q = record("linalg.eigh", f.second, {a}, save_inputs, each([saved](const Backward& d) {
                            const Eigh eigh = eigh_for(d, saved);
                            const Tensor qt = transposed(eigh.Q);
                            const Tensor turn = divided(matmul(qt, d.grad()), differences(eigh.L));
                            return symmetric(matmul(eigh.Q, matmul(turn, qt)));
                          }),
                          [&](const Tangents& d) {
                            const Eigh eigh = eigh_for(a, f);
                            const Tensor step = matmul(transposed(eigh.Q), matmul(symmetric(d[0]), eigh.Q));
                            return matmul(eigh.Q, divided(step, differences(eigh.L)));
                          });
  return {l, q};
}

Tensor eigvalsh(const Tensor& a) {
  check_square("linalg.eigvalsh", a);
  return eigh(a).L;
}

}  // namespace ditharos::linalg
