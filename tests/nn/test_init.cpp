// Initial values: torch.nn.init and the default generator.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <thread>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/parameter.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;
namespace init = nn::init;

namespace {

struct Moments {
  double mean, deviation, low, high;
};

Moments moments(const Tensor& x) {
  return {mean(x).item(), standard_deviation(x).item(), amin(x).item(), amax(x).item()};
}

/// Of many numbers: their mean and standard deviation are those of the distribution within a few standard errors.
void check_normal(const Tensor& x, double mean, double deviation) {
  const Moments m = moments(x);
  const double error = deviation / std::sqrt(double(x.numel()));
  CHECK(std::abs(m.mean - mean) < 5 * error);
  CHECK(std::abs(m.deviation - deviation) < 5 * error);
}

void check_uniform(const Tensor& x, double low, double high) {
  check_normal(x, (low + high) / 2, (high - low) / std::sqrt(12.0));
  const Moments m = moments(x);
  CHECK(m.low >= low);
  CHECK(m.high <= high);
  CHECK(m.low < low + (high - low) / 1000);
  CHECK(m.high > high - (high - low) / 1000);
}

}  // namespace

TEST_CASE("init: uniform and normal numbers, and constants") {
  manual_seed(1);
  const nn::Parameter p(empty({100, 100}));
  check_uniform(init::uniform_(p, -2, 3), -2, 3);
  CHECK(p.requires_grad());
  check_normal(init::normal_(p, 1, .5), 1, .5);
  check_normal(init::normal_(to(empty({100, 100}), DType::f64), -1, 2), -1, 2);
  CHECK(moments(init::constant_(p, 1.5)).low == 1.5);
  CHECK(moments(init::ones_(p)).high == 1);
  CHECK(moments(init::zeros_(p)).high == 0);
  const Tensor matrix = full({2, 3}, 7);
  CHECK(init::eye_(matrix).to_vector<double>() == std::vector<double>{1, 0, 0, 0, 1, 0});
}

TEST_CASE("init: the fans of linear weights and of convolutions") {
  manual_seed(2);
  const Tensor w = empty({40, 30, 5, 5});  // fan_in 750, fan_out 1000
  const double xavier = std::sqrt(2.0 / 1750);
  check_normal(init::xavier_normal_(w, 2), 0, 2 * xavier);
  check_uniform(init::xavier_uniform_(w), -std::sqrt(3.0) * xavier, std::sqrt(3.0) * xavier);
  const double kaiming = std::sqrt(2.0 / 750);
  check_normal(init::kaiming_normal_(w), 0, kaiming);
  check_uniform(init::kaiming_uniform_(w), -std::sqrt(3.0) * kaiming, std::sqrt(3.0) * kaiming);
  check_normal(init::kaiming_normal_(w, {.mode = "fan_out", .nonlinearity = "linear"}), 0, std::sqrt(1.0 / 1000));
  const double bound = 1 / std::sqrt(750.0);  // PyTorch's own layers
  check_uniform(init::kaiming_uniform_(w, {.a = std::sqrt(5.0)}), -bound, bound);
  for (const auto& [name, gain] : std::vector<std::pair<const char*, double>>{
           {"linear", 1}, {"conv2d", 1}, {"sigmoid", 1}, {"tanh", 5.0 / 3}, {"relu", std::sqrt(2.0)}, {"selu", .75}})
    CHECK(init::calculate_gain(name) == doctest::Approx(gain));
  CHECK(init::calculate_gain("leaky_relu", 2) == doctest::Approx(std::sqrt(.4)));
}

TEST_CASE("init: truncated normal numbers have the distribution's quantiles") {
  manual_seed(3);
  const Tensor x = init::trunc_normal_(empty({200, 200}, DType::f64), 1, 2, -1, 2);
  const Moments m = moments(x);
  CHECK(m.low >= -1);
  CHECK(m.high <= 2);
  const auto cdf = [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; };
  const double below = cdf(-1), all = cdf(.5) - below;
  for (const double at : {-.5, 0.0, .7, 1.5}) {
    CAPTURE(at);
    const double share = mean(to(x < at, DType::f64)).item();
    CHECK(std::abs(share - (cdf((at - 1) / 2) - below) / all) < 5 * .5 / 200);
  }
  // One number: exactly the quantile of the uniform one, also far from the centre.
  for (const double low : {-8.0, -1.0, 3.0}) {
    manual_seed(4);
    const double u = default_generator().uniform(Shape{1}, DType::f64).item();
    manual_seed(4);
    const double y = init::trunc_normal_(empty({1}, DType::f64), 0, 1, low, low + 1).item();
    const double want = cdf(low) + u * (cdf(low + 1) - cdf(low));
    CHECK(cdf(y) == doctest::Approx(want).epsilon(1e-9));
  }
}

