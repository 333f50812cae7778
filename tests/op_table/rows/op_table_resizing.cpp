// Rows of the op table: interpolation, sampling at computed positions, padding and windows with a number for each axis,
// norms over several axes.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Weights = std::vector<std::vector<double>>;  // [outputs][inputs]

double keys(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
}

/// The weights along one axis, as the documentation of interpolate() states them.
Weights weights_of(int64_t in, int64_t out, std::optional<double> factor, const InterpolateOptions& o) {
  Weights all(size_t(out), std::vector<double>(size_t(in), 0));
  const double step = o.align_corners ? (out > 1 ? double(in - 1) / double(out - 1) : 0)
                      : factor        ? 1 / *factor
                                      : double(in) / double(out);
  const auto inside = [in](double i) { return size_t(std::clamp(i, 0., double(in - 1))); };
  for (int64_t i = 0; i < out; ++i) {
    std::vector<double>& row = all[size_t(i)];
    const double at = o.align_corners && !o.antialias ? double(i) * step : (double(i) + .5) * step - .5;
    if (o.antialias) {
      const double stretch = std::max(step, 1.);
      double total = 0;
      for (int64_t k = 0; k < in; ++k) {
        const double x = (double(k) - at) / stretch;
        row[size_t(k)] = o.mode == Interpolation::bicubic ? keys(x, -.5) : std::max(0., 1 - std::abs(x));
        total += row[size_t(k)];
      }
      for (double& w : row) w /= total;
      continue;
    }
    switch (o.mode) {
      case Interpolation::nearest: row[inside(std::floor(double(i) * step + 1e-9))] = 1; break;
      case Interpolation::nearest_exact: row[inside(std::floor((double(i) + .5) * step))] = 1; break;
      case Interpolation::area: {
        const int64_t first = i * in / out, last = ((i + 1) * in + out - 1) / out;
        for (int64_t k = first; k < last; ++k) row[size_t(k)] = 1 / double(last - first);
        break;
      }
      case Interpolation::bicubic:
        for (int k = -1; k <= 2; ++k) row[inside(std::floor(at) + k)] += keys(at - std::floor(at) - k, -.75);
        break;
      default: {
        const double place = std::clamp(at, 0., double(in - 1)), low = std::floor(place);
        row[inside(low)] += 1 - (place - low);
        row[inside(low + 1)] += place - low;
      }
    }
  }
  return all;
}

/// x with the weights along one axis.
Array applied(const Array& x, int axis, const Weights& w) {
  Shape shape = x.shape;
  shape[axis] = int64_t(w.size());
  Array y(shape);
  each_index(shape, [&](const Index& i) {
    Index at = i;
    for (int64_t k = 0; k < x.shape[axis]; ++k) {
      at[axis] = k;
      y.at(i) += w[size_t(i[axis])][size_t(k)] * x.at(at);
    }
  });
  return y;
}

/// Along each spatial axis of `shape`; 0 in `size`: by the factor.
Row resizing(const Shape& shape, const Shape& size, std::optional<double> factor, const InterpolateOptions& settings) {
  InterpolateOptions options = settings;
  const int axes = shape.rank() - 2;
  if (factor) options.scale_factor = *factor;
  else
    options.size = axes == 1   ? PerAxis{size[0]}
                   : axes == 2 ? PerAxis{size[0], size[1]}
                               : PerAxis{size[0], size[1], size[2]};
  Row row;
  row.name = "interpolate";
  row.record = "resample";
  row.op = [=](const Tensors& in) { return interpolate(in[0], options); };
  row.reference = [=](const Arrays& in) {
    Array y = in[0];
    for (int i = 0; i < axes; ++i) {
      const int64_t n = in[0].shape[2 + i];
      const int64_t out = factor ? int64_t(std::floor(double(n) * *factor)) : size[i];
      const std::optional<double> step = options.recompute_scale_factor ? std::nullopt : factor;
      y = applied(y, 2 + i, weights_of(n, out, step, options));
    }
    return y;
  };
  row.inputs = {uniform(-2, 2)};
  Shape none = shape, one = Shape::filled(shape.rank(), 1);
  none[0] = 0;
  row.cases = {{shape}, {none}};
  if (!factor || *factor >= 1) row.cases.push_back({one});
  Shape large = shape;
  large[0] = 20, large[1] = 16;
  for (int i = 2; i < large.rank(); ++i) large[i] += 9;
  row.large = {{large}};
  row.misuse = [] { interpolate(zeros({1, 1, 4, 4}), {.size = 2, .scale_factor = 2}); };
  row.message = "[interpolate] needs either a size or a scale_factor, got both";
  return row;
}

