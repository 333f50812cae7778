// Rows of the op table: convolutions and their transposes.
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

/// Numbers for each spatial axis.
struct Window {
  Shape stride, padding, dilation;
  int64_t groups = 1;
  Shape output_padding = {};

  int axes() const { return stride.rank(); }
};

PerAxis per_axis(const Shape& s) {
  return s.rank() == 1 ? PerAxis(s[0]) : s.rank() == 2 ? PerAxis{s[0], s[1]} : PerAxis{s[0], s[1], s[2]};
}

/// Calls body(output index, input index, weight index) for every term of the convolution of `x` to `y`.
void each_term(const Shape& x, const Shape& weight, const Shape& y, const Window& w,
               const std::function<void(const Index&, const Index&, const Index&)>& body) {
  const int axes = w.axes();
  const Shape terms(weight.begin() + 1, weight.end());  // input channel of the group, position in the kernel
  const int64_t out_of_group = weight[0] / w.groups;
  each_index(y, [&](const Index& to) {
    each_index(terms, [&](const Index& term) {
      Index tap = term, from{to[0], to[1] / out_of_group * weight[1] + term[0]};
      tap.insert(0, to[1]);
      bool inside = true;
      for (int a = 0; a < axes; ++a) {
        const int64_t p = to[2 + a] * w.stride[a] + term[1 + a] * w.dilation[a] - w.padding[a];
        inside = inside && p >= 0 && p < x[2 + a];
        from.push_back(p);
      }
      if (inside) body(to, from, tap);
    });
  });
}

Array with_bias(Array y, const Arrays& in) {
  if (in.size() > 2) each_index(y.shape, [&](const Index& i) { y.at(i) += in[2].at({i[1]}); });
  return y;
}

Array conv_reference(const Arrays& in, const Window& w) {
  Shape y{in[0].shape[0], in[1].shape[0]};
  for (int a = 0; a < w.axes(); ++a)
    y.push_back((in[0].shape[2 + a] + 2 * w.padding[a] - w.dilation[a] * (in[1].shape[2 + a] - 1) - 1) / w.stride[a] +
                1);
  Array out(y);
  each_term(in[0].shape, in[1].shape, y, w, [&](const Index& to, const Index& from, const Index& tap) {
    out.at(to) += in[0].at(from) * in[1].at(tap);
  });
  return with_bias(out, in);
}

Array transpose_reference(const Arrays& in, const Window& w) {
  Shape y{in[0].shape[0], in[1].shape[1] * w.groups};
  for (int a = 0; a < w.axes(); ++a)
    y.push_back((in[0].shape[2 + a] - 1) * w.stride[a] - 2 * w.padding[a] + w.dilation[a] * (in[1].shape[2 + a] - 1) +
                1 + w.output_padding[a]);
  Array out(y);
  each_term(y, in[1].shape, in[0].shape, w, [&](const Index& from, const Index& to, const Index& tap) {
    out.at(to) += in[0].at(from) * in[1].at(tap);
  });
  return with_bias(out, in);
}

void add_bias_input(Row& row, int weight_axis, int64_t groups) {
  row.inputs.push_back(uniform(-1, 1));
  for (auto* cases : {&row.cases, &row.large})
    for (Case& c : *cases) c.push_back({c[1][weight_axis] * groups});
}

Row convolution(const Window& w, bool bias, std::vector<Case> cases, std::vector<Case> large = {}) {
  Row row;
  row.record = "conv";
  row.op = [=](const Tensors& in) {
    const PerAxis stride = per_axis(w.stride), padding = per_axis(w.padding), dilation = per_axis(w.dilation);
    const auto f = w.axes() == 1 ? conv1d : w.axes() == 2 ? conv2d : conv3d;
    return f(in[0], in[1], bias ? in[2] : Tensor{}, stride, padding, dilation, w.groups);
  };
  row.reference = [=](const Arrays& in) { return conv_reference(in, w); };
  row.inputs = {uniform(-1, 1), uniform(-1, 1)};
  row.takes = bias ? Takes::floating : Takes::products;  // the bias of a product in bf16 is f32
  row.cases = std::move(cases);
  row.large = std::move(large);
  if (bias) add_bias_input(row, 0, 1);
  return row;
}

