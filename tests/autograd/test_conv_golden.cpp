// Convolutions, normalisations, pooling and interpolation against PyTorch: results and all gradients.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/group_norm.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

constexpr double tolerance = 3e-6;  // PyTorch's side was computed in double

using Operands = std::vector<Tensor>;

void check_case(const std::string& name, size_t operands, const std::function<Tensor(const Operands&)>& f) {
  static const Golden golden("conv.golden");
  CAPTURE(name);
  Operands in;
  for (size_t i = 0; i < operands; ++i) in.push_back(golden.at(name + ".in" + std::to_string(i)).set_requires_grad());
  const Tensor y = f(in);
  CHECK_LT(difference(y, golden.at(name + ".y")), tolerance);
  const auto grads = grad({y}, in, {golden.at(name + ".cotangent")});
  for (size_t i = 0; i < operands; ++i) {
    CAPTURE(i);
    CHECK_LT(difference(grads[i], golden.at(name + ".grad" + std::to_string(i))), tolerance);
  }
}

}  // namespace

TEST_CASE("conv golden: convolutions and their transposes as in PyTorch") {
  check_case("conv1d", 3, [](const Operands& in) { return conv1d(in[0], in[1], in[2], 2, 3, 2); });
  check_case("conv2d", 3, [](const Operands& in) { return conv2d(in[0], in[1], in[2], 1, 1); });
  check_case("conv2d_groups", 3,
             [](const Operands& in) { return conv2d(in[0], in[1], in[2], {2, 1}, {1, 2}, {1, 2}, 2); });
  check_case("conv3d", 3, [](const Operands& in) { return conv3d(in[0], in[1], in[2], {1, 2, 1}, {1, 0, 1}); });
  check_case("conv_transpose1d", 3, [](const Operands& in) { return conv_transpose1d(in[0], in[1], in[2], 3, 1, 2); });
  check_case("conv_transpose2d", 3,
             [](const Operands& in) { return conv_transpose2d(in[0], in[1], in[2], 2, 1, 1, 2, 1); });
  check_case("conv_transpose3d", 3,
             [](const Operands& in) { return conv_transpose3d(in[0], in[1], in[2], {2, 1, 2}, {0, 1, 0}, {1, 0, 0}); });
}

TEST_CASE("conv golden: group, batch and RMS norm as in PyTorch") {
  check_case("group_norm", 3, [](const Operands& in) { return group_norm(in[0], 3, in[1], in[2], 1e-5); });
  check_case("group_norm_silu", 3, [](const Operands& in) { return group_norm_silu(in[0], 2, in[1], in[2], 1e-6); });
  check_case("rms_norm", 2, [](const Operands& in) { return rms_norm(in[0], in[1], 1e-6); });
  const Golden golden("conv.golden");
  const Tensor mean = zeros({3}), variance = ones({3});
  check_case("batch_norm", 3,
             [&](const Operands& in) { return batch_norm(in[0], mean, variance, in[1], in[2], true); });
  CHECK_LT(difference(mean, golden.at("batch_norm.mean")), tolerance);
  CHECK_LT(difference(variance, golden.at("batch_norm.variance")), tolerance);
  check_case("batch_norm_eval", 3,
             [&](const Operands& in) { return batch_norm(in[0], mean, variance, in[1], in[2], false); });
}

TEST_CASE("conv golden: pooling and interpolation as in PyTorch") {
  check_case("max_pool2d", 1, [](const Operands& in) { return max_pool2d(in[0], 3, 2, 1); });
  check_case("avg_pool2d", 1, [](const Operands& in) { return avg_pool2d(in[0], {2, 3}, PerAxis{1, 2}, {1, 0}); });
  check_case("adaptive_avg_pool2d", 1, [](const Operands& in) { return adaptive_avg_pool2d(in[0], {3, 2}); });
  check_case("nearest", 1, [](const Operands& in) { return interpolate(in[0], {7, 4}); });
  check_case("bilinear", 1, [](const Operands& in) { return interpolate(in[0], {7, 4}, Interpolation::bilinear); });
}
