// Rows of the op table: linear systems and factorisations (autograd/ops/linalg/). The matrices are random numbers plus
// a dominant diagonal, so that they are regular, and their singular values are distinct, in every layout.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

Array diagonal_like(const Shape& shape) {
  Array out(shape);
  each_index(shape, [&](const Index& i) {
    const int64_t row = i[i.rank() - 2];
    if (row == i.back()) out.at(i) = 3 + 2 * double(row);
  });
  return out;
}
double plus(double a, double b) { return a + b; }

Tensor regular(const Tensor& x) {
  if (x.rank() < 2) return x;
  const Array d = diagonal_like(x.shape());
  return x + operand(to(from_vector(d.values, d.shape), x.dtype()));
}
Array regular(const Array& x) { return zip(x, diagonal_like(x.shape), plus); }

Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }
Tensor symmetric(const Tensor& x) {
  const bool square = x.rank() >= 2 && x.size(-1) == x.size(-2);
  return square ? x + transposed(x) : x;
}
Array symmetric(const Array& x) { return zip(x, flipped(x), plus); }
Tensor definite(const Tensor& x) { return matmul(regular(x), transposed(regular(x))); }
Array definite(const Array& x) { return matmul(regular(x), flipped(regular(x))); }

/// X with A X = B by Gauss' elimination, and the determinants of A, one a matrix.
Array eliminated(const Array& a, const Array& b, std::vector<double>* determinants = nullptr) {
  const int64_t n = a.shape.back(), k = b.shape.back();
  const int64_t count = n == 0 ? 0 : int64_t(a.values.size()) / (n * n);
  Array x = b;
  for (int64_t m = 0; m < count; ++m) {
    double product = 1;
    std::vector<std::vector<double>> rows;
    for (int64_t i = 0; i < n; ++i) {
      rows.emplace_back(a.values.begin() + (m * n + i) * n, a.values.begin() + (m * n + i + 1) * n);
      rows.back().insert(rows.back().end(), b.values.begin() + (m * n + i) * k, b.values.begin() + (m * n + i + 1) * k);
    }
    for (size_t c = 0; c < size_t(n); ++c) {
      size_t best = c;
      for (size_t r = c; r < size_t(n); ++r)
        if (std::abs(rows[r][c]) > std::abs(rows[best][c])) best = r;
      if (best != c) std::swap(rows[best], rows[c]), product = -product;
      product *= rows[c][c];
      for (size_t r = 0; r < size_t(n); ++r) {
        const double factor = rows[r][c] / rows[c][c];
        for (size_t j = c; r != c && j < rows[r].size(); ++j) rows[r][j] -= factor * rows[c][j];
      }
    }
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < k; ++j)
        x.values[size_t((m * n + i) * k + j)] = rows[size_t(i)][size_t(n + j)] / rows[size_t(i)][size_t(i)];
    if (determinants) determinants->push_back(product);
  }
  return x;
}

Array identity_like(const Array& a) {
  Array out(a.shape);
  each_index(a.shape, [&](const Index& i) { out.at(i) = i[i.rank() - 2] == i.back(); });
  return out;
}
Array determinants(const Array& a) {
  std::vector<double> values;
  static_cast<void>(eliminated(a, identity_like(a), &values));
  Array out(Shape(a.shape.begin(), a.shape.end() - 2), 1);
  if (a.shape.back() > 0) out.values = values;
  return out;
}
/// A (A^T A)^-1 A^T: onto the columns of A.
Array projection(const Array& a) {
  const Array at = flipped(a);
  return matmul(a, eliminated(matmul(at, a), at));
}
/// e^A = sum A^k / k!
Array exponential(const Array& a) {
  Array sum = identity_like(a), term = sum;
  for (int k = 1; k < 60; ++k) {
    term = map(matmul(term, a), [k](double v) { return v / k; });
    sum = zip(sum, term, plus);
  }
  return sum;
}
Array lower_triangle(const Array& x, bool strict) {
  Array out = x;
  each_index(x.shape, [&](const Index& i) {
    const int64_t row = i[i.rank() - 2];
    if (i.back() > row || (strict && i.back() == row)) out.at(i) = 0;
  });
  return out;
}