void add_interpolations(Rows& rows) {
  using I = Interpolation;
  const Shape line{2, 2, 5}, image{1, 2, 4, 5}, volume{1, 2, 3, 2, 4};
  for (const I mode : {I::nearest, I::nearest_exact, I::area}) {
    rows.push_back(resizing(line, {8}, {}, {.mode = mode}));
    rows.push_back(resizing(image, {7, 3}, {}, {.mode = mode}));
    rows.push_back(resizing(volume, {2, 5, 3}, {}, {.mode = mode}));
  }
  rows.push_back(resizing(image, {}, 1.7, {.mode = I::nearest}));
  rows.push_back(resizing(image, {}, 1.7, {.mode = I::nearest, .recompute_scale_factor = true}));
  for (const bool corners : {false, true}) {
    rows.push_back(resizing(line, {8}, {}, {.mode = I::linear, .align_corners = corners}));
    rows.push_back(resizing(image, {7, 3}, {}, {.mode = I::bilinear, .align_corners = corners}));
    rows.push_back(resizing(image, {}, 1.7, {.mode = I::bilinear, .align_corners = corners}));
    rows.push_back(resizing(image, {7, 3}, {}, {.mode = I::bicubic, .align_corners = corners}));
    rows.push_back(resizing(image, {}, .6, {.mode = I::bicubic, .align_corners = corners}));
    rows.push_back(resizing(volume, {2, 5, 3}, {}, {.mode = I::trilinear, .align_corners = corners}));
    for (const I mode : {I::bilinear, I::bicubic})
      rows.push_back(resizing({1, 2, 7, 5}, {3, 7}, {}, {.mode = mode, .align_corners = corners, .antialias = true}));
  }
}

/// What grid_sample() reads along an axis at a coordinate: elements and weights, outside of [0, n) zeros.
std::vector<std::pair<int64_t, double>> read_along(double u, int64_t n, const GridSampleOptions& o) {
  const auto moved = [&](double at) {
    if (o.padding == GridPadding::zeros) return at;
    if (o.padding == GridPadding::reflection) {
      const double low = o.align_corners ? 0 : -.5, high = o.align_corners ? double(n - 1) : double(n) - .5;
      while (high > low && (at < low || at > high)) at = at < low ? 2 * low - at : 2 * high - at;
    }
    return std::clamp(at, 0., double(n - 1));
  };
  const double at = o.align_corners ? (u + 1) / 2 * double(n - 1) : ((u + 1) * double(n) - 1) / 2;
  if (o.mode == Interpolation::bicubic) {
    std::vector<std::pair<int64_t, double>> four;
    for (int k = -1; k <= 2; ++k)
      four.push_back({std::llround(moved(std::floor(at) + k)), keys(at - std::floor(at) - k, -.75)});
    return four;
  }
  const double place = moved(at), low = std::floor(place);
  if (o.mode == Interpolation::nearest) return {{int64_t(std::nearbyint(place)), 1}};
  return {{int64_t(low), 1 - (place - low)}, {int64_t(low) + 1, place - low}};
}

