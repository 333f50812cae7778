// Activations that consist of other operations. Where a factor goes to 0 as the other goes to infinity, the other is
// bounded where the product is 0 already.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

namespace {
/// A clamp whose derivative is 0 at the bounds too.
Tensor strict_clamp(const Tensor& x, double low, double high) {
  return record("hardtanh", kernels::unary(kernels::Unary::clamp, x, low, high), {x}, save_inputs,
                each([=](const Backward& d) {
                  const Tensor v = d.input(0);
                  return where(logical_and(greater(v, low), less(v, high)), d.grad(), 0);
                }),
                elementwise);
}
}  // namespace

Tensor hardtanh(const Tensor& x, double low, double high) {
  check_floating("hardtanh", x.dtype());
  check<ConfigError>(low <= high, "[hardtanh] the lower bound ", low, " is above the upper bound ", high);
  return strict_clamp(x, low, high);
}

Tensor relu6(const Tensor& x) {
  check_floating("relu6", x.dtype());
  return strict_clamp(x, 0, 6);
}

Tensor hardsigmoid(const Tensor& x) {
  check_floating("hardsigmoid", x.dtype());
  return relu6(x + 3) / 6;
}

Tensor hardswish(const Tensor& x) {
  check_floating("hardswish", x.dtype());
  const Tensor bounded = clamp_min(x, -4);
  return bounded * hardsigmoid(bounded);
}

Tensor mish(const Tensor& x) {
  check_floating("mish", x.dtype());
  // Above 25, tanh(softplus(x)) is 1 in f64.
  const Tensor bounded = clamp(x, -1e4, 25);
  return where(greater(x, 25), x, bounded * tanh(softplus(bounded)));
}

Tensor selu(const Tensor& x) {
  check_floating("selu", x.dtype());
  constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
  return elu(x, alpha) * scale;
}

Tensor celu(const Tensor& x, double alpha) {
  check_floating("celu", x.dtype());
  check<ConfigError>(alpha != 0, "[celu] alpha cannot be 0");
  const Tensor positive = greater(x, 0);
  return where(positive, x, elu(where(positive, 0, x) / alpha) * alpha);  // NaN takes this branch
}

Tensor logsigmoid(const Tensor& x) {
  check_floating("logsigmoid", x.dtype());
  return -softplus(-x);
}

namespace {
Tensor softsign_value(const Tensor& x) {
  const NoGrad guard;
  return x / (abs(x) + 1);
}
}  // namespace

Tensor softsign(const Tensor& x) {
  check_floating("softsign", x.dtype());
  // d/dx x / (1 + |x|) = 1 / (1 + |x|)^2
  return record("softsign", softsign_value(x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / square(abs(d.input(0)) + 1); }), elementwise);
}

Tensor tanhshrink(const Tensor& x) {
  check_floating("tanhshrink", x.dtype());
  return x - tanh(x);
}

Tensor threshold(const Tensor& x, double threshold, double value) {
  return where(less_equal(x, threshold), number_like("threshold", value, x), x);  // NaN stays
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  check_floating("prelu", x.dtype());
  check_one_dtype("prelu", "x", x, "the weight", weight);
  const int64_t channels = x.rank() >= 2 ? x.size(1) : 1;
  check<ShapeError>(weight.rank() <= 1 && (weight.numel() == 1 || weight.numel() == channels), "[prelu] shape ",
                    x.shape(), " takes a weight of 1 or ", channels, " elements, got shape ", weight.shape());
  Shape shape = Shape::filled(x.rank(), 1);
  if (weight.numel() != 1) shape[1] = channels;
  return relu(x) + reshape(weight, shape) * clamp_max(x, 0);
}

Tensor glu(const Tensor& x, int axis) {
  check_floating("glu", x.dtype());
  axis = normalize_axis("glu", axis, x.rank());
  const int64_t n = x.size(axis);
  check<ShapeError>(n % 2 == 0, "[glu] axis ", axis, " of shape ", x.shape(), " does not divide into two halves");
  return slice(x, axis, 0, n / 2) * sigmoid(slice(x, axis, n / 2, n));
}

}  // namespace ditharos
