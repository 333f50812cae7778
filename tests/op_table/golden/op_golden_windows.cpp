#include "tests/op_table/golden/op_golden_windows.h"

#include <ditharos/autograd/ops.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace {

using P = PerAxis;
using I = Interpolation;

/// The functions of 1, 2 or 3 spatial axes under one name.
template <class F>
struct ByAxes {
  F of[3];
  F operator()(int axes) const { return of[axes - 1]; }
};

GoldenEntries pooling() {
  const ByAxes<decltype(&max_pool1d)> largest{{max_pool1d, max_pool2d, max_pool3d}};
  const ByAxes<decltype(&max_pool1d_with_indices)> indexed{
      {max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices}};
  const ByAxes<decltype(&max_unpool1d)> unpool{{max_unpool1d, max_unpool2d, max_unpool3d}};
  const ByAxes<decltype(&adaptive_avg_pool1d)> means{{adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d}};
  const ByAxes<decltype(&adaptive_max_pool1d)> maxima{{adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d}};
  const ByAxes<decltype(&adaptive_max_pool1d_with_indices)> positions{
      {adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices}};
  GoldenEntries all;
  for (int n = 1; n <= 3; ++n) {
    const std::string d = std::to_string(n) + "d", pool = "max_pool" + d, mean = "avg_pool" + d;
    const auto add_max = [&](const std::string& variant, const P& kernel, const std::optional<P>& stride,
                             int64_t padding, int64_t dilation, bool ceil_mode) {
      all[pool + variant] = [=](const Tensors& in) {
        return largest(n)(in[0], kernel, stride, padding, dilation, ceil_mode);
      };
    };
    add_max("#plain", 2, {}, 0, 1, false);
    add_max("#ceil", 2, P(3), 1, 1, true);
    add_max("#dilation", 3, P(1), 1, 2, false);
    add_max("#ties", 3, P(2), 1, 1, false);
    add_max("#no batch", 3, P(2), 0, 1, false);
    all[pool + "_with_indices#ties"] = [=](const Tensors& in) {
      return indexed(n)(in[0], 3, P(2), 1, 1, true).indices;
    };
    all[pool + "_with_indices#dilation"] = [=](const Tensors& in) {
      return indexed(n)(in[0], 2, P(2), 1, 2, true).indices;
    };
    all["max_unpool" + d] = [=](const Tensors& in) { return unpool(n)(in[0], in[1], 2, {}, 0, {}); };
    const auto add_mean = [&](const std::string& variant, int64_t kernel, int64_t stride, int64_t padding,
                              bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor) {
      all[mean + variant] = [=](const Tensors& in) {
        if (n == 1) return avg_pool1d(in[0], kernel, P(stride), padding, ceil_mode, count_include_pad);
        return (n == 2 ? avg_pool2d : avg_pool3d)(in[0], kernel, P(stride), padding, ceil_mode, count_include_pad,
                                                  divisor);
      };
    };
    add_mean("#plain", 3, 2, 1, false, true, {});
    add_mean("#ceil", 2, 3, 1, true, true, {});
    add_mean("#ceil, without padding", 4, 3, 2, true, false, {});
    add_mean("#without padding", 3, 2, 1, false, false, {});
    if (n > 1) add_mean("#divisor", 3, 2, 1, true, true, 5);
    for (const int64_t size : {3, 4}) {
      all["adaptive_avg_pool" + d + "#" + std::to_string(size)] = [=](const Tensors& in) {
        return means(n)(in[0], size);
      };
      all["adaptive_max_pool" + d + "#" + std::to_string(size)] = [=](const Tensors& in) {
        return maxima(n)(in[0], size);
      };
    }
    all["adaptive_max_pool" + d + "_with_indices#ties"] = [=](const Tensors& in) {
      return positions(n)(in[0], 3).indices;
    };
  }
  all["max_unpool1d#size"] = [](const Tensors& in) { return max_unpool1d(in[0], in[1], 2, {}, 0, P{9}); };
  all["max_unpool2d#size"] = [](const Tensors& in) { return max_unpool2d(in[0], in[1], 2, {}, 0, P{7, 9}); };
  all["max_unpool3d#size"] = [](const Tensors& in) { return max_unpool3d(in[0], in[1], 2, {}, 0, P{5, 6, 7}); };
  all["max_pool2d#rectangle"] = [](const Tensors& in) {
    return max_pool2d(in[0], {3, 2}, P{1, 2}, {1, 0}, {2, 3}, true);
  };
  all["avg_pool2d#rectangle"] = [](const Tensors& in) { return avg_pool2d(in[0], {3, 2}, P{1, 3}, {1, 0}, true); };
  all["avg_pool3d#rectangle"] = [](const Tensors& in) {
    return avg_pool3d(in[0], {1, 3, 2}, P{2, 1, 3}, {0, 1, 1}, true, false);
  };
  all["adaptive_max_pool2d#rectangle"] = [](const Tensors& in) { return adaptive_max_pool2d(in[0], {9, 2}); };
  return all;
}

