// Rows of the op table: the fused blocks of a transformer.
#include <cmath>

#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

constexpr double eps = 1e-3;

Array add(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x + y; });
}
Array multiply(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x * y; });
}
Array normalized_rows(const Array& x) {
  return map_rows(x, -1, [](const std::vector<double>& v) { return normalized(v, eps); });
}
/// [B, D] as [B, 1, D]
Array per_token(const Array& x) { return reshaped(x, {x.shape[0], 1, x.shape[1]}); }

Row norm(bool with_weight, bool with_bias) {
  Row row;
  row.name = row.record = "layer_norm";
  row.op = [=](const Tensors& in) {
    const Tensor weight = with_weight ? in[1] : Tensor{};
    return layer_norm(in[0], weight, with_bias ? in.back() : Tensor{}, eps);
  };
  row.reference = [=](const Arrays& in) {
    Array y = normalized_rows(in[0]);
    if (with_weight) y = multiply(y, in[1]);
    return with_bias ? add(y, in.back()) : y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3}}, {{2, 3, 5}}, {{4}}, {{1, 1}}, {{0, 3}}, {{5, 67}}};
  row.large = {{{1031, 130}}, {{40, 33, 96}}};
  for (int i = with_weight + with_bias; i > 0; --i) {
    row.inputs.push_back(uniform(-2, 2));
    for (auto* cases : {&row.cases, &row.large})
      for (Case& c : *cases) c.push_back({c[0].back()});
  }
  row.misuse = [] { layer_norm(zeros({2, 3}), zeros({2}), zeros({3})); };
  row.message = "[layer_norm] x of shape [2, 3] needs weight and bias of shape [3], got [2] and [3]";
  return row;
}

Row modulated_norm() {
  Row row;
  row.name = row.record = "layer_norm_modulate";
  row.op = [](const Tensors& in) { return layer_norm_modulate(in[0], in[1], in[2], eps); };
  row.reference = [](const Arrays& in) {
    const Array factor = map(per_token(in[2]), [](double v) { return 1 + v; });
    return add(multiply(normalized_rows(in[0]), factor), per_token(in[1]));
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 4, 3}, {2, 3}, {2, 3}}, {{1, 1, 5}, {1, 5}, {1, 5}}, {{1, 1, 1}, {1, 1}, {1, 1}},
               {{0, 2, 3}, {0, 3}, {0, 3}}, {{2, 0, 3}, {2, 3}, {2, 3}}, {{2, 5, 67}, {2, 67}, {2, 67}}};
  row.large = {{{30, 49, 96}, {30, 96}, {30, 96}}};
  row.misuse = [] { layer_norm_modulate(zeros({2, 3, 4}), zeros({2, 4}), zeros({3, 4})); };
  row.message = "[layer_norm_modulate] needs x [B, T, D] and scale [B, D], got [2, 3, 4] and [3, 4]";
  return row;
}

Row gate() {
  Row row;
  row.name = row.record = "gated_residual";
  row.op = [](const Tensors& in) { return gated_residual(in[0], in[1], in[2]); };
  row.reference = [](const Arrays& in) { return add(in[0], multiply(per_token(in[1]), in[2])); };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 4, 3}, {2, 3}, {2, 4, 3}},
               {{1, 1, 1}, {1, 1}, {1, 1, 1}},
               {{0, 2, 3}, {0, 3}, {0, 2, 3}},
               {{2, 0, 3}, {2, 3}, {2, 0, 3}},
               {{2, 5, 67}, {2, 67}, {2, 5, 67}}};
  row.large = {{{30, 49, 96}, {30, 96}, {30, 49, 96}}};
  row.misuse = [] { gated_residual(zeros({2, 3, 4}), zeros({2, 4}), zeros({2, 1, 4})); };
  row.message = "[gated_residual] x has shape [2, 3, 4], y [2, 1, 4]";
  return row;
}

