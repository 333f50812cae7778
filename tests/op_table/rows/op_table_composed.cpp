// Rows of the op table: products of vectors, matrices and tensors, distances, and sampling of images, as compositions.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

const Values any = uniform(-2, 2);

Row row_of(const std::string& name, std::function<Tensor(const Tensors&)> op,
           std::function<Array(const Arrays&)> reference, std::vector<Case> cases, std::function<void()> misuse,
           const std::string& message) {
  Row row;
  row.name = name;
  row.op = std::move(op);
  row.reference = std::move(reference);
  row.inputs = std::vector<Values>(cases[0].size(), any);
  row.cases = std::move(cases);
  row.misuse = std::move(misuse);
  row.message = "[" + name + "] " + message;
  return row;
}

void add_products(Rows& rows) {
  const auto product = [](const Arrays& in) { return matmul(in[0], in[1]); };
  rows.push_back(row_of(
      "mm", [](const Tensors& in) { return mm(in[0], in[1]); }, product,
      {{{2, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 2}}, {{2, 0}, {0, 3}}},
      [] { mm(zeros({2, 3}), zeros({2, 3})); }, "cannot multiply shapes [2, 3] and [2, 3]"));
  rows.push_back(row_of(
      "bmm", [](const Tensors& in) { return bmm(in[0], in[1]); }, product,
      {{{2, 3, 4}, {2, 4, 2}}, {{1, 1, 1}, {1, 1, 1}}, {{0, 2, 3}, {0, 3, 2}}},
      [] { bmm(zeros({2, 1, 3}), zeros({1, 3, 2})); }, "cannot multiply shapes [2, 1, 3] and [1, 3, 2]"));
  rows.push_back(row_of(
      "mv", [](const Tensors& in) { return mv(in[0], in[1]); },
      [](const Arrays& in) { return reshaped(matmul(in[0], reshaped(in[1], {in[1].shape[0], 1})), {in[0].shape[0]}); },
      {{{2, 3}, {3}}, {{1, 1}, {1}}, {{0, 3}, {3}}}, [] { mv(zeros({2, 3}), zeros({2})); },
      "cannot multiply shapes [2, 3] and [2]"));
  for (Row& row : rows) row.takes = Takes::products;
  rows.push_back(row_of(
      "dot", [](const Tensors& in) { return dot(in[0], in[1]); },
      [](const Arrays& in) {
        double sum = 0;
        for (size_t i = 0; i < in[0].values.size(); ++i) sum += in[0].values[i] * in[1].values[i];
        return Array({}, sum);
      },
      {{{3}, {3}}, {{1}, {1}}, {{0}, {0}}, {{67}, {67}}}, [] { dot(zeros({2}), zeros({3})); },
      "cannot multiply shapes [2] and [3]"));
  const auto added = [](const Arrays& in) {
    const Array p = matmul(in[1], in[2]);
    return zip(stretch(in[0], p.shape), p, [](double x, double y) { return .5 * x - 2 * y; });
  };
  rows.push_back(row_of(
      "addmm", [](const Tensors& in) { return addmm(in[0], in[1], in[2], .5, -2); }, added,
      {{{2, 4}, {2, 3}, {3, 4}}, {{4}, {2, 3}, {3, 4}}, {{}, {1, 1}, {1, 1}}, {{1}, {0, 3}, {3, 2}}},
      [] { addmm(zeros({3}), zeros({2, 3}), zeros({3, 4})); },
      "x of shape [3] does not stretch to the shape of the product, [2, 4]"));
  rows.push_back(row_of(
      "baddbmm", [](const Tensors& in) { return baddbmm(in[0], in[1], in[2], .5, -2); }, added,
      {{{2, 2, 4}, {2, 2, 3}, {2, 3, 4}}, {{1}, {1, 1, 1}, {1, 1, 1}}, {{4}, {0, 2, 3}, {0, 3, 4}}},
      [] { baddbmm(zeros({1}), zeros({2, 3}), zeros({3, 4})); }, "cannot multiply shapes [2, 3] and [3, 4]"));

  rows.push_back(row_of(
      "tensordot", [](const Tensors& in) { return tensordot(in[0], in[1], {0, -1}, {1, 0}); },
      [](const Arrays& in) {
        const Array &a = in[0], &b = in[1];
        Array out({a.shape[1], b.shape[2]});
        each_index(out.shape, [&](const Index& i) {
          for (int64_t j = 0; j < a.shape[0]; ++j)
            for (int64_t k = 0; k < a.shape[2]; ++k) out.at(i) += a.at({j, i[0], k}) * b.at({k, j, i[1]});
        });
        return out;
      },
      {{{2, 3, 4}, {4, 2, 5}}, {{1, 1, 1}, {1, 1, 1}}, {{2, 0, 3}, {3, 2, 2}}},
      [] { tensordot(zeros({2, 3}), zeros({2, 3}), {1}, {0}); },
      "axis 1 of shape [2, 3] and axis 0 of shape [2, 3] differ"));
  rows.push_back(row_of(
      "tensordot", [](const Tensors& in) { return tensordot(in[0], in[1], 1); }, product,
      {{{2, 3}, {3, 4}}, {{1, 1}, {1, 1}}}, [] { tensordot(zeros({2}), zeros({2}), 2); },
      "shapes [2] and [2] have no 2 axes to sum over"));
  for (Row* row : {&rows[rows.size() - 2], &rows[rows.size() - 1]}) row->takes = Takes::products;
  rows.push_back(row_of(
      "kron", [](const Tensors& in) { return kron(in[0], in[1]); },
      [](const Arrays& in) {
        const Array &a = in[0], &b = in[1];
        Array out({a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]});
        each_index(out.shape, [&](const Index& i) {
          out.at(i) = a.at({i[0] / b.shape[0], i[1] / b.shape[1]}) * b.at({i[0] % b.shape[0], i[1] % b.shape[1]});
        });
        return out;
      },
      {{{2, 3}, {3, 2}}, {{1, 1}, {1, 1}}, {{0, 2}, {2, 2}}}, [] { kron(zeros({2}), zeros({2, 2})); },
      "needs two tensors of one rank of at most 4, got shapes [2] and [2, 2]"));
  rows.push_back(row_of(
      "cross", [](const Tensors& in) { return cross(in[0], in[1]); },
      [](const Arrays& in) {
        Array out(zip(in[0], in[1], [](double, double) { return 0.; }).shape);
        const Array a = stretch(in[0], out.shape), b = stretch(in[1], out.shape);
        each_index(out.shape, [&](Index i) {
          Index j = i, k = i;
          const int last = i.rank() - 1;
          j[last] = (i[last] + 1) % 3, k[last] = (i[last] + 2) % 3;
          out.at(i) = a.at(j) * b.at(k) - a.at(k) * b.at(j);
        });
        return out;
      },
      {{{2, 3}, {2, 3}}, {{3}, {3}}, {{2, 3}, {1, 3}}, {{0, 3}, {0, 3}}}, [] { cross(zeros({2}), zeros({2})); },
      "axis 0 must have 3 elements, got shapes [2] and [2]"));
}