Row named(Row row, const char* name, std::function<void()> misuse, const char* message) {
  row.name = name;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

Row transposition(const Window& w, bool bias, std::vector<Case> cases, std::vector<Case> large = {}) {
  Row row;
  row.record = "conv_transpose";
  row.op = [=](const Tensors& in) {
    const PerAxis stride = per_axis(w.stride), padding = per_axis(w.padding), dilation = per_axis(w.dilation);
    const auto f = w.axes() == 1 ? conv_transpose1d : w.axes() == 2 ? conv_transpose2d : conv_transpose3d;
    return f(in[0], in[1], bias ? in[2] : Tensor{}, stride, padding, per_axis(w.output_padding), w.groups, dilation);
  };
  row.reference = [=](const Arrays& in) { return transpose_reference(in, w); };
  row.inputs = {uniform(-1, 1), uniform(-1, 1)};
  row.takes = bias ? Takes::floating : Takes::products;  // the bias of a product in bf16 is f32
  row.cases = std::move(cases);
  row.large = std::move(large);
  if (bias) add_bias_input(row, 1, w.groups);
  return row;
}

/// The gradient of the weight as a function of x and the output's gradient, which nobody calls by name.
Row weight_gradient() {
  const Window w{{1, 1}, {1, 1}, {1, 1}};
  Row row;
  row.name = row.record = "conv_weight_gradient";
  row.op = [](const Tensors& in) {
    GradMode recording(true);
    const Tensor weight = zeros({in[1].size(1), in[0].size(1), 3, 3}, in[0].dtype()).set_requires_grad();
    const bool wanted = in[0].requires_grad() || in[1].requires_grad();
    return grad(conv2d(in[0], weight, {}, 1, 1), weight, in[1], {.create_graph = wanted});
  };
  row.reference = [w](const Arrays& in) {
    Array out(Shape{in[1].shape[1], in[0].shape[1], 3, 3});
    each_term(in[0].shape, out.shape, in[1].shape, w, [&](const Index& to, const Index& from, const Index& tap) {
      out.at(tap) += in[0].at(from) * in[1].at(to);
    });
    return out;
  };
  row.inputs = {uniform(-1, 1), uniform(-1, 1)};
  row.cases = {{{2, 3, 4, 5}, {2, 2, 4, 5}}, {{1, 1, 1, 1}, {1, 1, 1, 1}}, {{0, 2, 3, 3}, {0, 1, 3, 3}}};
  row.large = {{{4, 16, 20, 20}, {4, 16, 20, 20}}};
  row.misuse = [] { conv2d(zeros({1, 1, 4, 4}), zeros({1, 1, 3, 3}), {}, 1, -1); };
  row.message =
      "[conv2d] needs stride >= 1, padding >= 0, dilation >= 1 and groups >= 1, got [1, 1], [-1, -1], "
      "[1, 1] and 1";
  return row;
}

Row channels_row(const Window& w, bool bias, std::vector<Case> cases, std::vector<Case> large = {}) {
  return named(
      convolution(w, bias, std::move(cases), std::move(large)), "conv2d",
      [] { conv2d(zeros({1, 3, 8, 8}), zeros({4, 2, 3, 3})); },
      "[conv2d] x [1, 3, 8, 8] has 3 channels; weight [4, 2, 3, 3] takes 2, 2 for each group");
}

}  // namespace

