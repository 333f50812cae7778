// Pooling, padding, resizing, padded convolutions and norms over several axes against PyTorch.
#include <doctest/doctest.h>

#include <ditharos/nn/conv.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/layout/padding.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/pooling/pool.h>
#include "tests/nn/module_golden.h"
#include "tests/support/message_of.h"

namespace ditharos::test_window_golden {

using namespace ditharos::tests;

namespace {

template <class M>
void check_case(const std::string& name, M module) {
  check_module("windows.safetensors", name, std::move(module));
}

template <class Pad1, class Pad2, class Pad3>
void check_pads(const std::string& name) {
  check_case(name + "1d", Pad1({2, 1}));
  check_case(name + "2d", Pad2(2));
  check_case(name + "3d", Pad3({1, 2, 0, 2, 3, 1}));
}

}  // namespace

TEST_CASE("window golden: pooling") {
  check_case("max_pool1d", nn::MaxPool1d(3, 2, 1, 2, true));
  check_case("max_pool2d", nn::MaxPool2d({3, 2}, PerAxis{1, 2}, {1, 0}, {1, 2}, true));
  check_case("max_pool3d", nn::MaxPool3d(2, 2, 1));
  check_case("avg_pool1d", nn::AvgPool1d(3, 2, 1, true, false));
  check_case("avg_pool2d", nn::AvgPool2d(3, 2, 1, true, true, 7));
  check_case("avg_pool3d", nn::AvgPool3d({2, 3, 2}, 1));
  check_case("adaptive_avg_pool3d", nn::AdaptiveAvgPool3d({2, 3, 1}));
  check_case("adaptive_max_pool1d", nn::AdaptiveMaxPool1d(3));
  check_case("adaptive_max_pool2d", nn::AdaptiveMaxPool2d({2, 4}));
  check_case("adaptive_max_pool3d", nn::AdaptiveMaxPool3d(2));
  const Tensor x = Generator(1).normal({1, 2, 4, 6});
  const auto [values, indices] = nn::MaxPool2d(2).with_indices(x);
  CHECK(values.to_vector<float>() == nn::MaxPool2d(2)(x).to_vector<float>());
  const Tensor back = nn::MaxUnpool2d(2)(values, indices);
  CHECK(back.shape() == x.shape());
  CHECK(sum(back).item() == doctest::Approx(sum(values).item()));
  CHECK(gather(reshape(x, {2, 24}), 1, reshape(indices, {2, 6})).to_vector<float>() == values.to_vector<float>());
}

TEST_CASE("window golden: padding") {
  check_pads<nn::ZeroPad1d, nn::ZeroPad2d, nn::ZeroPad3d>("Zero");
  check_pads<nn::ReflectionPad1d, nn::ReflectionPad2d, nn::ReflectionPad3d>("Reflection");
  check_pads<nn::ReplicationPad1d, nn::ReplicationPad2d, nn::ReplicationPad3d>("Replication");
  check_pads<nn::CircularPad1d, nn::CircularPad2d, nn::CircularPad3d>("Circular");
  check_case("Constant1d", nn::ConstantPad1d(2, .5));
  check_case("Constant2d", nn::ConstantPad2d({1, -1, 0, 2}, .5));
  check_case("Constant3d", nn::ConstantPad3d(1, -.5));
}

TEST_CASE("window golden: convolutions with padding that is more than zeros") {
  const std::pair<const char*, PadMode> modes[] = {{"zeros", PadMode::zeros},
                                                   {"reflect", PadMode::reflect},
                                                   {"replicate", PadMode::replicate},
                                                   {"circular", PadMode::circular}};
  for (const auto& [word, mode] : modes) {
    const std::string name = word;
    check_case("conv1d_" + name, nn::Conv1d(2, 3, 4, {.padding = "same", .padding_mode = mode}));
    check_case("conv2d_" + name,
               nn::Conv2d(2, 4, {3, 2}, {.stride = {1, 2}, .padding = {2, 1}, .groups = 2, .padding_mode = mode}));
    check_case("conv3d_" + name, nn::Conv3d(2, 2, {2, 3, 2}, {.padding = "same", .bias = false, .padding_mode = mode}));
  }
  check_case("conv2d_valid", nn::Conv2d(2, 2, 3, {.padding = "valid"}));
}

TEST_CASE("window golden: resizing") {
  using I = Interpolation;
  check_case("upsample_linear", nn::Upsample({.scale_factor = 1.7, .mode = I::linear}));
  check_case("upsample_bicubic", nn::Upsample({.size = {7, 4}, .mode = I::bicubic, .align_corners = true}));
  check_case("upsample_trilinear", nn::Upsample({.scale_factor = {1, 2, 1.5}, .mode = I::trilinear}));
  check_case("upsample_exact",
             nn::Upsample({.scale_factor = .6, .mode = I::nearest_exact, .recompute_scale_factor = true}));
}

TEST_CASE("window golden: norms over several axes, and an embedding with a padding row") {
  check_case("layer_norm_axes", nn::LayerNorm({3, 4}, 1e-3));
  check_case("layer_norm_no_bias", nn::LayerNorm(Shape{3, 4}, 1e-5, true, false));
  check_case("rms_norm_axes", nn::RMSNorm({3, 4}, 1e-3));
  check_case("rms_norm_plain", nn::RMSNorm({3, 4}, 1e-3, false));
  check_case("embedding", nn::Embedding(5, 3, -2));
  CHECK(select(nn::Embedding(5, 3, -2).weight, 0, 3).to_vector<float>() == std::vector<float>{0, 0, 0});
}

TEST_CASE("window modules: messages for misuse") {
  CHECK(message_of<ConfigError>([] { nn::Conv2d(1, 1, 3, {.padding = "full"}); }) ==
        "padding must be numbers, \"same\" or \"valid\", got \"full\"");
  CHECK(message_of<ConfigError>([] { nn::ConvTranspose2d(1, 1, 3, {.padding_mode = PadMode::circular}); }) ==
        "[ConvTranspose2d] needs padding of zeros, in numbers");
  CHECK(message_of<ShapeError>([] { nn::Conv2d(1, 1, 3, {.stride = 2, .padding = "same"})(zeros({1, 1, 4, 4})); }) ==
        "[Conv2d] padding \"same\" needs a stride of 1, got [2, 2]");
  CHECK(message_of<ShapeError>([] { conv1d(zeros({1, 1, 5}), zeros({1, 1, 5}), {}, 1, "same", int64_t{1} << 61); }) ==
        "[conv1d] 2305843009213693952 * 4 is more than a size can be (4611686018427387904)");
  CHECK(message_of<ConfigError>([] { nn::Embedding(5, 3, 5); }) == "[Embedding] padding_idx must be a row of 5, got 5");
  CHECK(message_of<ShapeError>([] { nn::ReflectionPad2d({1, 2}); }) ==
        "[pad] a module for 2 axes needs 4 sizes, got 2");
  CHECK(message_of<ShapeError>([] { nn::ZeroPad2d(1)(zeros({3, 3})); }) ==
        "[pad] needs x with 2 axes after the channels, got [3, 3]");
  CHECK(message_of<ShapeError>([] { max_pool1d(zeros({1, 1, 1}), 2, 1, 2, 3); }) ==
        "[max_pool1d] window 0 along axis -1 of shape [1, 1, 1] has no element: the dilation 3 steps over all of them");
  CHECK(message_of<ConfigError>([] { interpolate(zeros({1, 1, 2}), {.size = 3, .align_corners = true}); }) ==
        "[interpolate] align_corners has no meaning for the mode nearest");
  CHECK(message_of<ConfigError>([] {
          interpolate(zeros({1, 1, 2}), {.size = 3, .mode = Interpolation::linear, .antialias = true});
        }) == "[interpolate] antialias needs the mode bilinear or bicubic, got linear");
  CHECK(message_of<ShapeError>([] { interpolate(zeros({1, 1, 2, 2}), {.scale_factor = {2, 2, 2}}); }) ==
        "[interpolate] scale_factor needs 1 or 2 numbers, got 3");
  const nn::LayerNorm norm({3, 4});
  CHECK(message_of<ShapeError>([&] { norm(zeros({2, 4, 3})); }) ==
        "[layer_norm] x of shape [2, 4, 3] has no last axes of sizes [3, 4]");
}

}  // namespace ditharos::test_window_golden