double power_norm(const std::vector<double>& v, double p) {
  double sum = 0;
  for (double x : v) sum += std::pow(std::abs(x), p);
  return std::pow(sum, 1 / p);
}

void add_distances(Rows& rows) {
  // The lattices of a and b never meet.
  const auto distances = [](const Arrays& in) {
    const Array &a = in[0], &b = in[1];
    Array out({a.shape[0], a.shape[1], b.shape[1]});
    each_index(out.shape, [&](const Index& i) {
      std::vector<double> d;
      for (int64_t k = 0; k < a.shape[2]; ++k) d.push_back(a.at({i[0], i[1], k}) - b.at({i[0], i[2], k}));
      out.at(i) = power_norm(d, 2);
    });
    return out;
  };
  rows.push_back(row_of(
      "cdist", [](const Tensors& in) { return cdist(in[0], in[1]); }, distances,
      {{{2, 3, 4}, {2, 2, 4}}, {{1, 1, 1}, {1, 1, 1}}, {{2, 0, 3}, {2, 2, 3}}, {{1, 3, 67}, {1, 2, 67}}},
      [] { cdist(zeros({2, 3}), zeros({2, 2})); }, "needs [..., N, D] and [..., M, D], got shapes [2, 3] and [2, 2]"));
  rows.back().inputs = {lattice(-2, 2, 1. / 32), lattice(-2, 2, 3. / 32)};
  const auto unit = [](double p) {
    return [p](const Arrays& in) {
      return map_rows(in[0], 1, [p](std::vector<double> v) {
        const double n = power_norm(v, p);
        for (double& x : v) x /= n;
        return v;
      });
    };
  };
  for (double p : {2., 1.}) {
    rows.push_back(row_of(
        "normalize", [p](const Tensors& in) { return normalize(in[0], p); }, unit(p),
        {{{2, 3}}, {{2, 3, 4}}, {{1, 1}}, {{0, 3}}, {{3, 67}}}, [] { normalize(zeros({2, 3}), -1); },
        "p must be positive, got -1.000000"));
    rows.back().inputs = {lattice(-2, 2)};
  }
  rows.push_back(row_of(
      "cosine_similarity", [](const Tensors& in) { return cosine_similarity(in[0], in[1]); },
      [unit](const Arrays& in) {
        const Array products = zip(unit(2)({in[0]}), unit(2)({in[1]}), [](double x, double y) { return x * y; });
        return reduce(products, {1}, false, sum_of);
      },
      {{{2, 3}, {2, 3}}, {{2, 3, 4}, {1, 3, 1}}, {{1, 1}, {1, 1}}, {{0, 3}, {1, 3}}, {{3, 67}, {3, 67}}},
      [] { cosine_similarity(zeros({2}), zeros({2})); }, "axis 1 is out of range for a tensor of rank 1"));
  rows.back().inputs = {lattice(-2, 2), lattice(-2, 2)};
}