/// Both results at once, as one tensor: their sum in unequal parts.
Row gate_and_norm() {
  Row row;
  row.name = "gated_residual_norm";
  row.op = [](const Tensors& in) {
    const GatedNorm both = gated_residual_norm(in[0], in[1], in[2], in[3], in[4], eps);
    return both.residual * 2.0 + both.normalized;
  };
  row.reference = [](const Arrays& in) {
    const Array residual = add(in[0], multiply(per_token(in[1]), in[2]));
    const Array factor = map(per_token(in[4]), [](double v) { return 1 + v; });
    const Array normalized = add(multiply(normalized_rows(residual), factor), per_token(in[3]));
    return add(map(residual, [](double v) { return 2 * v; }), normalized);
  };
  row.inputs = std::vector<Values>(5, uniform(-2, 2));
  for (const Shape& x : {Shape{2, 4, 3}, {1, 1, 5}, {1, 1, 1}, {0, 2, 3}, {2, 0, 3}, {2, 5, 67}}) {
    const Shape per_sample{x[0], x[2]};
    row.cases.push_back({x, per_sample, x, per_sample, per_sample});
  }
  row.large = {{{30, 49, 96}, {30, 96}, {30, 49, 96}, {30, 96}, {30, 96}}};
  row.misuse = [] {
    gated_residual_norm(zeros({2, 3, 4}), zeros({2, 4}), zeros({2, 3, 4}), zeros({2, 4}), zeros({3, 4}));
  };
  row.message = "[gated_residual_norm] needs x [B, T, D] and scale [B, D], got [2, 3, 4] and [3, 4]";
  return row;
}

Array attention_reference(const Array& qkv, int64_t heads) {
  const int64_t batch = qkv.shape[0], tokens = qkv.shape[1], width = qkv.shape[2] / 3, head = width / heads;
  Array out({batch, tokens, width});
  each_index({batch, heads, tokens}, [&](const Index& i) {
    const int64_t b = i[0], first = i[1] * head, t = i[2];
    std::vector<double> scores;
    for (int64_t s = 0; s < tokens; ++s) {
      double score = 0;
      for (int64_t d = 0; d < head; ++d) score += qkv.at({b, t, first + d}) * qkv.at({b, s, width + first + d});
      scores.push_back(score / std::sqrt(double(head)));
    }
    const std::vector<double> weights = softmax_of(scores);
    for (int64_t s = 0; s < tokens; ++s)
      for (int64_t d = 0; d < head; ++d)
        out.at({b, t, first + d}) += weights[size_t(s)] * qkv.at({b, s, 2 * width + first + d});
  });
  return out;
}

Row attention_of(int64_t heads, std::vector<Case> cases) {
  Row row;
  row.name = row.record = "attention";
  row.takes = Takes::products;
  row.op = [=](const Tensors& in) { return attention(in[0], heads); };
  row.reference = [=](const Arrays& in) { return attention_reference(in[0], heads); };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.misuse = [] { attention(zeros({1, 2, 12}), 3); };
  row.message = "[attention] needs qkv [B, T, 3 D] with D divisible by 3 heads, got [1, 2, 12]";
  return row;
}

double angle(int64_t token, int64_t pair) { return .7 * double(token) + .3 * double(pair) - .4 * double(token * pair); }

