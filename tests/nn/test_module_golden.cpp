// Modules for Sequential against PyTorch: results, gradients of inputs and parameters, state dicts, copies.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/nn/activations/activations.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/layout/layout.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/normalization/batch_norm.h>
#include <ditharos/nn/normalization/instance_norm.h>
#include <ditharos/nn/pooling/pool.h>
#include "tests/nn/module_golden.h"
#include "tests/support/message_of.h"

namespace ditharos::test_module_golden {

using namespace ditharos::tests;

namespace {

template <class M>
void check_case(const std::string& name, M module) {
  check_module("modules.safetensors", name, std::move(module));
}

template <class M>
void check_smooth(const std::string& name, M module) {
  check_gradients("modules.safetensors", name, std::move(module),
                  [](const M& m, const Tensors& in) { return Tensors{m(in[0])}; });
}

template <class M>
M evaluating(M module) {
  nn::set_training(module, false);
  return module;
}

}  // namespace

TEST_CASE("module golden: activations") {
  check_case("relu", nn::ReLU());
  check_case("relu6", nn::ReLU6());
  check_case("silu", nn::SiLU());
  check_case("mish", nn::Mish());
  check_case("selu", nn::SELU());
  check_case("sigmoid", nn::Sigmoid());
  check_case("log_sigmoid", nn::LogSigmoid());
  check_case("tanh", nn::Tanh());
  check_case("tanhshrink", nn::Tanhshrink());
  check_case("softsign", nn::Softsign());
  check_case("hardswish", nn::Hardswish());
  check_case("hardsigmoid", nn::Hardsigmoid());
  check_case("identity", nn::Identity());
  check_case("gelu", nn::GELU());
  check_case("gelu_tanh", nn::GELU("tanh"));
  check_case("leaky_relu", nn::LeakyReLU(.2));
  check_case("elu", nn::ELU(1.5));
  check_case("celu", nn::CELU(1.5));
  check_case("softplus", nn::Softplus());
  check_case("softplus_beta", nn::Softplus(2, 1));
  check_case("hardtanh", nn::Hardtanh(-.5, 1));
  check_case("hardshrink", nn::Hardshrink(.4));
  check_case("softshrink", nn::Softshrink(.4));
  check_case("threshold", nn::Threshold(.3, -2));
  check_case("softmax", nn::Softmax(1));
  check_case("softmin", nn::Softmin(-1));
  check_case("log_softmax", nn::LogSoftmax(1));
  check_case("glu", nn::GLU());
  check_case("prelu", nn::PReLU());
  check_case("prelu_channels", nn::PReLU(3));
  CHECK(nn::PReLU(2).weight.to_vector<double>() == std::vector<double>{.25, .25});
}

TEST_CASE("module golden: shapes, pooling and resizing") {
  check_case("flatten", nn::Flatten());
  check_case("unflatten", nn::Unflatten(1, {2, -1}));
  check_case("pixel_shuffle", nn::PixelShuffle(2));
  check_case("pixel_unshuffle", nn::PixelUnshuffle(2));
  check_case("upsample", nn::Upsample({.scale_factor = 2}));
  check_case("upsample_bilinear", nn::Upsample({.size = {5, 4}, .mode = Interpolation::bilinear}));
  check_case("max_pool2d", nn::MaxPool2d(3, 2, 1));
  check_case("avg_pool2d", nn::AvgPool2d({2, 3}));
  check_case("adaptive_avg_pool2d", nn::AdaptiveAvgPool2d({2, 1}));
  check_case("max_pool1d", nn::MaxPool1d(3, 2, 1));
  check_case("avg_pool1d", nn::AvgPool1d(2));
  check_case("adaptive_avg_pool1d", nn::AdaptiveAvgPool1d(3));
}

TEST_CASE("module golden: normalisations in training and evaluation, with and without statistics") {
  check_case("batch_norm1d", nn::BatchNorm1d(3));
  check_case("batch_norm1d_sequence", nn::BatchNorm1d(3, 1e-3, {}));
  check_case("batch_norm1d_eval", evaluating(nn::BatchNorm1d(3)));
  check_case("batch_norm2d_plain", evaluating(nn::BatchNorm2d(2, 1e-5, .1, false, false)));
  check_case("batch_norm3d", nn::BatchNorm3d(2));
  check_case("instance_norm1d", nn::InstanceNorm1d(3));
  check_case("instance_norm2d", nn::InstanceNorm2d(2, 1e-5, .1, true));
  check_case("instance_norm2d_single", nn::InstanceNorm2d(2, 1e-5, .1, true));
  check_case("instance_norm3d_tracked", nn::InstanceNorm3d(2, 1e-4, .3, true, true));
  check_case("instance_norm1d_eval", evaluating(nn::InstanceNorm1d(3, 1e-5, .1, true, true)));
  check_case("layer_norm", nn::LayerNorm(5, 1e-3, true, false));
}

TEST_CASE("module golden: transposed convolutions of sequences and volumes") {
  check_case("conv_transpose1d", nn::ConvTranspose1d(2, 3, 3, {.stride = 2, .padding = 1, .output_padding = 1}));
  check_case("conv_transpose3d", nn::ConvTranspose3d(4, 2, {2, 3, 2}, {.stride = 2, .groups = 2, .bias = false}));
}

TEST_CASE("module golden: a nested Sequential and a small convolutional network") {
  check_case("sequential", nn::Sequential(nn::Linear(3, 5), nn::ReLU(), nn::Sequential(nn::Linear(5, 5), nn::Tanh()),
                                          nn::LayerNorm(5), nn::Linear(5, 2, false)));
  check_case("convnet", nn::Sequential(nn::Conv2d(1, 2, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(2),
                                       nn::PReLU(2), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(8, 3)));
}

TEST_CASE("module golden: derivatives of first and second order") {
  check_smooth("gelu", nn::GELU());
  check_smooth("glu", nn::GLU());
  check_smooth("softplus_beta", nn::Softplus(2));
  check_smooth("prelu", nn::PReLU());
  check_smooth("batch_norm1d", nn::BatchNorm1d(3));
  check_smooth("instance_norm2d", nn::InstanceNorm2d(2, 1e-5, .1, true));
  check_smooth("instance_norm3d_tracked", nn::InstanceNorm3d(2, 1e-4, .3, true, true));
  check_smooth("conv_transpose1d", nn::ConvTranspose1d(2, 3, 3, {.stride = 2, .padding = 1, .output_padding = 1}));
  check_smooth("conv_transpose3d", nn::ConvTranspose3d(4, 2, {2, 3, 2}, {.stride = 2, .groups = 2, .bias = false}));
}

TEST_CASE("modules: messages for misuse") {
  const Tensor image = zeros({1, 2, 3, 4});
  CHECK(message_of<ConfigError>([] { nn::GELU("sigmoid"); }) ==
        "[GELU] approximate must be \"none\" or \"tanh\", got \"sigmoid\"");
  CHECK(message_of<ConfigError>([] { nn::Hardtanh(1, -1); }) ==
        "[Hardtanh] min_val must be below max_val, got 1.000000 and -1.000000");
  CHECK(message_of<ConfigError>([] { nn::Softplus(0); }) == "[Softplus] beta must not be 0");
  CHECK(message_of<ConfigError>([] { nn::Softshrink(-1); }) == "[Softshrink] lambda must be at least 0, got -1.000000");
  CHECK(message_of<ConfigError>([] { nn::Upsample({}); }) ==
        "[Upsample] needs either a size or a scale_factor, got none");
  CHECK(message_of<ConfigError>([] { nn::Upsample({.size = 2, .scale_factor = 2}); }) ==
        "[Upsample] needs either a size or a scale_factor, got both");
  CHECK(message_of<ConfigError>([&] { nn::Upsample({.scale_factor = -1})(image); }) ==
        "[interpolate] needs a size, or a scale_factor above 0, got -1.000000");
  CHECK(message_of<ShapeError>([&] { nn::MaxPool1d(2)(image); }) == "[max_pool1d] needs x [B, C, L], got [1, 2, 3, 4]");
  CHECK(message_of<ConfigError>([] { nn::BatchNorm1d(0); }) == "[BatchNorm1d] needs at least one channel, got 0");
  CHECK(message_of<ShapeError>([&] { nn::BatchNorm1d(2)(image); }) ==
        "[BatchNorm1d] needs x [B, C] or [B, C, L], got [1, 2, 3, 4]");
  CHECK(message_of<ShapeError>([&] { nn::BatchNorm2d(3)(image); }) ==
        "[BatchNorm2d] x of shape [1, 2, 3, 4] has 2 channels, where the module has 3");
  CHECK(message_of<ShapeError>([&] { nn::InstanceNorm1d(2)(image); }) ==
        "[InstanceNorm1d] needs x [B, C, L] or [C, L], got [1, 2, 3, 4]");
  CHECK(message_of<Error>([&] { nn::InstanceNorm2d()(image); }).find("made by the default constructor") !=
        std::string::npos);
  CHECK(message_of<ShapeError>([] { nn::ConvTranspose3d(4, 6, 3, {.groups = 4}); }) ==
        "[ConvTranspose3d] 4 and 6 channels do not divide into 4 groups");
}

TEST_CASE("modules: a failed call of batch norm leaves its statistics") {
  nn::BatchNorm1d norm(2);
  CHECK_THROWS_AS(norm(zeros({2, 3})), ShapeError);
  CHECK_THROWS_AS(norm(zeros({4, 2}, DType::f64)), DTypeError);
  CHECK(norm.num_batches_tracked.item() == 0);
  CHECK(norm.running_var.to_vector<double>() == std::vector<double>{1, 1});
}

}  // namespace ditharos::test_module_golden