Row sampling(int axes, const GridSampleOptions& options) {
  Row row;
  row.name = "grid_sample";
  row.op = [=](const Tensors& in) { return grid_sample(in[0], in[1], options); };
  row.reference = [=](const Arrays& in) {
    const Array &x = in[0], &grid = in[1];
    Shape shape{x.shape[0], x.shape[1]};
    for (int i = 1; i <= axes; ++i) shape.push_back(grid.shape[i]);
    Array y(shape);
    each_index(shape, [&](const Index& i) {
      std::vector<std::vector<std::pair<int64_t, double>>> along;
      Shape counts;
      for (int a = 0; a < axes; ++a) {
        Index at{i[0]};
        for (int k = 0; k < axes; ++k) at.push_back(i[2 + k]);
        at.push_back(axes - 1 - a);
        along.push_back(read_along(grid.at(at), x.shape[2 + a], options));
        counts.push_back(int64_t(along.back().size()));
      }
      each_index(counts, [&](const Index& pick) {
        Index at{i[0], i[1]};
        double weight = 1;
        for (int a = 0; a < axes; ++a) {
          const auto [element, factor] = along[size_t(a)][size_t(pick[a])];
          if (element < 0 || element >= x.shape[2 + a]) return;
          at.push_back(element);
          weight *= factor;
        }
        y.at(i) += weight * x.at(at);
      });
    });
    return y;
  };
  const bool nearest = options.mode == Interpolation::nearest;
  // Four elements a side, at multiples of 1/8 plus 1/64: no position is whole or at a mirror.
  row.inputs = {uniform(-2, 2), lattice(-1.75, 1.75, 1. / 64)};
  if (axes == 2) row.cases = {{{2, 2, 4, 4}, {2, 3, 2, 2}}, {{1, 1, 4, 4}, {1, 1, 1, 2}}, {{1, 2, 4, 4}, {1, 0, 2, 2}}};
  else row.cases = {{{1, 2, 4, 4, 4}, {1, 2, 1, 2, 3}}, {{1, 1, 4, 4, 4}, {1, 1, 1, 1, 3}}};
  if (nearest) {  // of the image alone: the grid has no gradient
    row.op = [=](const Tensors& in) { return grid_sample(in[0], in[1].detach(), options) + sum(in[1] * 0); };
  }
  row.misuse = [] { grid_sample(zeros({1, 1, 3, 3, 3}), zeros({1, 1, 1, 1, 3}), {.mode = Interpolation::bicubic}); };
  row.message = "[grid_sample] needs the mode nearest, bilinear, or bicubic for images";
  return row;
}

void add_samplings(Rows& rows) {
  using I = Interpolation;
  for (const bool corners : {false, true}) {
    rows.push_back(sampling(2, {I::bilinear, GridPadding::reflection, corners}));
    rows.push_back(sampling(2, {I::nearest, GridPadding::reflection, corners}));
    for (const GridPadding padding : {GridPadding::zeros, GridPadding::border, GridPadding::reflection})
      rows.push_back(sampling(2, {I::bicubic, padding, corners}));
    rows.push_back(sampling(3, {I::bilinear, corners ? GridPadding::zeros : GridPadding::reflection, corners}));
  }
}

