// Extreme inputs of normalisations and attention: large and tiny scales, equal elements, hidden keys.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

using Reals = std::vector<Real>;
using Op = std::function<Tensor(const Tensors&)>;

/// The statistics of a row that a normalisation divides by.
struct Statistics {
  Real mean = 0, inverse = 0;

  Statistics(const Array& x, Real eps, bool centred) {
    const Real count = Real(x.values.size());
    for (double v : x.values) mean += centred ? v / count : 0;
    Real variance = eps;
    for (double v : x.values) variance += (v - mean) / count * (v - mean);
    inverse = 1 / std::sqrt(variance);
  }
};

/// xhat = (x - mean) / sqrt(var + eps) of a row, through f, with the weights h for its gradient:
/// dx = (h f' - mean(h f') - xhat mean(h f' xhat)) / sqrt(var + eps), without the first mean when it is not centred.
Answer normalized_row(const Array& x, const Array& h, Real eps, bool centred, const Formula& f, const Formula& slope) {
  const Statistics s(x, eps, centred);
  const size_t n = x.values.size();
  Real mean = 0, mean_xhat = 0;
  Reals xhat(n), g(n);
  for (size_t i = 0; i < n; ++i) {
    xhat[i] = (x.values[i] - s.mean) * s.inverse;
    g[i] = h.values[i] * slope(xhat[i]);
    mean += centred ? g[i] / Real(n) : 0;
    mean_xhat += g[i] * xhat[i] / Real(n);
  }
  Answer a{x, {x}};
  for (size_t i = 0; i < n; ++i) {
    a.value.values[i] = double(f(xhat[i]));
    a.gradients[0].values[i] = double((g[i] - mean - xhat[i] * mean_xhat) * s.inverse);
  }
  return a;
}

struct Norm {
  const char* name;
  bool centred;
  std::function<Tensor(const Tensor& row, double eps)> of;  ///< [N] -> [N]
  Formula f = [](Real v) { return v; }, slope = [](Real) { return 1; };
};

Extreme normalizing(const Norm& norm, const std::string& what, std::vector<double> x, double eps) {
  Extreme e;
  e.what = what;
  Array h = line(x);
  for (size_t i = 0; i < x.size(); ++i) h.values[i] = double(i * i % 7) - 1.37;
  e.inputs = {line(std::move(x))};
  e.cotangent = h;
  e.op = [=](const Tensors& in) { return reshape(norm.of(in[0], eps), in[0].shape()); };
  e.answer = [=](const Arrays& in) { return normalized_row(in[0], h, eps, norm.centred, norm.f, norm.slope); };
  e.tolerance32 = 1e-4;  // the gradient is a difference
  e.tolerance = 1e-11;
  return e;
}

std::vector<double> scattered(int n, double scale) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) x.push_back(scale * (std::cos(1.3 * i) + .2));
  return x;
}

void add_normalisations(Rows& rows) {
  const auto blank = [](const Tensor& x) { return zeros({1, x.numel()}, x.dtype()); };
  const auto tokens = [](const Tensor& x) { return reshape(x, {1, 1, -1}); };
  const auto sigmoid = [](Real v) { return 1 / (1 + std::exp(-v)); };
  const std::vector<Norm> norms = {
      {"layer_norm", true, [](const Tensor& x, double eps) { return layer_norm(x, {}, {}, eps); }},
      {"layer_norm_modulate", true,
       [=](const Tensor& x, double eps) { return layer_norm_modulate(tokens(x), blank(x), blank(x), eps); }},
      {"gated_residual_norm", true,
       [=](const Tensor& x, double eps) {
         return gated_residual_norm(tokens(x), blank(x), zeros_like(tokens(x)), blank(x), blank(x), eps).normalized;
       }},
      {"rms_norm", false, [](const Tensor& x, double eps) { return rms_norm(x, {}, eps); }},
      {"group_norm", true, [](const Tensor& x, double eps) { return group_norm(reshape(x, {1, -1}), 1, {}, {}, eps); }},
      {"group_norm", true,
       [](const Tensor& x, double eps) { return group_norm(reshape(x, {1, 1, -1}), 1, {}, {}, eps); }},
      {"batch_norm", true,
       [](const Tensor& x, double eps) { return batch_norm(reshape(x, {-1, 1}), {}, {}, {}, {}, true, .1, eps); }},
      {"group_norm_silu", true,
       [](const Tensor& x, double eps) { return group_norm_silu(reshape(x, {1, -1}), 1, {}, {}, eps); },
       [=](Real v) { return v * sigmoid(v); }, [=](Real v) { return sigmoid(v) * (1 + v * sigmoid(-v)); }}};
  for (const Norm& norm : norms) {
    Extreme huge = normalizing(norm, "f64 large scale", scattered(5, 1e200), 1e-5);
    huge.only = DType::f64;
    add_extremes(rows, norm.name,
                 {normalizing(norm, "large scale", scattered(5, 1e25), 1e-5),
                  normalizing(norm, "large scale, a long row", scattered(67, 1e25), 1e-5),
                  normalizing(norm, "scale of 1e10", scattered(5, 1e10), 1e-5),
                  normalizing(norm, "tiny scale", scattered(5, 1e-25), 1e-5),
                  normalizing(norm, "equal elements", std::vector<double>(8, 2.5), 1e-5),
                  normalizing(norm, "zeros", std::vector<double>(8, 0), 1e-5), huge});
  }
  const Array x = reshaped(line({1e30, -1e30}), {1, 1, 2}), gate = grid(1, 2, {1e-30, 1e30});
  const Array y = reshaped(line({1e30, 2}), {1, 1, 2});
  add_extremes(rows, "gated_residual",
               {stated("large scales", {x, gate, y}, reshaped(line({1e30, 1e30}), {1, 1, 2}),
                       {Array({1, 1, 2}, 1), grid(1, 2, {1e30, 2}), reshaped(line({1e-30, 1e30}), {1, 1, 2})},
                       {Array({1, 1, 2}), Array({1, 2}, 1), Array({1, 1, 2}, 1)})});
}

