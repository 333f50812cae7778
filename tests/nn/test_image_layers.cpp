// Modules for images, and what the operations behind them promise beyond the op table.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/normalization/batch_norm.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/norm/group_norm.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

std::vector<std::string> names_of(nn::ModuleBase& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : nn::named_tensors(module)) names.push_back(name + to_text(tensor.shape()));
  return names;
}

using Names = std::vector<std::string>;

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  double worst = x.size() == y.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (!(std::abs(x[i] - y[i]) <= worst)) worst = std::abs(x[i] - y[i]);
  return worst;
}

}  // namespace

TEST_CASE("images: modules have PyTorch's names and shapes") {
  Generator rng(1);
  nn::Conv1d conv1(4, 6, 3, {.padding = 1, .groups = 2}, rng);
  nn::Conv2d conv2(3, 8, {3, 5}, {.stride = 2, .padding = {1, 2}, .bias = false}, rng);
  nn::Conv3d conv3(2, 4, {1, 3, 3}, {.padding = {0, 1, 1}, .dilation = 1}, rng);
  nn::ConvTranspose2d up(8, 4, 3, {.stride = 2, .padding = 1, .groups = 2, .output_padding = 1}, rng);
  CHECK(names_of(conv1) == Names{"weight[6, 2, 3]", "bias[6]"});
  CHECK(names_of(conv2) == Names{"weight[8, 3, 3, 5]"});
  CHECK(names_of(conv3) == Names{"weight[4, 2, 1, 3, 3]", "bias[4]"});
  CHECK(names_of(up) == Names{"weight[8, 2, 3, 3]", "bias[4]"});
  CHECK(conv1(rng.normal({2, 4, 7})).shape() == Shape{2, 6, 7});
  CHECK(conv3(rng.normal({1, 2, 3, 5, 5})).shape() == Shape{1, 4, 3, 5, 5});
  const Tensor small = conv2(rng.normal({2, 3, 8, 8}));
  CHECK(small.shape() == Shape{2, 8, 4, 4});
  CHECK(up(small).shape() == Shape{2, 4, 8, 8});  // the stride's way back
  nn::audit(sum(up(small.detach())), up);

  nn::GroupNorm group(2, 4);
  nn::BatchNorm2d batch(4);
  nn::RMSNorm rms(6);
  CHECK(names_of(group) == Names{"weight[4]", "bias[4]"});
  CHECK(names_of(batch) == Names{"weight[4]", "bias[4]", "running_mean[4]", "running_var[4]", "num_batches_tracked[]"});
  CHECK(names_of(rms) == Names{"weight[6]"});
  const Tensor x = rng.normal({2, 4, 3, 3});
  CHECK(largest_difference(group.with_silu(x), silu(group(x))) < 1e-6);
}

TEST_CASE("images: batch norm learns its statistics while training and uses them afterwards") {
  Generator rng(2);
  nn::BatchNorm2d norm(2, 1e-5, 1.0);  // momentum 1: the last batch counts alone
  const Tensor x = rng.normal({8, 2, 3, 3}) * 3.0 + 1.0;
  const Tensor trained = norm(x);
  CHECK(norm.num_batches_tracked.item() == 1);
  CHECK(largest_difference(norm.running_mean, mean(x, {0, 2, 3})) < 1e-6);
  CHECK(largest_difference(norm.running_var, variance(x, {0, 2, 3}) * (72.0 / 71)) < 1e-4);
  const Tensor before = kernels::to(norm.running_mean, DType::f32);
  nn::set_training(norm, false);
  const Tensor evaluated = norm(x);
  CHECK(same_bits(norm.running_mean, before));
  CHECK(norm.num_batches_tracked.item() == 1);
  CHECK(largest_difference(evaluated * std::sqrt(72.0 / 71), trained) < 1e-3);  // unbiased there, biased here
}