/// The pixel at a position between pixels.
double read(const Array& x, int64_t batch, int64_t channel, double px, double py, bool border) {
  const int64_t height = x.shape[2], width = x.shape[3];
  if (border) px = std::clamp(px, 0., double(width - 1)), py = std::clamp(py, 0., double(height - 1));
  double total = 0;
  for (int64_t r = 0; r < height; ++r)
    for (int64_t c = 0; c < width; ++c)
      total += x.at({batch, channel, r, c}) * std::max(0., 1 - std::abs(px - double(c))) *
               std::max(0., 1 - std::abs(py - double(r)));
  return total;
}

void add_grids(Rows& rows) {
  for (GridPadding padding : {GridPadding::zeros, GridPadding::border})
    for (bool align : {false, true}) {
      const GridSampleOptions options{.padding = padding, .align_corners = align};
      rows.push_back(row_of(
          "grid_sample", [=](const Tensors& in) { return grid_sample(in[0], in[1], options); },
          [=](const Arrays& in) {
            const Array &x = in[0], &grid = in[1];
            Array out({x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]});
            const auto at = [align](double u, int64_t n) {
              return align ? (u + 1) / 2 * double(n - 1) : ((u + 1) * double(n) - 1) / 2;
            };
            each_index(out.shape, [&](const Index& i) {
              out.at(i) = read(x, i[0], i[1], at(grid.at({i[0], i[2], i[3], 0}), x.shape[3]),
                               at(grid.at({i[0], i[2], i[3], 1}), x.shape[2]), padding == GridPadding::border);
            });
            return out;
          },
          {{{2, 2, 4, 4}, {2, 3, 2, 2}}, {{1, 1, 4, 4}, {1, 1, 1, 2}}, {{1, 2, 4, 4}, {1, 0, 2, 2}}},
          [] { grid_sample(zeros({1, 2, 3, 3}), zeros({1, 2, 2, 3})); },
          "needs x [B, C, H, W] and a grid [B, h, w, 2], or a volume [B, C, D, H, W] and [B, d, h, w, 3], got shapes "
          "[1, 2, 3, 3] and [1, 2, 2, 3]"));
      // With 4 pixels a side, positions (u + 1) 2 - 1/2 and (u + 1) 3/2 are whole for multiples of 1/6 alone.
      rows.back().inputs = {any, lattice(-1.25, 1.25, 1. / 64)};
    }
}

}  // namespace

Rows composed_rows() {
  Rows rows;
  add_products(rows);
  add_distances(rows);
  add_grids(rows);
  return rows;
}

}  // namespace ditharos::tests