/// The tables have no pattern that a kernel could rely on: their angles are all over the circle.
Row rotary(int64_t heads, std::vector<Case> cases, RopePairs pairs = RopePairs::halves) {
  Row row;
  row.name = row.record = "rope";
  row.op = [=](const Tensors& in) {
    const int64_t tokens = in[0].size(1), half = in[0].size(2) / 6 / heads;
    std::vector<double> cosines, sines;
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t i = 0; i < half; ++i) {
        cosines.push_back(std::cos(angle(t, i)));
        sines.push_back(std::sin(angle(t, i)));
      }
    const auto table = [&](const std::vector<double>& v) {
      return operand(to(from_vector(v, {tokens, half}), in[0].dtype()));
    };
    return rope(in[0], table(cosines), table(sines), heads, pairs);
  };
  row.reference = [=](const Arrays& in) {
    const int64_t width = in[0].shape[2] / 3, head = width / heads, half = head / 2;
    Array out(in[0].shape);
    each_index(out.shape, [&](const Index& i) {
      const bool interleaved = pairs == RopePairs::interleaved;
      const int64_t channel = i[2], place = channel % head, pair = interleaved ? place / 2 : place % half;
      if (channel >= 2 * width) {
        out.at(i) = in[0].at(i);
        return;
      }
      const bool second = interleaved ? place % 2 == 1 : place >= half;
      const int64_t apart = interleaved ? 1 : half;
      const double partner = in[0].at({i[0], i[1], second ? channel - apart : channel + apart});
      const double c = std::cos(angle(i[1], pair)), s = std::sin(angle(i[1], pair));
      out.at(i) = in[0].at(i) * c + (second ? partner * s : -partner * s);
    });
    return out;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.misuse = [] { rope(zeros({1, 2, 18}), zeros({2, 3}), zeros({2, 3}), 2); };
  row.message = "[rope] needs qkv [B, T, 3 D] with D divisible by twice the number of heads, 2, got [1, 2, 18]";
  return row;
}

/// What a fused rule puts in front of its inputs when its own gradient is recorded: seen through the gradient of a
/// cube.
Row identity() {
  Row row;
  row.name = row.record = "identity";
  row.op = [](const Tensors& in) {
    const Rule rule = fused(each([](const Backward& d) { return d.grad() * square(d.input(0)) * 3.0; }),
                            derivative_of([](const Tensors& saved) { return pow(saved[0], 3); }));
    const auto cube = [rule](const Tensors& x) {
      return record("test.cube", pow(x[0].detach(), 3), {x[0]}, save_inputs, rule, elementwise);
    };
    return vjp(cube, {in[0]}, ones_like(in[0]), true).grads[0];
  };
  row.reference = [](const Arrays& in) { return map(in[0], [](double v) { return 3 * v * v; }); };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3}}, {{}}, {{0, 2}}};
  row.misuse = [] {
    const auto pass = [](const Backward& d) { return d.grad(); };
    const Tensor x = zeros({}).set_requires_grad();
    record("test.pair", zeros({}), {x}, save_nothing, each(pass, pass)).backward();
  };
  row.message = "[test.pair] the rule returned 2 gradients for 1 inputs";
  return row;
}

}  // namespace

Rows transformer_rows() {
  Rows rows{norm(false, false), norm(true, false), norm(false, true), norm(true, true), modulated_norm(), gate(),
            gate_and_norm(),    identity()};
  // One element is no packed projection, so there is none of that among the cases.
  rows.push_back(rotary(1, {{{2, 3, 6}}, {{1, 1, 6}}, {{0, 3, 12}}, {{2, 0, 6}}, {{2, 3, 42}}}));
  rows.push_back(rotary(3, {{{2, 5, 36}}, {{1, 4, 90}}}));
  rows.back().large = {{{9, 31, 288}}};
  rows.push_back(rotary(3, {{{2, 5, 36}}, {{1, 4, 90}}, {{2, 3, 18}}}, RopePairs::interleaved));
  rows.back().large = {{{9, 31, 288}}};
  rows.back().misuse = [] { rope(zeros({1, 2, 36}), zeros({2, 2}), zeros({3, 2}), 3); };
  rows.back().message = "[rope] the sines must have shape [T, head size / 2] = [2, 2], got [3, 2]";
  rows.push_back(attention_of(2, {{{2, 3, 12}}, {{1, 1, 6}}, {{0, 3, 6}}, {{2, 5, 42}}, {{1, 67, 6}}}));
  rows.push_back(attention_of(1, {{{2, 3, 9}}, {{1, 1, 3}}, {{1, 4, 51}}}));
  rows.back().large = {{{6, 65, 96}}};
  rows.push_back(attention_of(4, {{{2, 9, 36}}}));
  rows.back().large = {{{8, 49, 288}}};
  return rows;
}

}  // namespace ditharos::tests