Row padded(const std::vector<int64_t>& pads, PadMode mode, std::vector<Case> cases) {
  Row row;
  row.name = "pad";
  row.record = "";
  row.op = [=](const Tensors& in) { return pad(in[0], pads, mode, 1); };
  row.reference = [=](const Arrays& in) {
    const Array& x = in[0];
    Shape shape = x.shape;
    for (size_t i = 0; i < pads.size(); ++i) shape[x.rank() - 1 - int(i / 2)] += pads[i];
    Array y(shape);
    each_index(shape, [&](const Index& i) {
      Index from = i;
      bool inside = true;
      for (size_t a = 0; a < pads.size() / 2; ++a) {
        const int axis = x.rank() - 1 - int(a);
        const int64_t n = x.shape[axis], at = i[axis] - pads[2 * a];
        inside = inside && at >= 0 && at < n;
        const int64_t low = std::max<int64_t>(-pads[2 * a], 0), high = n + std::min<int64_t>(pads[2 * a + 1], 0);
        from[axis] = mode == PadMode::circular    ? low + (at - low + high - low) % (high - low)
                     : mode == PadMode::replicate ? std::clamp<int64_t>(at, 0, n - 1)
                     : mode == PadMode::reflect   ? (at < 0    ? -at
                                                     : at >= n ? 2 * n - 2 - at
                                                               : at)
                                                  : at;
      }
      y.at(i) = inside || mode != PadMode::constant ? x.at(from) : 1;
    });
    return y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.takes = Takes::anything;
  row.tolerance = row.tolerance32 = 0;
  row.misuse = [] { pad(zeros({3, 2}), {3, 0}, PadMode::circular); };
  row.message = "[pad] axis 1 of shape [3, 2] is too short to be repeated by 3 and 0";
  return row;
}

void add_paddings(Rows& rows) {
  const std::vector<Case> cases = {{{4, 5}}, {{2, 4, 3}}, {{0, 4, 5}}};
  rows.push_back(padded({1, 2, 2, 0}, PadMode::circular, {{{3, 4}}, {{2, 3, 2}}, {{0, 2, 5}}, {{2, 2}}}));
  rows.push_back(padded({1, 1}, PadMode::circular, {{{1, 1}}}));
  rows.push_back(padded({2, -1, -1, 1}, PadMode::circular, cases));
  rows.push_back(padded({2, -1, -1, 1}, PadMode::reflect, cases));
  rows.push_back(padded({3, -1, -1, 1}, PadMode::replicate, cases));
  rows.push_back(padded({3, -2, -1, -2}, PadMode::constant, cases));
}

/// A convolution with weight [O, C, k] that keeps the length.
Row same_conv(int64_t kernel, int64_t dilation) {
  Row row;
  row.name = "conv1d";
  row.record = "";
  row.op = [=](const Tensors& in) { return conv1d(in[0], in[1], {}, 1, "same", dilation); };
  row.reference = [=](const Arrays& in) {
    const Array &x = in[0], &w = in[1];
    Array y({x.shape[0], w.shape[0], x.shape[2]});
    each_index({x.shape[0], w.shape[0], x.shape[2], x.shape[1], kernel}, [&](const Index& i) {
      const int64_t at = i[2] + i[4] * dilation - dilation * (kernel - 1) / 2;
      if (at >= 0 && at < x.shape[2]) y.at({i[0], i[1], i[2]}) += x.at({i[0], i[3], at}) * w.at({i[1], i[3], i[4]});
    });
    return y;
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 2, 5}, {3, 2, kernel}}, {{1, 1, 4}, {1, 1, kernel}}};
  row.takes = Takes::products;
  row.misuse = [] { conv1d(zeros({1, 1, 4}), zeros({1, 1, 2}), {}, 2, "same"); };
  row.message = "[conv1d] padding \"same\" needs a stride of 1, got [2]";
  return row;
}

Row norm_over_axes(bool centred) {
  Row row;
  row.name = centred ? "layer_norm" : "rms_norm";
  row.op = [=](const Tensors& in) {
    const Shape sizes(in[0].shape().end() - 2, in[0].shape().end());
    return centred ? layer_norm(in[0], sizes, in[1], in[2], 1e-3) : rms_norm(in[0], sizes, in[1], 1e-3);
  };
  row.reference = [=](const Arrays& in) {
    const Shape& shape = in[0].shape;
    const int64_t n = shape[1] * shape[2];
    Array y = map_rows(reshaped(in[0], {shape[0], n}), 1, [&](std::vector<double> v) {
      if (centred) return normalized(v, 1e-3);
      double squares = 0;
      for (const double e : v) squares += e * e;
      for (double& e : v) e /= std::sqrt(squares / double(n) + 1e-3);
      return v;
    });
    y = zip(reshaped(y, shape), in[1], [](double a, double b) { return a * b; });
    return centred ? zip(y, in[2], [](double a, double b) { return a + b; }) : y;
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 3, 4}, {3, 4}}, {{1, 1, 2}, {1, 2}}, {{0, 2, 3}, {2, 3}}};
  if (centred) {
    row.inputs.push_back(uniform(-2, 2));
    for (Case& c : row.cases) c.push_back(c[1]);
  }
  row.misuse = [=] {
    const Tensor x = zeros({2, 3, 4});
    centred ? layer_norm(x, {2, 4}, {}) : rms_norm(x, {2, 4}, {});
  };
  row.message = "[" + row.name + "] x of shape [2, 3, 4] has no last axes of sizes [2, 4]";
  return row;
}