TEST_CASE("images: convolutions of every kind are each other's adjoint") {
  Generator rng(3);
  const Tensor x = rng.normal({2, 4, 9, 8}, DType::f64), w = rng.normal({6, 2, 3, 3}, DType::f64);
  const Tensor y = conv2d(x, w, {}, 2, 1, 1, 2), g = rng.normal(y.shape(), DType::f64);
  const Tensor back = conv_transpose2d(g, w, {}, 2, 1, {0, 1}, 2);
  REQUIRE(back.shape() == x.shape());
  CHECK(std::abs(sum(y * g).item() - sum(x * back).item()) < 1e-10);
}

TEST_CASE("images: NaN is the largest element in max pooling, padding never is") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = from_vector<float>({-1, -2, -3, -4, nan, -6, -7, -8, -9}, {1, 1, 3, 3});
  const auto y = max_pool2d(x, 2, 1).to_vector<float>();
  CHECK(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); }));
  const auto corners = max_pool2d(x, 2, 3, 1).to_vector<float>();
  CHECK(corners == std::vector<float>{-1, -3, -7, -9});
}

TEST_CASE("images: normalisations under every instruction set") {
  Generator rng(4);
  const Tensor x = rng.normal({3, 6, 5, 7}) * 2.0 + 3.0, w = rng.normal({6}), b = rng.normal({6});
  const Tensor grad = rng.normal(x.shape());
  const auto run = [&](DType dtype) {
    const auto in = [dtype](const Tensor& t) { return kernels::to(t, dtype); };
    Tensor statistics, inverse;
    const Tensor y = kernels::group_norm(in(x), 3, in(w), in(b), 1e-5, true, &statistics);
    const auto g = kernels::group_norm_backward(in(grad), in(x), 3, in(w), in(b), true, statistics);
    const Tensor rms_weight = in(w).slice(0, 0, 1).expand({7});
    const Tensor r = kernels::rms_norm(in(x), rms_weight, 1e-6, &inverse);
    const auto rg = kernels::rms_norm_backward(in(grad), in(x), rms_weight, inverse);
    return std::vector<Tensor>{y, g.x, g.weight, g.bias, r, rg.x, rg.weight};
  };
  const auto want = run(DType::f64);
  for_each_isa([&] {
    const auto got = run(DType::f32);
    for (size_t i = 0; i < want.size(); ++i) {
      CAPTURE(i);
      CHECK(largest_difference(got[i], want[i]) < 1e-4);
    }
  });
}

TEST_CASE("images: an autoencoder's gradients have the same bits at every thread count") {
  Generator rng(6);
  nn::Conv2d down(3, 16, 3, 2, 1, rng), middle(16, 32, 3, 1, 1, rng);
  nn::Conv2d up(32, 16, 3, 1, 1, rng), head(16, 3, 3, 1, 1, rng);
  nn::GroupNorm norm1(4, 16), norm2(4, 32);
  nn::BatchNorm2d norm3(16);
  const Tensor x = rng.normal({10, 3, 16, 16});
  const auto gradients = [&] {
    const Tensor latent = norm2.with_silu(middle(max_pool2d(norm1.with_silu(down(x)), 2)));  // [10, 32, 4, 4]
    const Tensor half = relu(norm3(up(interpolate(latent, 8, Interpolation::bilinear))));    // [10, 16, 8, 8]
    const std::vector<Tensor> parameters = {down.weight, down.bias,    norm1.weight, norm1.bias,  middle.weight,
                                            up.weight,   norm3.weight, norm3.bias,   head.weight, head.bias};
    return grad({mse_loss(head(interpolate(half, 16)), x)}, parameters);
  };
  const std::vector<Tensor> first = gradients();
  for_each_thread_count([&] {
    const std::vector<Tensor> now = gradients();
    for (size_t i = 0; i < first.size(); ++i) CHECK(same_bits(now[i], first[i]));
  });
}

