#include <ditharos/nn/init.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos::nn {
namespace {
thread_local bool skip = false;

/// Inputs of one output unit: the product of all sizes but the first.
int64_t fan_in(const Shape& shape) {
  check<ShapeError>(shape.rank() >= 2, "a weight needs at least two dimensions, got shape ", shape);
  return numel(shape) / std::max<int64_t>(shape[0], 1);
}
}  // namespace

SkipInit::SkipInit() : before_(skip) { skip = true; }
SkipInit::~SkipInit() { skip = before_; }

namespace init {
namespace {
Tensor uniform_within(const Shape& shape, double bound, Generator& rng) {
  using kernels::Unary;
  if (skip) return empty(shape);
  return kernels::unary(Unary::add_scalar, kernels::unary(Unary::mul_scalar, rng.uniform(shape), 2 * bound), -bound);
}
}  // namespace

Tensor xavier_uniform(const Shape& shape, Generator& rng) {
  return uniform_within(shape, std::sqrt(6.0 / double(fan_in(shape) + shape[0])), rng);
}

Tensor fan_in_uniform(const Shape& shape, const Shape& weight, Generator& rng) {
  return uniform_within(shape, 1 / std::sqrt(double(fan_in(weight))), rng);
}

Tensor kaiming_normal(const Shape& shape, Generator& rng) {
  return normal(shape, std::sqrt(2.0 / double(fan_in(shape))), rng);
}

Tensor normal(const Shape& shape, double standard_deviation, Generator& rng) {
  if (skip) return empty(shape);
  return kernels::unary(kernels::Unary::mul_scalar, rng.normal(shape), standard_deviation);
}

Tensor zeros(const Shape& shape) { return skip ? empty(shape) : ditharos::zeros(shape); }

}  // namespace init
}  // namespace ditharos::nn