GoldenEntries padding() {
  const auto padded = [](std::vector<int64_t> pads, PadMode mode, double value = 0) {
    return [=](const Tensors& in) { return pad(in[0], pads, mode, value); };
  };
  return {
      {"pad#circular", padded({1, 2, 3, 0}, PadMode::circular)},
      {"pad#circular 3d", padded({1, 2, 2, 0, 0, 1}, PadMode::circular)},
      {"pad#negative", padded({-1, 2, 1, -2}, PadMode::zeros, .5)},
      {"pad#reflect negative", padded({-1, 2, 1, -1}, PadMode::reflect)},
      {"pad#replicate negative", padded({3, -2, -1, 1}, PadMode::replicate)},
      {"pad#circular negative", padded({2, -1, -1, 1}, PadMode::circular)},
      {"conv1d#same", [](const Tensors& in) { return conv1d(in[0], in[1], in[2], 1, "same"); }},
      {"conv2d#same", [](const Tensors& in) { return conv2d(in[0], in[1], in[2], 1, "same", {1, 3}, 2); }},
      {"conv2d#valid", [](const Tensors& in) { return conv2d(in[0], in[1], in[2], 1, "valid"); }},
      {"conv3d#same", [](const Tensors& in) { return conv3d(in[0], in[1], in[2], 1, "same"); }},
  };
}

GoldenEntries interpolation() {
  GoldenEntries all;
  const auto add = [&](const std::string& variant, const InterpolateOptions& options) {
    all["interpolate#" + variant] = [options](const Tensors& in) { return interpolate(in[0], options); };
  };
  const std::pair<const char*, I> blocks[] = {
      {"nearest", I::nearest}, {"nearest-exact", I::nearest_exact}, {"area", I::area}};
  for (const auto& [word, mode] : blocks) {
    const std::string name = word;
    add(name + " 1d", {.size = 8, .mode = mode});
    add(name + " 2d", {.size = {8, 3}, .mode = mode});
    add(name + " 3d", {.size = {4, 2, 7}, .mode = mode});
    add(name + " scaled", {.scale_factor = {1.7, .6}, .mode = mode});
    add(name + " recomputed", {.scale_factor = {1.7, .6}, .mode = mode, .recompute_scale_factor = true});
  }
  add("nearest tripled", {.scale_factor = 3, .mode = I::nearest});
  struct Smooth {
    std::string name;
    I mode;
    P size;
  };
  const Smooth modes[] = {{"linear", I::linear, 8},
                          {"bilinear", I::bilinear, {8, 3}},
                          {"bicubic", I::bicubic, {8, 3}},
                          {"trilinear", I::trilinear, {4, 2, 7}}};
  for (const Smooth& m : modes) {
    for (const bool corners : {false, true}) {
      const std::string name = m.name + (corners ? " aligned" : " plain");
      add(name, {.size = m.size, .mode = m.mode, .align_corners = corners});
      add(name + " scaled", {.scale_factor = 1.7, .mode = m.mode, .align_corners = corners});
      add(name + " one", {.size = 1, .mode = m.mode, .align_corners = corners});
    }
    add(m.name + " recomputed", {.scale_factor = .7, .mode = m.mode, .recompute_scale_factor = true});
  }
  for (const I mode : {I::bilinear, I::bicubic}) {
    const std::string name = mode == I::bilinear ? "bilinear" : "bicubic";
    add(name + " plain antialias", {.size = {4, 11}, .mode = mode, .antialias = true});
    add(name + " aligned antialias", {.size = {4, 11}, .mode = mode, .align_corners = true, .antialias = true});
    add(name + " antialias scaled", {.scale_factor = {.4, 1.3}, .mode = mode, .antialias = true});
  }
  return all;
}

GoldenEntries sampling() {
  GoldenEntries all;
  const std::pair<const char*, I> modes[] = {
      {"bilinear", I::bilinear}, {"nearest", I::nearest}, {"bicubic", I::bicubic}};
  const std::pair<const char*, GridPadding> paddings[] = {
      {"zeros", GridPadding::zeros}, {"border", GridPadding::border}, {"reflection", GridPadding::reflection}};
  for (const auto& mode : modes)
    for (const auto& beyond : paddings) {
      const auto add = [&](const char* variant, bool corners) {
        const GridSampleOptions options{mode.second, beyond.second, corners};
        all[std::string("grid_sample#") + mode.first + " " + beyond.first + " " + variant] =
            [options](const Tensors& in) { return grid_sample(in[0], in[1], options); };
      };
      add("plain", false);
      add("aligned", true);
      if (mode.second != I::bicubic) add("3d", true);
    }
  return all;
}

GoldenEntries others() {
  const P kernel{3, 2}, stride{1, 3}, margin{1, 2}, dilation{2, 1};
  return {
      {"layer_norm#axes", [](const Tensors& in) { return layer_norm(in[0], {3, 4}, in[1], in[2]); }},
      {"layer_norm#axes, plain", [](const Tensors& in) { return layer_norm(in[0], Shape{2, 3, 4}); }},
      {"rms_norm#axes", [](const Tensors& in) { return rms_norm(in[0], {3, 4}, in[1], 1e-3); }},
      {"unfold#rectangle", [=](const Tensors& in) { return unfold(in[0], kernel, stride, margin, dilation); }},
      {"fold#rectangle", [=](const Tensors& in) { return fold(in[0], 2, 6, 7, kernel, stride, margin, dilation); }},
  };
}

}  // namespace

std::map<std::string, GoldenOperation> golden_windows() {
  GoldenEntries all;
  for (const auto& family : {pooling, padding, interpolation, sampling, others}) all.merge(family());
  return all;
}

}  // namespace ditharos::tests