TEST_CASE("images: messages for misuse") {
  Generator rng(5);
  CHECK(message_of<ShapeError>([&] { nn::Conv2d(4, 6, 3, {.groups = 4}, rng); }) ==
        "[Conv2d] 6 and 4 channels do not divide into 4 groups");
  CHECK(message_of<ShapeError>([&] { nn::Conv2d(4, 6, {3, 3, 3}, {}, rng); }) ==
        "[Conv2d] kernel needs 1 or 2 numbers, got [3, 3, 3]");
  CHECK(
      message_of<ShapeError>([] { static_cast<void>(nn::BatchNorm1d(4)(ones({1, 4}))); }) ==
      "[BatchNorm1d] training needs more than one value a channel, got x [1, 4]; leave out a last batch of one sample "
      "(drop_last), or call set_training(model, false)");
  nn::BatchNorm1d evaluated(4);
  nn::set_training(evaluated, false);
  CHECK(evaluated(ones({1, 4})).shape() == Shape{1, 4});
  CHECK(message_of<ShapeError>([] { nn::GroupNorm(4, 6); }) == "[GroupNorm] 6 channels do not divide into 4 groups");
  CHECK(message_of<ShapeError>([] { conv2d(zeros({1, 1, 4, 4}), zeros({1, 1, 3, 3}), {}, {1, 2, 3}); }) ==
        "[conv2d] stride needs 1 or 2 numbers, got [1, 2, 3]");
  CHECK(message_of<ShapeError>([] { conv2d(zeros({1, 1, 4, 4}), zeros({2, 1, 3, 3}), zeros({3})); }) ==
        "[conv2d] bias must be [2], got [3]");
  CHECK(message_of<DTypeError>([] { conv2d(zeros({1, 1, 4, 4}), zeros({2, 1, 3, 3}, DType::f64)); }) ==
        "[conv2d] weight is f64, where f32 is wanted");
  CHECK(message_of<ShapeError>([] { group_norm(zeros({2, 4, 3}), 2, zeros({3})); }) ==
        "[group_norm] weight must be [4], got [3]");
  const Tensor none, x = zeros({1, 1, 4, 4});
  for (const std::function<void()>& call : std::vector<std::function<void()>>{
           [&] { conv1d(none, x); }, [&] { conv2d(x, none); }, [&] { conv_transpose2d(none, x); },
           [&] { group_norm(none, 1); }, [&] { batch_norm(none, none, none); }, [&] { rms_norm(none); },
           [&] { max_pool2d(none, 2); }, [&] { avg_pool2d(none, 2); }, [&] { adaptive_avg_pool2d(none, 1); },
           [&] { interpolate(none, 2); }})
    CHECK(message_of<Error>(call) == "the tensor is undefined: it was never given a value");
  CHECK(message_of<ShapeError>([] { batch_norm(zeros({0, 3, 2}), {}, {}, {}, {}, true); }) ==
        "[batch_norm] x of shape [0, 3, 2] has channels without elements, which have no mean");
}

TEST_CASE("regression 33: batch norm's running variance is the batch's, and NaN stays NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double spread : {1e-6, 1e-4, 1.0, 1e6}) {
      CAPTURE(spread);
      const Tensor x = Generator(1).normal({8, 2, 5, 5}, dtype) * spread, mean = zeros({2}, dtype);
      const Tensor variance_of_batch = variance(x, {0, 2, 3}, false, 1), running = ones({2}, dtype);
      batch_norm(x, mean, running, {}, {}, true, 1);
      const auto got = running.to_vector<double>(), want = variance_of_batch.to_vector<double>();
      for (size_t c = 0; c < 2; ++c) CHECK(got[c] == doctest::Approx(want[c]).epsilon(1e-5));
    }
  for (const double bad : {nan, double(INFINITY)}) {
    Tensor x = ones({2, 2, 3});
    x.mutable_data<float>()[4] = float(bad);  // in the second channel
    const Tensor mean = zeros({2}), running = ones({2});
    batch_norm(x, mean, running, {}, {}, true);
    CHECK(running.to_vector<float>()[0] == doctest::Approx(.9));
    CHECK(std::isnan(running.to_vector<float>()[1]));
    CHECK(!std::isfinite(mean.to_vector<float>()[1]));
  }
  const Tensor equal = full({1, 1, 1000}, .1), mean = zeros({1}), running = ones({1});
  batch_norm(equal, mean, running, {}, {}, true, 1);
  CHECK(running.item() == doctest::Approx(0).epsilon(1e-12));
  CHECK(mean.item() == double(.1f));
}