/// Attention of queries [T, D] on those keys [S, D] and values [S, E] that `seen` lists, with scores plus `mask`, for
/// the cotangent `h` [T, E]. Nothing is read of the others.
struct Attending {
  Array q, k, v, mask, h;
  std::vector<int64_t> seen;

  Answer answer(bool with_mask) const {
    const int64_t queries = q.shape[2], depth = q.shape[3], width = v.shape[3];
    const Real scale = 1 / std::sqrt(Real(depth));
    Answer a{Array({1, 1, queries, width}), {Array(q.shape), Array(k.shape), Array(v.shape)}};
    if (with_mask) a.gradients.emplace_back(mask.shape);
    for (int64_t t = 0; t < queries && !seen.empty(); ++t) {
      Reals p, dp;
      Real total = 0, delta = 0;
      for (int64_t s : seen) {
        Real score = 0, product = 0;
        for (int64_t d = 0; d < depth; ++d) score += Real(q.at({0, 0, t, d})) * k.at({0, 0, s, d});
        for (int64_t e = 0; e < width; ++e) product += Real(h.at({0, 0, t, e})) * v.at({0, 0, s, e});
        p.push_back(std::exp(scale * score + (with_mask ? mask.at({t, s}) : 0)));
        dp.push_back(product);
        total += p.back();
      }
      for (Real& w : p) w /= total;
      for (size_t j = 0; j < p.size(); ++j) delta += p[j] * dp[j];
      for (size_t j = 0; j < p.size(); ++j) {
        const int64_t s = seen[j];
        const Real ds = p[j] * (dp[j] - delta);
        for (int64_t e = 0; e < width; ++e) {
          a.value.at({0, 0, t, e}) += double(p[j] * v.at({0, 0, s, e}));
          a.gradients[2].at({0, 0, s, e}) += double(p[j] * h.at({0, 0, t, e}));
        }
        for (int64_t d = 0; d < depth; ++d) {
          a.gradients[0].at({0, 0, t, d}) += double(ds * scale * k.at({0, 0, s, d}));
          a.gradients[1].at({0, 0, s, d}) += double(ds * scale * q.at({0, 0, t, d}));
        }
        if (with_mask) a.gradients[3].at({t, s}) = double(ds);
      }
    }
    return a;
  }
};

void add_attention(Rows& rows) {
  const Array q = reshaped(line({1, -1, .5, 2}), {1, 1, 2, 2}), h = reshaped(line({1, 2, -1, .5}), {1, 1, 2, 2});
  const auto spoiled = [](double value) { return reshaped(line({.5, 1, value, value, -1, 2}), {1, 1, 3, 2}); };
  const auto add = [&](const std::string& what, double key, double value, std::vector<int64_t> seen, bool learned) {
    Extreme e;
    std::vector<double> numbers;
    for (int64_t i = 0; i < 6; ++i)
      numbers.push_back(std::count(seen.begin(), seen.end(), i % 3) ? .25 * double(i) : -infinite);
    const Array mask = grid(2, 3, numbers);
    e.what = what + (learned ? ", learned mask" : ", boolean mask");
    e.inputs = {q, spoiled(key), spoiled(value)};
    if (learned) e.inputs.push_back(mask);
    e.cotangent = h;
    e.tolerance32 = 1e-4;  // differences
    e.answer = [=](const Arrays& in) { return Attending{in[0], in[1], in[2], mask, h, seen}.answer(learned); };
    e.op = [=](const Tensors& in) {
      if (learned) return scaled_dot_product_attention(in[0], in[1], in[2], in[3]);
      const Tensor open = greater(from_vector(mask.values, mask.shape), scalar(-infinite, DType::f64));
      return scaled_dot_product_attention(in[0], in[1], in[2], open);
    };
    add_extremes(rows, "scaled_dot_product_attention", {e});
  };
  for (bool learned : {false, true}) {
    add("NaN in a hidden value", 3, not_a_number, {0, 2}, learned);
    add("infinity in a hidden value", 3, infinite, {0, 2}, learned);
    add("NaN in a hidden key", not_a_number, 3, {0, 2}, learned);
    add("infinity in a hidden key and value", infinite, -infinite, {0, 2}, learned);
    add("no key is seen", 3, not_a_number, {}, learned);
    add("large values", 1, 1e30, {0, 1, 2}, learned);
  }
  // Two tokens of one head with equal scores: means of values, and no gradient through the scores, since queries and
  // keys are 0.
  add_extremes(
      rows, "attention",
      {with_op(stated("equal scores, large values", {reshaped(line({0, 0, 1e30, 0, 0, 3e30}), {1, 2, 3})},
                      reshaped(line({2e30, 2e30}), {1, 2, 1}), {reshaped(line({0, 0, 1, 0, 0, 1}), {1, 2, 3})}),
               [](const Tensors& in) { return attention(in[0], 1); }),
       with_op(stated("one key takes all", {reshaped(line({100, 100, 1, 100, -100, 7}), {1, 2, 3})},
                      reshaped(line({1, 1}), {1, 2, 1}), {reshaped(line({0, 0, 2, 0, 0, 0}), {1, 2, 3})}),
               [](const Tensors& in) { return attention(in[0], 1); })});
}

}  // namespace

void add_norm_extremes(Rows& rows) {
  add_normalisations(rows);
  add_attention(rows);
}

}  // namespace ditharos::tests
