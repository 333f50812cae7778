// Rows of the op table: losses of distances, similarities and margins, and cross-entropies of other shapes and targets.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/loss_rows/loss_row.h"

namespace ditharos::tests {
namespace op_table_margins {
namespace {

double plus(double x) { return std::max(x, 0.0); }
bool is_positive(double flag) { return flag != 0; }

/// f of the rows of two arrays [N, D] or [D], and the number of the row.
Array by_row(const Array& a, const Array& b,
             const std::function<double(const std::vector<double>&, const std::vector<double>&, int64_t)>& f) {
  Shape shape = a.shape;
  shape.erase(a.rank() - 1);
  Array out(shape);
  const auto width = size_t(a.shape.back());
  for (size_t row = 0; row < out.values.size(); ++row) {
    const auto of = [&](const Array& x) {
      const auto begin = x.values.begin() + int64_t(row * width);
      return std::vector<double>(begin, begin + int64_t(width));
    };
    out.values[row] = f(of(a), of(b), int64_t(row));
  }
  return out;
}

double distance_of(const std::vector<double>& a, const std::vector<double>& b, double p) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += std::pow(std::abs(a[i] - b[i] + 1e-6), p);
  return std::pow(total, 1 / p);
}

void add_signed(Rows& rows) {
  const Tensor x = zeros({2, 3});
  const Values low = lattice(-2, 2, 1. / 32), high = lattice(-2, 2, 3. / 32);
  add_loss(rows,
           {"hinge_embedding_loss",
            [](const Tensors& in, Reduction r) { return hinge_embedding_loss(in[0], one_or_minus_one(in[1]), .5, r); },
            [](const Arrays& in) {
              return zip(in[0], in[1], [](double a, double y) { return is_positive(y) ? a : plus(.5 - a); });
            },
            {low, flags()},
            {{{2, 3}, {2, 3}}, {{1}, {1}}},
            {{0, 3}, {0, 3}},
            [x] { hinge_embedding_loss(x, zeros({3})); },
            "the prediction has shape [2, 3], the target [3]; they must be equal"});
  add_loss(rows, {"margin_ranking_loss",
                  [](const Tensors& in, Reduction r) {
                    return margin_ranking_loss(in[0], in[1], to(one_or_minus_one(in[2]), in[0].dtype()), .25, r);
                  },
                  [](const Arrays& in) {
                    const Array e = zip(in[0], in[1], [](double a, double b) { return a - b; });
                    return zip(e, in[2], [](double d, double y) { return plus(.25 - (is_positive(y) ? d : -d)); });
                  },
                  {low, high, flags()},
                  {{{2, 3}, {2, 3}, {2, 3}}, {{1}, {1}, {1}}},
                  {{0, 3}, {0, 3}, {0, 3}},
                  [x] { margin_ranking_loss(x, x, zeros({2, 3}, DType::i32)); },
                  "the target must be i64 or f32, as the prediction, got i32"});
  add_loss(rows, {"cosine_embedding_loss",
                  [](const Tensors& in, Reduction r) {
                    return cosine_embedding_loss(in[0], in[1], one_or_minus_one(in[2]), .1, r);
                  },
                  [](const Arrays& in) {
                    return by_row(in[0], in[1], [&](const auto& a, const auto& b, int64_t i) {
                      double ab = 0, aa = 1e-12, bb = 1e-12;
                      for (size_t k = 0; k < a.size(); ++k) ab += a[k] * b[k], aa += a[k] * a[k], bb += b[k] * b[k];
                      const double cosine = ab / std::sqrt(aa * bb);
                      return is_positive(in[2].values[size_t(i)]) ? 1 - cosine : plus(cosine - .1);
                    });
                  },
                  {uniform(-2, 2), uniform(-2, 2), flags()},
                  {{{4, 3}, {4, 3}, {4}}, {{3}, {3}, {}}},
                  {{0, 3}, {0, 3}, {0}},
                  [x] { cosine_embedding_loss(x, x, zeros({3})); },
                  "needs inputs [N, D] and a target [N], or [D] and [], got [2, 3] and [3]"});
}

void add_distances(Rows& rows) {
  const Tensor x = zeros({2, 3});
  for (const double p : {2.0, 1.0, 3.0}) {
    Row row;
    row.name = "pairwise_distance";
    row.op = [=](const Tensors& in) { return pairwise_distance(in[0], in[1], p); };
    row.reference = [=](const Arrays& in) {
      const Array b = stretch(in[1], in[0].shape);
      return by_row(in[0], b, [=](const auto& u, const auto& v, int64_t) { return distance_of(u, v, p); });
    };
    row.inputs = {lattice(-2, 2, 1. / 32), lattice(-2, 2, 3. / 32)};
    row.cases = {{{2, 3}, {2, 3}}, {{4, 3}, {3}}, {{1}, {1}}, {{0, 3}, {0, 3}}};
    row.misuse = [x] { pairwise_distance(x, x, 0); };
    row.message = "[pairwise_distance] p must be positive, got 0.000000";
    rows.push_back(row);
  }
  const auto losses_of = [](const Arrays& in, bool swap, double margin,
                            const std::function<double(const std::vector<double>&, const std::vector<double>&)>& d) {
    const auto distance = [&](size_t i, size_t j) {
      return by_row(in[i], in[j], [&](const auto& a, const auto& b, int64_t) { return d(a, b); });
    };
    Array far = distance(0, 2);
    if (swap) far = zip(far, distance(1, 2), [](double a, double b) { return std::min(a, b); });
    return zip(distance(0, 1), far, [=](double near, double other) { return plus(near - other + margin); });
  };
  const std::vector<Values> any(3, uniform(-2, 2));
  const std::vector<Case> cases = {{{4, 3}, {4, 3}, {4, 3}}, {{3}, {3}, {3}}, {{1, 1}, {1, 1}, {1, 1}}};
  const Case empty = {{0, 3}, {0, 3}, {0, 3}};
  for (const bool swap : {false, true}) {
    const double p = 2;
    add_loss(rows, {"triplet_margin_loss",
                    [=](const Tensors& in, Reduction r) {
                      return triplet_margin_loss(in[0], in[1], in[2],
                                                 {.margin = 5, .p = p, .swap = swap, .reduction = r});
                    },
                    [=](const Arrays& in) {
                      return losses_of(in, swap, 5, [=](const auto& a, const auto& b) { return distance_of(a, b, p); });
                    },
                    any, cases, empty, [x] { triplet_margin_loss(x, x, zeros({3})); },
                    "the anchor has shape [2, 3], the negative [3]; they must be equal"});
    const DistanceFunction squares = [](const Tensor& a, const Tensor& b) { return sum(square(a - b), -1); };
    add_loss(rows,
             {"triplet_margin_with_distance_loss",
              [=](const Tensors& in, Reduction r) {
                return triplet_margin_with_distance_loss(in[0], in[1], in[2], squares,
                                                         {.margin = 2, .swap = swap, .reduction = r});
              },
              [=](const Arrays& in) {
                return losses_of(in, swap, 2, [](const auto& a, const auto& b) {
                  double total = 0;
                  for (size_t i = 0; i < a.size(); ++i) total += (a[i] - b[i]) * (a[i] - b[i]);
                  return total;
                });
              },
              any, cases, empty, [x] { triplet_margin_with_distance_loss(x, x, x, {}); }, "there is no distance"});
  }
}

void add_margins(Rows& rows) {
  const Tensor x = zeros({2, 3});
  for (const bool square : {false, true}) {
    Loss loss{"multi_margin_loss",
              [=](const Tensors& in, Reduction r) {
                return multi_margin_loss(
                    in[0], in[1],
                    {.p = square ? 2 : 1, .margin = 11. / 16, .weight = square ? in[2] : Tensor{}, .reduction = r});
              },
              [=](const Arrays& in) {
                return by_row(in[0], in[0], [&](const auto& row, const auto&, int64_t i) {
                  const auto label = size_t(in[1].values[size_t(i)]);
                  double total = 0;
                  for (size_t j = 0; j < row.size(); ++j) {
                    const double e = plus(11. / 16 - row[label] + row[j]);
                    if (j != label) total += square ? e * e : e;
                  }
                  return (square ? in[2].values[label] : 1) * total / double(row.size());
                });
              },
              {lattice(-2, 2), index_below(3)},
              {{{4, 3}, {4}}, {{3}, {}}},
              {{0, 3}, {0}},
              [x] { multi_margin_loss(x, zeros({2}, DType::i64), {.p = 3}); },
              "p must be 1 or 2, got 3"};
    if (square) {
      loss.inputs.push_back(uniform(.5, 2));
      for (Case& shapes : loss.cases) shapes.push_back({3});
      loss.empty.push_back({3});
    }
    add_loss(rows, loss);
  }
  add_loss(rows, {"multilabel_margin_loss",
                  [](const Tensors& in, Reduction r) { return multilabel_margin_loss(in[0], in[1], r); },
                  [](const Arrays& in) {
                    return by_row(in[0], in[1], [](const auto& row, const auto& all, int64_t) {
                      const auto end = std::find(all.begin(), all.end(), -1.0);
                      double total = 0;
                      for (auto label = all.begin(); label != end; ++label)
                        for (size_t j = 0; j < row.size(); ++j)
                          if (std::find(all.begin(), end, double(j)) == end)
                            total += plus(1 - row[size_t(*label)] + row[j]);
                      return total / double(row.size());
                    });
                  },
                  {uniform(-2, 2), {Values::Kind::index, -1, 3}},
                  {{{5, 3}, {5, 3}}, {{4}, {4}}},
                  {{0, 3}, {0, 3}},
                  [x] { multilabel_margin_loss(x, full({2, 3}, 3, DType::i64)); },
                  "every label must be in [-1, 3)"});
}

/// Logits [N, C, d...] as rows [N d, C], and back.
void add_classes(Rows& rows) {
  const auto log_softmax_row = [](const std::vector<double>& v) {
    std::vector<double> out = softmax_of(v);
    for (double& p : out) p = std::log(p);
    return out;
  };
  for (const bool from_logits : {true, false}) {
    const std::string name = from_logits ? "cross_entropy" : "nll_loss";
    add_loss(rows, {name,
                    [=](const Tensors& in, Reduction r) {
                      const LabelLossOptions options{.weight = in[2], .reduction = r};
                      return from_logits ? cross_entropy(in[0], in[1], options) : nll_loss(in[0], in[1], options);
                    },
                    [=](const Arrays& in) {
                      const int axis = in[0].rank() == 1 ? 0 : 1;
                      const Array scores = from_logits ? map_rows(in[0], axis, log_softmax_row) : in[0];
                      Array losses(in[1].shape);
                      each_index(in[1].shape, [&](const Index& i) {
                        Index at = i;
                        const int64_t label = int64_t(in[1].at(i));
                        at.insert(axis, label);
                        losses.at(i) = -in[2].at({label}) * scores.at(at);
                      });
                      return losses;
                    },
                    {uniform(-3, 3), index_below(3), uniform(.5, 2)},
                    {{{2, 3, 4}, {2, 4}, {3}}, {{2, 3, 2, 2}, {2, 2, 2}, {3}}, {{3}, {}, {3}}},
                    {{2, 3, 0}, {2, 0}, {3}},
                    [=] {
                      const Tensor x = zeros({2, 3, 4}), labels = zeros({2, 3}, DType::i64);
                      from_logits ? cross_entropy(x, labels) : nll_loss(x, labels);
                    },
                    "needs logits [N, C, d...] and labels [N, d...], or [C] and [], got [2, 3, 4] and [2, 3]",
                    [](const Arrays& in) {
                      double total = 0;
                      for (const double label : in[1].values) total += in[2].at({int64_t(label)});
                      return total;
                    }});
  }
  for (const double smoothing : {0.0, .2})
    add_loss(rows, {"cross_entropy",
                    [=](const Tensors& in, Reduction r) {
                      return cross_entropy(
                          in[0], in[1],
                          {.weight = smoothing > 0 ? in[2] : Tensor{}, .label_smoothing = smoothing, .reduction = r});
                    },
                    [=](const Arrays& in) {
                      const int axis = in[0].rank() == 1 ? 0 : 1;
                      const int64_t classes = in[0].shape[axis];
                      const Array scores = map_rows(in[0], axis, log_softmax_row);
                      Array terms(in[0].shape);
                      each_index(in[0].shape, [&](const Index& i) {
                        const double t = in[1].at(i) * (1 - smoothing) + smoothing / double(classes);
                        terms.at(i) = -(smoothing > 0 ? in[2].at({i[axis]}) : 1) * t * scores.at(i);
                      });
                      return reduce(terms, {axis}, false, sum_of);
                    },
                    smoothing > 0 ? std::vector<Values>{uniform(-3, 3), uniform(0, 1), uniform(.5, 2)}
                                  : std::vector<Values>{uniform(-3, 3), uniform(0, 1)},
                    smoothing > 0 ? std::vector<Case>{{{2, 3}, {2, 3}, {3}}, {{2, 3, 2}, {2, 3, 2}, {3}}}
                                  : std::vector<Case>{{{2, 3}, {2, 3}}, {{2, 3, 2}, {2, 3, 2}}, {{4}, {4}}},
                    smoothing > 0 ? Case{{0, 3}, {0, 3}, {3}} : Case{{0, 3}, {0, 3}},
                    [] { cross_entropy(zeros({2, 3}), zeros({2, 3}), {.ignore_index = 0}); },
                    "probabilities as a target have no label to ignore, got ignore_index = 0"});
}

}  // namespace
}  // namespace op_table_margins

Rows margin_loss_rows() {
  Rows rows;
  op_table_margins::add_signed(rows);
  op_table_margins::add_distances(rows);
  op_table_margins::add_margins(rows);
  op_table_margins::add_classes(rows);
  return rows;
}

}  // namespace ditharos::tests