Rows conv_rows() {
  Rows rows;
  rows.push_back(channels_row({{1, 1}, {1, 1}, {1, 1}}, true,
                              {{{2, 3, 4, 5}, {4, 3, 3, 3}},
                               {{1, 1, 1, 1}, {1, 1, 3, 3}},
                               {{0, 2, 3, 3}, {2, 2, 3, 3}},
                               {{2, 0, 3, 3}, {2, 0, 3, 3}}},
                              {{{4, 3, 40, 41}, {8, 3, 3, 3}}, {{9, 32, 12, 12}, {48, 32, 3, 3}}}));
  rows.push_back(channels_row({{2, 2}, {0, 0}, {1, 1}}, false, {{{2, 3, 4, 5}, {4, 3, 2, 2}}}));
  rows.push_back(named(
      convolution({{2, 1}, {2, 1}, {2, 1}, 2}, true, {{{2, 4, 5, 4}, {6, 2, 3, 2}}},
                  {{{5, 32, 20, 17}, {32, 16, 3, 3}}}),
      "conv2d", [] { conv2d(zeros({1, 4, 8, 8}), zeros({3, 2, 3, 3}), {}, 1, 0, 1, 2); },
      "[conv2d] 3 output channels do not divide into 2 groups"));
  rows.push_back(named(
      convolution({{1, 1}, {0, 0}, {1, 1}, 3}, false, {{{1, 3, 4, 4}, {3, 1, 3, 3}}}), "conv2d",
      [] { conv2d(zeros({1, 1, 2, 2}), zeros({1, 1, 3, 3})); },
      "[conv2d] a kernel of [3, 3] with dilation [1, 1] does not fit an image of [2, 2] with "
      "padding [0, 0]"));
  rows.push_back(named(
      convolution({{2}, {1}, {1}}, true, {{{2, 3, 7}, {4, 3, 3}}, {{1, 1, 1}, {1, 1, 1}}, {{0, 1, 3}, {1, 1, 2}}},
                  {{{8, 16, 500}, {16, 16, 5}}}),
      "conv1d", [] { conv1d(zeros({1, 2, 5}), zeros({2, 2, 3}), {}, 0); },
      "[conv1d] needs stride >= 1, padding >= 0, dilation >= 1 and groups >= 1, got [0], [0], [1] "
      "and 1"));
  rows.push_back(named(
      convolution(
          {{1, 2, 1}, {1, 0, 1}, {1, 1, 1}}, true,
          {{{1, 2, 3, 4, 3}, {2, 2, 3, 2, 3}}, {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}, {{0, 1, 2, 3, 2}, {1, 1, 1, 2, 1}}},
          {{{2, 8, 6, 12, 12}, {16, 8, 3, 3, 3}}}),
      "conv3d", [] { conv3d(zeros({2, 4, 4}), zeros({2, 2, 3, 3, 3})); },
      "[conv3d] needs x [B, C, D, H, W] and weight [O, C/groups, kD, kH, kW], got [2, 4, 4] and "
      "[2, 2, 3, 3, 3]"));
  rows.push_back(named(
      transposition({{2}, {1}, {1}, 1, {1}}, true,
                    {{{2, 3, 4}, {3, 2, 3}}, {{1, 1, 1}, {1, 1, 3}}, {{0, 1, 3}, {1, 1, 2}}}),
      "conv_transpose1d", [] { conv_transpose1d(zeros({1, 2, 5}), zeros({3, 2, 3})); },
      "[conv_transpose1d] x [1, 2, 5] has 2 channels; weight [3, 2, 3] takes 3"));
  rows.push_back(named(
      transposition({{2, 2}, {1, 1}, {1, 1}, 1, {1, 1}}, true,
                    {{{2, 3, 3, 4}, {3, 4, 3, 3}}, {{1, 1, 1, 1}, {1, 1, 3, 3}}, {{0, 2, 3, 3}, {2, 1, 3, 3}}},
                    {{{9, 32, 8, 8}, {32, 16, 3, 3}}}),
      "conv_transpose2d", [] { conv_transpose2d(zeros({1, 2, 5, 5}), zeros({2, 2, 3, 3}), {}, 2, 1, 2); },
      "[conv_transpose2d] needs 0 <= output_padding < stride or dilation, got [2, 2], [2, 2] and [1, 1]"));
  rows.push_back(named(
      transposition({{1, 3}, {0, 1}, {2, 1}, 2, {0, 1}}, false, {{{1, 4, 3, 2}, {4, 2, 2, 3}}}), "conv_transpose2d",
      [] { conv_transpose2d(zeros({1, 1, 1, 1}), zeros({1, 1, 1, 1}), {}, 1, 1); },
      "[conv_transpose2d] an image of [1, 1] with a kernel of [1, 1] and padding [1, 1] leaves "
      "nothing"));
  rows.push_back(named(
      transposition(
          {{2, 1, 2}, {0, 1, 0}, {1, 1, 1}, 1, {1, 0, 0}}, true,
          {{{1, 2, 2, 3, 2}, {2, 2, 2, 3, 2}}, {{1, 1, 1, 1, 1}, {1, 1, 1, 3, 1}}, {{0, 1, 2, 2, 2}, {1, 1, 1, 3, 1}}}),
      "conv_transpose3d", [] { conv_transpose3d(zeros({1, 2, 4, 4, 4}), zeros({2, 2, 3, 3, 3}), zeros({3})); },
      "[conv_transpose3d] bias must be [2], got [3]"));
  rows.push_back(weight_gradient());
  return rows;
}

}  // namespace ditharos::tests