const std::vector<Case> square = {{{3, 3}}, {{2, 4, 4}}, {{1, 1}}, {{0, 3, 3}}, {{0, 0}}};
const std::vector<Case> tall = {{{4, 3}}, {{2, 3, 3}}, {{3, 1}}, {{1, 1}}, {{0, 3, 2}}};
const std::vector<Case> wide = {{{2, 3}}, {{2, 1, 3}}};

Row row_of(const std::string& name, const std::string& record, std::function<Tensor(const Tensors&)> op,
           std::function<Array(const Arrays&)> reference, std::vector<Case> cases, std::function<void()> misuse,
           const std::string& message) {
  Row row;
  row.name = "linalg." + name;
  row.record = record.empty() ? "" : "linalg." + record;
  row.op = std::move(op);
  row.reference = std::move(reference);
  row.inputs = std::vector<Values>(cases[0].size(), uniform(-1, 1));
  row.cases = std::move(cases);
  row.tolerance = 1e-11;
  row.tolerance32 = 1e-4;
  row.step = 1e-3;
  row.gradcheck_tolerance = 1e-6;
  row.tangent_tolerance = 1e-10;
  row.misuse = std::move(misuse);
  row.message = "[linalg." + name + "] " + message;
  return row;
}

void add_systems(Rows& rows) {
  const auto not_square = [](auto f) { return [f] { f(zeros({2, 3})); }; };
  const std::string message = "needs square matrices, got shape [2, 3]";
  rows.push_back(row_of(
      "solve", "solve", [](const Tensors& in) { return linalg::solve(regular(in[0]), in[1]); },
      [](const Arrays& in) { return eliminated(regular(in[0]), in[1]); },
      {{{3, 3}, {3, 2}}, {{2, 4, 4}, {2, 4, 1}}, {{1, 1}, {1, 1}}, {{0, 3, 3}, {0, 3, 2}}, {{3, 3}, {3, 0}}},
      [] { linalg::solve(full({2, 2}, 1), ones({2, 1})); }, "matrix 0 is singular: pivot 2 is 0"));
  // A vector, and one matrix for a batch of right sides.
  rows.push_back(row_of(
      "solve", "solve", [](const Tensors& in) { return linalg::solve(regular(in[0]), in[1]); },
      [](const Arrays& in) {
        Shape column = in[1].shape;
        column.push_back(1);
        return reshaped(eliminated(regular(in[0]), reshaped(in[1], column)), in[1].shape);
      },
      {{{3, 3}, {3}}, {{2, 3, 3}, {2, 3}}}, [] { linalg::solve(zeros({2, 2}), zeros({3, 1})); },
      "A of shape [2, 2] does not fit B of shape [3, 1]"));
  rows.push_back(row_of(
      "solve", "solve", [](const Tensors& in) { return linalg::solve(regular(in[0]), in[1]); },
      [](const Arrays& in) {
        Shape batch = in[0].shape;
        batch.insert(0, in[1].shape[0]);
        return eliminated(stretch(regular(in[0]), batch), in[1]);
      },
      {{{3, 3}, {4, 3, 2}}}, [] { linalg::solve(full({2, 2}, INFINITY), ones({2, 1})); },
      "a matrix of shape [2, 2] has elements that are not finite"));
  for (bool upper : {false, true})
    for (bool unit : {false, true})
      rows.push_back(row_of(
          "solve_triangular", "solve_triangular",
          [=](const Tensors& in) { return linalg::solve_triangular(regular(in[0]), in[1], upper, unit); },
          [=](const Arrays& in) {
            const Array full = regular(in[0]);
            Array a = lower_triangle(upper ? flipped(full) : full, unit);
            if (upper) a = flipped(a);
            if (unit) a = zip(a, identity_like(a), plus);
            return eliminated(a, in[1]);
          },
          {{{3, 3}, {3, 2}}, {{2, 3, 3}, {2, 3, 1}}, {{1, 1}, {1, 1}}, {{0, 3, 3}, {0, 3, 2}}},
          [] { linalg::solve_triangular(zeros({2, 2}), ones({2, 1}), true); }, "matrix 0 is singular: pivot 1 is 0"));
  rows.push_back(row_of(
      "inv", "", [](const Tensors& in) { return linalg::inv(regular(in[0])); },
      [](const Arrays& in) { return eliminated(regular(in[0]), identity_like(in[0])); }, square,
      not_square([](const Tensor& x) { return linalg::inv(x); }), message));
  rows.push_back(row_of(
      "matrix_power", "", [](const Tensors& in) { return linalg::matrix_power(regular(in[0]), -3); },
      [](const Arrays& in) {
        const Array i = eliminated(regular(in[0]), identity_like(in[0]));
        return matmul(matmul(i, i), i);
      },
      square, not_square([](const Tensor& x) { return linalg::matrix_power(x, 2); }), message));
  rows.push_back(rows.back());
  rows.back().op = [](const Tensors& in) { return linalg::matrix_power(in[0], 5); };
  rows.back().reference = [](const Arrays& in) {
    Array p = in[0];
    for (int k = 0; k < 4; ++k) p = matmul(p, in[0]);
    return p;
  };
  rows.push_back(row_of(
      "det", "det", [](const Tensors& in) { return linalg::det(regular(in[0])); },
      [](const Arrays& in) { return determinants(regular(in[0])); }, square,
      not_square([](const Tensor& x) { return linalg::det(x); }), message));
  rows.push_back(row_of(
      "slogdet", "slogdet",
      [](const Tensors& in) {
        const linalg::SlogDet d = linalg::slogdet(regular(in[0]));
        return d.sign * d.logabsdet;
      },
      [](const Arrays& in) {
        return map(determinants(regular(in[0])), [](double d) { return (d < 0 ? -1 : 1) * std::log(std::abs(d)); });
      },
      square, not_square([](const Tensor& x) { return linalg::slogdet(x); }), message));
  const auto normal_equations = [](const Array& a, const Array& b) {
    return eliminated(matmul(flipped(a), a), matmul(flipped(a), b));
  };
  rows.push_back(row_of(
      "pinv", "pinv", [](const Tensors& in) { return linalg::pinv(regular(in[0])); },
      [=](const Arrays& in) {
        const Array a = regular(in[0]);
        const int64_t m = a.shape[a.rank() - 2], n = a.shape.back();
        Shape eye_shape = a.shape;
        eye_shape[a.rank() - 2] = eye_shape[a.rank() - 1] = std::max(m, n);
        const Array eye = identity_like(Array(eye_shape));
        return m >= n ? normal_equations(a, eye) : flipped(normal_equations(flipped(a), eye));
      },
      {{{4, 3}}, {{2, 3}}, {{2, 3, 3}}, {{1, 1}}, {{0, 3, 2}}}, [] { linalg::pinv(zeros({2})); },
      "needs matrices, got shape [2]"));
  rows.push_back(row_of(
      "lstsq", "", [](const Tensors& in) { return linalg::lstsq(regular(in[0]), in[1]); },
      [=](const Arrays& in) { return normal_equations(regular(in[0]), in[1]); },
      {{{4, 3}, {4, 2}}, {{2, 3, 2}, {2, 3, 1}}, {{1, 1}, {1, 1}}, {{0, 3, 2}, {0, 3, 1}}},
      [] { linalg::lstsq(zeros({2, 3}), zeros({2, 1})); },
      "needs A [..., m, n] with m >= n and B [..., m, k], got shapes [2, 3] and [2, 1]"));
}

