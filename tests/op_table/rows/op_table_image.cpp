// Rows of the op table: normalisation, pooling and interpolation of images.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

constexpr double eps = 1e-3;

double silu_of(double v) { return v / (1 + std::exp(-v)); }

/// [C] spread over the channels of images.
Array times_channel(Array y, const Array& v) {
  each_index(y.shape, [&](const Index& i) { y.at(i) *= v.at({i[1]}); });
  return y;
}
Array plus_channel(Array y, const Array& v) {
  each_index(y.shape, [&](const Index& i) { y.at(i) += v.at({i[1]}); });
  return y;
}

Array group_normalized(const Array& x, int64_t groups) {
  if (x.values.empty()) return x;
  const Shape rows{x.shape[0] * groups, int64_t(x.values.size()) / (x.shape[0] * groups)};
  const Array y = map_rows(reshaped(x, rows), -1, [](const std::vector<double>& v) { return normalized(v, eps); });
  return reshaped(y, x.shape);
}

Row group(int64_t groups, bool weight, bool bias, bool with_silu, std::vector<Case> cases, std::vector<Case> large) {
  Row row;
  row.name = with_silu ? "group_norm_silu" : "group_norm";
  row.record = "group_norm";
  row.op = [=](const Tensors& in) {
    const Tensor w = weight ? in[1] : Tensor{}, b = bias ? in.back() : Tensor{};
    return with_silu ? group_norm_silu(in[0], groups, w, b, eps) : group_norm(in[0], groups, w, b, eps);
  };
  row.reference = [=](const Arrays& in) {
    Array y = group_normalized(in[0], groups);
    if (weight) y = times_channel(y, in[1]);
    if (bias) y = plus_channel(y, in.back());
    return with_silu ? map(y, silu_of) : y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.large = std::move(large);
  for (int i = weight + bias; i > 0; --i) {
    row.inputs.push_back(uniform(-2, 2));
    for (auto* list : {&row.cases, &row.large})
      for (Case& c : *list) c.push_back({c[0][1]});
  }
  row.misuse = [] { group_norm(zeros({2, 6, 3}), 4); };
  row.message =
      "[group_norm] x of shape [2, 6, 3] does not divide into 4 groups of channels, each of at least one "
      "element";
  return row;
}

/// The mean and the biased variance of each channel.
std::pair<Array, Array> channel_statistics(const Array& x) {
  const int64_t channels = x.shape[1];
  Array mean({channels}), variance({channels});
  const double count = double(x.values.size()) / double(channels);
  each_index(x.shape, [&](const Index& i) { mean.at({i[1]}) += x.at(i) / count; });
  each_index(x.shape, [&](const Index& i) {
    const double difference = x.at(i) - mean.at({i[1]});
    variance.at({i[1]}) += difference * difference / count;
  });
  return {mean, variance};
}

Array batch_reference(const Array& x, const Array& mean, const Array& variance, const Array& weight,
                      const Array& bias) {
  Array y = x;
  each_index(y.shape,
             [&](const Index& i) { y.at(i) = (x.at(i) - mean.at({i[1]})) / std::sqrt(variance.at({i[1]}) + eps); });
  return plus_channel(times_channel(y, weight), bias);
}

Row batch_training() {
  Row row;
  row.name = row.record = "batch_norm";
  row.op = [](const Tensors& in) { return batch_norm(in[0], {}, {}, in[1], in[2], true, 0.1, eps); };
  row.reference = [](const Arrays& in) {
    const auto [mean, variance] = channel_statistics(in[0]);
    return batch_reference(in[0], mean, variance, in[1], in[2]);
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 3, 2, 3}, {3}, {3}}, {{4, 2}, {2}, {2}}, {{1, 1, 1, 1}, {1}, {1}}, {{3, 2, 19}, {2}, {2}}};
  row.large = {{{20, 16, 15, 16}, {16}, {16}}};
  row.misuse = [] { batch_norm(zeros({2, 3}), {}, {}); };
  row.message = "[batch_norm] needs both running statistics, or in training none of them";
  return row;
}

Row batch_evaluation() {
  Row row;
  row.name = "batch_norm";
  row.op = [](const Tensors& in) {
    const DType dtype = in[0].dtype();
    const Tensor mean = operand(full({in[0].size(1)}, .5, dtype)), var = operand(full({in[0].size(1)}, 1.5, dtype));
    return batch_norm(in[0], mean, var, in[1], in[2], false, 0.1, eps);
  };
  row.reference = [](const Arrays& in) {
    const Shape channels{in[0].shape[1]};
    return batch_reference(in[0], Array(channels, .5), Array(channels, 1.5), in[1], in[2]);
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 3, 2, 3}, {3}, {3}}, {{0, 2, 2}, {2}, {2}}, {{1, 1}, {1}, {1}}};
  row.misuse = [] { batch_norm(zeros({2, 3}), zeros({3}), zeros({2})); };
  row.message = "[batch_norm] the running statistics must be [3], got [3] and [2]";
  return row;
}