constexpr int64_t kernel_of[] = {3, 2}, stride_of[] = {1, 2}, padding_of[] = {2, 1}, dilation_of[] = {2, 3};

/// Calls body(column index, pixel index) for every pixel of an image that a window covers.
void each_covered_pixel(const Shape& image, const std::function<void(const Index&, const Index&)>& body) {
  Shape windows;
  for (int a = 0; a < 2; ++a)
    windows.push_back((image[2 + a] + 2 * padding_of[a] - dilation_of[a] * (kernel_of[a] - 1) - 1) / stride_of[a] + 1);
  each_index({image[0], windows[0], windows[1], image[1], kernel_of[0], kernel_of[1]}, [&](const Index& i) {
    Index pixel{i[0], i[3]};
    for (int a = 0; a < 2; ++a) {
      pixel.push_back(i[1 + a] * stride_of[a] - padding_of[a] + i[4 + a] * dilation_of[a]);
      if (pixel[2 + a] < 0 || pixel[2 + a] >= image[2 + a]) return;
    }
    body({i[0], i[1] * windows[1] + i[2], (i[3] * kernel_of[0] + i[4]) * kernel_of[1] + i[5]}, pixel);
  });
}

void add_windows(Rows& rows) {
  const PerAxis kernel{3, 2}, stride{1, 2}, padding{2, 1}, dilation{2, 3};
  Row unfolding;
  unfolding.name = unfolding.record = "unfold";
  unfolding.op = [=](const Tensors& in) { return unfold(in[0], kernel, stride, padding, dilation); };
  unfolding.reference = [](const Arrays& in) {
    const Shape& s = in[0].shape;
    Array y({s[0], s[2] * ((s[3] - 2) / 2 + 1), s[1] * 6});
    each_covered_pixel(s, [&](const Index& column, const Index& pixel) { y.at(column) = in[0].at(pixel); });
    return y;
  };
  unfolding.inputs = {uniform(-2, 2)};
  unfolding.cases = {{{2, 3, 4, 5}}, {{1, 1, 3, 2}}, {{0, 2, 3, 3}}};
  unfolding.misuse = [] { unfold(zeros({1, 1, 3, 2}), 2, 1, 0, 3); };
  unfolding.message =
      "[unfold] a window of [2, 2] does not fit an image of 3 x 2 with padding [0, 0] and dilation [3, 3]";
  rows.push_back(unfolding);
  Row folding = unfolding;
  folding.name = folding.record = "fold";
  folding.op = [=](const Tensors& in) {
    return fold(in[0], in[0].size(2) / 6, 4, 5, kernel, stride, padding, dilation);
  };
  folding.reference = [](const Arrays& in) {
    Array y({in[0].shape[0], in[0].shape[2] / 6, 4, 5});
    each_covered_pixel(y.shape, [&](const Index& column, const Index& pixel) { y.at(pixel) += in[0].at(column); });
    return y;
  };
  folding.cases = {{{2, 8, 12}}, {{0, 8, 6}}};
  folding.misuse = [] { fold(zeros({1, 4, 9}), 1, 5, 5, 3, 1, 0); };
  folding.message = "[fold] needs columns [B, 9, 9], got [1, 4, 9]";
  rows.push_back(folding);
}

}  // namespace

Rows resizing_rows() {
  Rows rows;
  add_interpolations(rows);
  add_samplings(rows);
  add_paddings(rows);
  rows.push_back(same_conv(4, 1));
  rows.push_back(same_conv(3, 2));
  rows.push_back(norm_over_axes(true));
  rows.push_back(norm_over_axes(false));
  add_windows(rows);
  return rows;
}

}  // namespace ditharos::tests