void add_factorisations(Rows& rows) {
  rows.push_back(row_of(
      "cholesky", "cholesky", [](const Tensors& in) { return linalg::cholesky(definite(in[0])); },
      [](const Arrays& in) {
        Array a = definite(in[0]);
        const int last = a.rank() - 1;
        each_index(a.shape, [&](const Index& i) {  // row by row
          Index j = i, k = i, d = i;
          const int64_t row = i[last - 1], column = i[last];
          if (column > row) return void(a.at(i) = 0);
          double v = a.at(i);
          for (int64_t c = 0; c < column; ++c) {
            j[last] = k[last] = c, k[last - 1] = column;
            v -= a.at(j) * a.at(k);
          }
          d[last - 1] = column;
          a.at(i) = row == column ? std::sqrt(v) : v / a.at(d);
        });
        return a;
      },
      square, [] { linalg::cholesky(-eye(2)); },
      "matrix 0 is not positive definite: its leading minor of order 1 is not positive"));
  const auto same = [](const Arrays& in) { return regular(in[0]); };
  std::vector<Case> any = tall;
  any.insert(any.end(), wide.begin(), wide.end());
  const auto no_matrix = [](auto f) { return [f] { f(zeros({2})); }; };
  const std::string message = "needs matrices, got shape [2]";
  const auto add_qr = [&](std::function<Tensor(const linalg::QR&)> f, std::function<Array(const Arrays&)> reference,
                          std::vector<Case> cases) {
    rows.push_back(row_of(
        "qr", "qr", [f](const Tensors& in) { return f(linalg::qr(regular(in[0]))); }, reference, cases,
        no_matrix([](const Tensor& x) { return linalg::qr(x); }), message));
  };
  add_qr([](const linalg::QR& f) { return matmul(f.Q, f.R); }, same, any);
  add_qr([](const linalg::QR& f) { return matmul(transposed(f.R), f.R); },
         [](const Arrays& in) { return matmul(flipped(regular(in[0])), regular(in[0])); }, any);
  add_qr([](const linalg::QR& f) { return matmul(f.Q, transposed(f.Q)); },
         [](const Arrays& in) { return projection(regular(in[0])); }, {{{4, 3}}, {{2, 3, 2}}});

  const auto add_svd = [&](const char* name, std::function<Tensor(const Tensor&)> f,
                           std::function<Array(const Arrays&)> reference, std::vector<Case> cases) {
    rows.push_back(row_of(
        name, "svd", [f](const Tensors& in) { return f(regular(in[0])); }, reference, cases,
        [name] {
          if (std::string(name) == "svd") linalg::svd(zeros({2}));
          else linalg::svdvals(zeros({2}));
        },
        message));
  };
  add_svd(
      "svd",
      [](const Tensor& x) {
        const linalg::SVD f = linalg::svd(x);
        return matmul(f.U * unsqueeze(f.S, -2), f.Vh);
      },
      same, any);
  add_svd(
      "svd",
      [](const Tensor& x) {
        const linalg::SVD f = linalg::svd(x);
        return matmul(f.U, transposed(f.U));
      },
      [](const Arrays& in) { return projection(regular(in[0])); }, {{{4, 3}}, {{2, 3, 2}}});
  // Sums of fourth powers of singular values: the squares of all elements of A^T A.
  add_svd(
      "svdvals", [](const Tensor& x) { return sum(pow(linalg::svdvals(x), 4), -1); },
      [](const Arrays& in) {
        const Array a = regular(in[0]);
        return reduce(matmul(flipped(a), a), {-2, -1}, false, [](const std::vector<double>& v) {
          double total = 0;
          for (double x : v) total += x * x;
          return total;
        });
      },
      any);

  const std::string not_square = "needs square matrices, got shape [2, 3]";
  // Q f(L) Q^T is f of the matrix. The exponents are small enough for the series.
  rows.push_back(row_of(
      "eigh", "eigh",
      [](const Tensors& in) {
        const linalg::Eigh e = linalg::eigh(symmetric(regular(in[0]) * .125));
        return matmul(e.Q * unsqueeze(exp(e.L), -2), transposed(e.Q));
      },
      [](const Arrays& in) { return exponential(symmetric(map(regular(in[0]), [](double v) { return v / 8; }))); },
      {{{3, 3}}, {{2, 3, 3}}, {{1, 1}}, {{0, 3, 3}}, {{0, 0}}}, [] { linalg::eigh(zeros({2, 3})); }, not_square));
  rows.push_back(row_of(
      "eigvalsh", "eigh",
      [](const Tensors& in) { return sum(pow(linalg::eigvalsh(symmetric(regular(in[0]))), 2), -1); },
      [](const Arrays& in) {
        return reduce(symmetric(regular(in[0])), {-2, -1}, false, [](const std::vector<double>& v) {
          double total = 0;
          for (double x : v) total += x * x;
          return total;
        });
      },
      {{{3, 3}}, {{2, 3, 3}}, {{1, 1}}, {{0, 3, 3}}}, [] { linalg::eigvalsh(zeros({2, 3})); }, not_square));
}

}  // namespace

Rows linalg_rows() {
  Rows rows;
  if (!kernels::has_lapack()) return rows;
  add_systems(rows);
  add_factorisations(rows);
  return rows;
}

}  // namespace ditharos::tests