TEST_CASE("init: orthogonal matrices, wide, tall and of a convolution") {
  manual_seed(5);
  for (const Shape& shape : {Shape{3, 8}, Shape{8, 3}, Shape{5, 5}, Shape{4, 3, 2, 2}}) {
    CAPTURE(to_text(shape));
    const Tensor w = reshape(init::orthogonal_(empty(shape, DType::f64), 2), {shape[0], -1});
    const Tensor product = w.size(0) <= w.size(1) ? matmul(w, transpose(w, 0, 1)) : matmul(transpose(w, 0, 1), w);
    CHECK(allclose(product, eye(product.size(0), DType::f64) * 4.0, 0, 1e-12));
  }
  double signs = 0;  // of the first elements: neither always positive nor always negative
  for (int i = 0; i < 50; ++i) signs += init::orthogonal_(empty({2, 2})).to_vector<double>()[0] > 0;
  CHECK(signs > 5);
  CHECK(signs < 45);
}

TEST_CASE("init: a dirac convolution passes on its channels") {
  manual_seed(6);
  nn::Conv2d conv(4, 4, 3, {.padding = 1, .groups = 2, .bias = false});
  init::dirac_(conv.weight, 2);
  const Tensor x = default_generator().normal({1, 4, 5, 5});
  CHECK(same_bits(conv(x), x));
}

TEST_CASE("init: draws come from the given generator, else from the default one; SkipInit draws nothing") {
  manual_seed(7);
  const Tensor a = init::normal_(empty({3, 3}));
  CHECK(default_generator().offset() == 9);
  Generator rng(7);
  CHECK(same_bits(a, init::normal_(empty({3, 3}), 0, 1, rng)));
  manual_seed(7);
  CHECK(same_bits(nn::Linear(3, 2).weight, nn::Linear(3, 2, rng = Generator(7)).weight));
  const nn::SkipInit skip;
  const Tensor kept = full({2, 2}, 5);
  CHECK(init::xavier_uniform_(kept).to_vector<double>() == std::vector<double>(4, 5));
  CHECK(rng.offset() == 6);
}

TEST_CASE("default generator: seeded, saved, restored, one a thread, and replaced in a scope") {
  manual_seed(11);
  const Generator start = default_generator();
  const Tensor a = default_generator().uniform({4});
  default_generator() = start;
  CHECK(same_bits(default_generator().uniform({4}), a));
  Tensor elsewhere;
  std::thread([&] {
    CHECK(default_generator().seed() == 0);
    manual_seed(11);
    elsewhere = default_generator().uniform({4});
  }).join();
  CHECK(same_bits(elsewhere, a));
  CHECK(default_generator().offset() == 4);
  Generator other(11);
  {
    const DefaultGeneratorScope scope(other);
    CHECK(same_bits(default_generator().uniform({4}), a));
    manual_seed(3);  // of the generator in the scope
  }
  CHECK(other.seed() == 3);
  CHECK(default_generator().seed() == 11);
}

TEST_CASE("init: messages for misuse") {
  const Tensor vector = zeros({3}), matrix = zeros({2, 2});
  CHECK(message_of<ShapeError>([&] { init::xavier_uniform_(vector); }) ==
        "[xavier_uniform_] a weight needs at least two axes, got shape [3]");
  CHECK(message_of<ConfigError>([&] { init::kaiming_normal_(matrix, {.mode = "fan"}); }) ==
        "[kaiming_normal_] mode must be \"fan_in\" or \"fan_out\", got \"fan\"");
  CHECK(message_of<ConfigError>([&] { init::kaiming_normal_(matrix, {.nonlinearity = "gelu"}); }) ==
        "[calculate_gain] there is no gain for \"gelu\"; there are linear, conv1d, sigmoid, tanh, relu, leaky_relu and "
        "selu");
  CHECK(message_of<DTypeError>([&] { init::normal_(zeros({2}, DType::i64)); }) ==
        "[normal_] needs floating-point numbers, got i64");
  CHECK(message_of<ConfigError>([&] { init::uniform_(matrix, 1, 0); }) ==
        "[uniform_] the interval [1.000000, 0.000000) is empty");
  CHECK(message_of<ConfigError>([&] { init::trunc_normal_(matrix, 0, 0); }).starts_with("[trunc_normal_] needs"));
  CHECK(message_of<ShapeError>([&] { init::eye_(vector); }) == "[eye_] needs a matrix, got shape [3]");
  CHECK(message_of<ShapeError>([&] { init::dirac_(matrix); }).starts_with("[dirac_] needs the weight of a convol"));
}