Row rms(bool weight) {
  Row row;
  row.name = row.record = "rms_norm";
  row.op = [=](const Tensors& in) { return rms_norm(in[0], weight ? in[1] : Tensor{}, eps); };
  row.reference = [=](const Arrays& in) {
    const Array y = map_rows(in[0], -1, [](const std::vector<double>& v) {
      double squares = 0;
      for (double e : v) squares += e * e;
      std::vector<double> out = v;
      for (double& e : out) e /= std::sqrt(squares / double(v.size()) + eps);
      return out;
    });
    return weight ? zip(y, in[1], [](double a, double b) { return a * b; }) : y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3}}, {{2, 3, 5}}, {{4}}, {{1, 1}}, {{0, 3}}, {{5, 67}}};
  row.large = {{{1031, 130}}};
  if (weight) {
    row.inputs.push_back(uniform(-2, 2));
    for (auto* cases : {&row.cases, &row.large})
      for (Case& c : *cases) c.push_back({c[0].back()});
  }
  row.misuse = [] { rms_norm(zeros({2, 3}), zeros({2})); };
  row.message = "[rms_norm] x of shape [2, 3] needs a last axis of at least 1 and a weight of its size";
  return row;
}

struct Pool {
  int64_t kernel, stride, padding;
  int64_t out(int64_t n) const { return (n + 2 * padding - kernel) / stride + 1; }
};

/// Replaces every window by f(its pixels inside the image).
Array pooled(const Array& x, const Pool& p, const std::function<double(const std::vector<double>&)>& f) {
  Array y({x.shape[0], x.shape[1], p.out(x.shape[2]), p.out(x.shape[3])});
  each_index(y.shape, [&](const Index& i) {
    std::vector<double> pixels;
    each_index({p.kernel, p.kernel}, [&](const Index& k) {
      const int64_t h = i[2] * p.stride + k[0] - p.padding, w = i[3] * p.stride + k[1] - p.padding;
      if (h >= 0 && h < x.shape[2] && w >= 0 && w < x.shape[3]) pixels.push_back(x.at({i[0], i[1], h, w}));
    });
    y.at(i) = f(pixels);
  });
  return y;
}

Row max_pool(const Pool& p) {
  Row row;
  row.name = "max_pool2d";
  row.record = "max_pool";
  row.op = [p](const Tensors& in) { return max_pool2d(in[0], p.kernel, p.stride, p.padding); };
  row.reference = [p](const Arrays& in) {
    return pooled(in[0], p, [](const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); });
  };
  row.inputs = {apart(-2, 2)};
  row.cases = {{{2, 2, 4, 5}}, {{0, 2, 3, 3}}, {{1, 1, 2, 3}}};
  if (p.kernel == 1 || p.padding > 0) row.cases.push_back({{1, 1, 1, 1}});
  row.large = {{{8, 16, 40, 41}}};
  row.misuse = [] { max_pool2d(zeros({1, 1, 4, 4}), 2, 2, 2); };
  row.message =
      "[max_pool2d] needs kernel, stride and dilation >= 1 and padding from 0 to half the window, got [2, 2], [2, 2], "
      "[1, 1] and [2, 2]";
  return row;
}

Row mean_pool(const Pool& p) {
  Row row;
  row.name = "avg_pool2d";
  row.record = "resample";
  row.op = [p](const Tensors& in) { return avg_pool2d(in[0], p.kernel, p.stride, p.padding); };
  row.reference = [p](const Arrays& in) {
    return pooled(in[0], p, [&](const std::vector<double>& v) { return sum_of(v) / double(p.kernel * p.kernel); });
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 2, 4, 5}}, {{0, 2, 3, 3}}, {{1, 1, 3, 2}}};
  if (p.kernel == 1 || p.padding > 0) row.cases.push_back({{1, 1, 1, 1}});
  row.large = {{{8, 16, 40, 41}}};
  row.misuse = [] { avg_pool2d(zeros({1, 1, 4, 2}), 3); };
  row.message = "[avg_pool2d] a window of [3, 3] does not fit sides of [4, 2] with padding [0, 0]";
  return row;
}

