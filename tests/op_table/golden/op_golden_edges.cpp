#include "tests/op_table/golden/op_golden_edges.h"

#include <ditharos/autograd/ops.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace op_golden_edges {
namespace {

void add_factors(GoldenEntries& all) {
  const auto scaled = [&](const std::string& variant, const ScaleFactor& factor, Interpolation mode) {
    all["interpolate#" + variant] = [=](const Tensors& in) {
      return interpolate(in[0], {.scale_factor = factor, .mode = mode});
    };
  };
  scaled("linear of one size", 1.15, Interpolation::linear);
  scaled("bilinear of one size", 1.15, Interpolation::bilinear);
  scaled("trilinear of one size", 1.15, Interpolation::trilinear);
  scaled("bilinear of one height", {1.1, 1.7}, Interpolation::bilinear);
  scaled("bicubic of one size", 1.15, Interpolation::bicubic);
  scaled("nearest of one size", 1.1, Interpolation::nearest);
  scaled("nearest doubled", {2.3, 2.2}, Interpolation::nearest);
  scaled("nearest sequence", 2.3, Interpolation::nearest);
  scaled("nearest volume", 1.3, Interpolation::nearest);
  scaled("nearest-exact doubled", 2.3, Interpolation::nearest_exact);
}

void add_convolutions(GoldenEntries& all) {
  using T = const Tensor&;
  const auto add = [&](const std::string& n, auto convolution, auto transposed) {
    const std::string conv = "conv" + n, transpose = "conv_transpose" + n;
    all[conv + "#no batch"] = [=](const Tensors& in) { return convolution(in[0], in[1], in[2], 2, 1); };
    all[conv + "#no batch, same"] = [=](const Tensors& in) { return convolution(in[0], in[1], {}, 1, "same"); };
    all[transpose + "#no batch"] = [=](const Tensors& in) { return transposed(in[0], in[1], in[2], 2, 1, 0, 1); };
    all[transpose + "#long output_padding"] = [=](const Tensors& in) {
      return transposed(in[0], in[1], in[2], 1, 1, 2, 3);
    };
  };
  add(
      "1d", [](T x, T w, T b, int s, const ConvPadding& p) { return conv1d(x, w, b, s, p); },
      [](T x, T w, T b, int s, int p, int more, int d) { return conv_transpose1d(x, w, b, s, p, more, 1, d); });
  add(
      "2d", [](T x, T w, T b, int s, const ConvPadding& p) { return conv2d(x, w, b, s, p); },
      [](T x, T w, T b, int s, int p, int more, int d) { return conv_transpose2d(x, w, b, s, p, more, 1, d); });
  add(
      "3d", [](T x, T w, T b, int s, const ConvPadding& p) { return conv3d(x, w, b, s, p); },
      [](T x, T w, T b, int s, int p, int more, int d) { return conv_transpose3d(x, w, b, s, p, more, 1, d); });
  all["conv_transpose2d#long output_padding of groups"] = [](const Tensors& in) {
    return conv_transpose2d(in[0], in[1], {}, {1, 3}, 0, {2, 1}, 2, {3, 1});
  };
}

void add_others(GoldenEntries& all) {
  for (const int64_t p : {1, 2})
    all["multi_margin_loss#ties " + std::to_string(p)] = [p](const Tensors& in) {
      return multi_margin_loss(in[0], from_vector<int64_t>({0, 2, 1}), {.p = p});
    };
  all["multilabel_margin_loss#ties"] = [](const Tensors& in) {
    return multilabel_margin_loss(in[0], from_vector<int64_t>({1, 2, -1, 0, 3, 3, -1, -1}, {2, 4}));
  };
  all["histc#of one bound"] = [](const Tensors& in) { return histc(in[0], 4, 1.5, 1.5); };
  all["histc#of one value"] = [](const Tensors& in) { return histc(in[0], 4); };
}

}  // namespace
}  // namespace op_golden_edges

GoldenEntries golden_edges() {
  GoldenEntries all;
  op_golden_edges::add_factors(all);
  op_golden_edges::add_convolutions(all);
  op_golden_edges::add_others(all);
  return all;
}

}  // namespace ditharos::tests