Row adaptive_pool(int64_t height, int64_t width) {
  Row row;
  row.name = "adaptive_avg_pool2d";
  row.record = "resample";
  row.op = [=](const Tensors& in) { return adaptive_avg_pool2d(in[0], {height, width}); };
  row.reference = [=](const Arrays& in) {
    const Array& x = in[0];
    Array y({x.shape[0], x.shape[1], height, width});
    const auto first = [](int64_t i, int64_t n, int64_t out) { return i * n / out; };
    const auto last = [](int64_t i, int64_t n, int64_t out) { return ((i + 1) * n + out - 1) / out; };
    each_index(y.shape, [&](const Index& i) {
      std::vector<double> pixels;
      for (int64_t h = first(i[2], x.shape[2], height); h < last(i[2], x.shape[2], height); ++h)
        for (int64_t w = first(i[3], x.shape[3], width); w < last(i[3], x.shape[3], width); ++w)
          pixels.push_back(x.at({i[0], i[1], h, w}));
      y.at(i) = mean_of(pixels);
    });
    return y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 2, 4, 5}}, {{0, 2, 3, 3}}, {{1, 1, 1, 1}}};
  row.large = {{{8, 16, 40, 41}}};
  row.misuse = [] { adaptive_avg_pool2d(zeros({1, 1, 4, 4}), {0, 1}); };
  row.message = "[adaptive_avg_pool2d] needs sizes of at least 1, got [0, 1]";
  return row;
}

/// The pixel of a line of n that lies at `at`, between two of them linearly, on the border the last one.
double between(const std::function<double(int64_t)>& pixel, double at, int64_t n) {
  at = std::min(std::max(at, 0.0), double(n - 1));
  const double low = std::floor(at), share = at - low;
  return share == 0 ? pixel(int64_t(low)) : (1 - share) * pixel(int64_t(low)) + share * pixel(int64_t(low) + 1);
}

Row interpolation(int64_t height, int64_t width, Interpolation mode) {
  Row row;
  row.name = "interpolate";
  row.record = "resample";
  row.op = [=](const Tensors& in) { return interpolate(in[0], {height, width}, mode); };
  row.reference = [=](const Arrays& in) {
    const Array& x = in[0];
    const int64_t h = x.shape[2], w = x.shape[3];
    Array y({x.shape[0], x.shape[1], height, width});
    each_index(y.shape, [&](const Index& i) {
      if (mode == Interpolation::nearest) {
        y.at(i) = x.at({i[0], i[1], i[2] * h / height, i[3] * w / width});
        return;
      }
      const double top = (double(i[2]) + .5) * double(h) / double(height) - .5;
      const double left = (double(i[3]) + .5) * double(w) / double(width) - .5;
      y.at(i) = between(
          [&](int64_t row) {
            return between([&](int64_t column) { return x.at({i[0], i[1], row, column}); }, left, w);
          },
          top, h);
    });
    return y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 2, 3, 4}}, {{0, 2, 3, 3}}, {{1, 1, 1, 1}}};
  row.large = {{{8, 16, 40, 41}}};
  row.misuse = [=] { interpolate(zeros({4, 4}), 8, mode); };
  row.message = mode == Interpolation::nearest
                    ? "[interpolate] the mode nearest needs x [B, C, L], [B, C, H, W] or [B, C, D, H, W], got [4, 4]"
                    : "[interpolate] the mode bilinear needs x [B, C, H, W], got [4, 4]";
  return row;
}

}  // namespace

Rows image_rows() {
  const std::vector<Case> images = {{{2, 4, 3, 2}}, {{1, 2, 5}}, {{3, 4}}, {{0, 2, 3, 3}}, {{2, 2, 4, 9}}};
  return {group(2, true, true, false, images, {{{9, 32, 15, 16}}}),
          group(1, false, false, false, {{{2, 3, 4}}, {{1, 1, 1, 1}}}, {{{33, 6, 100}}}),
          group(2, false, true, false, {{{2, 4, 3}}}, {}),
          group(2, true, false, true, {{{2, 4, 3}}, {{1, 2, 1}}}, {}),
          group(2, true, true, true, images, {{{9, 32, 15, 16}}}),
          group(1, false, false, true, {{{2, 3, 4}}, {{1, 1, 1, 1}}}, {}),
          batch_training(),
          batch_evaluation(),
          rms(false),
          rms(true),
          max_pool({2, 2, 0}),
          max_pool({3, 2, 1}),
          max_pool({1, 1, 0}),
          mean_pool({2, 2, 0}),
          mean_pool({3, 2, 1}),
          mean_pool({2, 3, 1}),
          adaptive_pool(1, 1),
          adaptive_pool(3, 2),
          interpolation(6, 8, Interpolation::nearest),
          interpolation(2, 5, Interpolation::nearest),
          interpolation(6, 8, Interpolation::bilinear),
          interpolation(2, 5, Interpolation::bilinear)};
}

}  // namespace ditharos::tests
