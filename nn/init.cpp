#include <ditharos/nn/init.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/parallel.h>

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

namespace {

struct Fans {
  double in, out;
};

Fans fans(const char* op, const Tensor& weight) {
  check<ShapeError>(weight.rank() >= 2, "[", op, "] a weight needs at least two axes, got shape ", weight.shape());
  const int64_t kernel = weight.numel() / std::max<int64_t>(weight.size(0) * weight.size(1), 1);
  return {double(weight.size(1) * kernel), double(weight.size(0) * kernel)};
}

double fan(const char* op, const Tensor& weight, const std::string& mode) {
  const Fans both = fans(op, weight);
  check<ConfigError>(mode == "fan_in" || mode == "fan_out", "[", op, "] mode must be \"fan_in\" or \"fan_out\", got \"",
                     mode, "\"");
  return mode == "fan_in" ? both.in : both.out;
}

/// DTypeError unless the tensor holds floating-point numbers, in any precision.
void check_floating_storage(const char* op, const Tensor& tensor) {
  check<DTypeError>(is_floating(tensor.dtype()), "[", op, "] needs floating-point numbers, got ", tensor.dtype());
}

/// tensor = draw(shape, dtype) * factor + offset, with numbers in the dtype if it is f64, else in f32.
template <class Draw>
const Tensor& write(const char* op, const Tensor& tensor, double factor, double offset, const Draw& draw) {
  check_floating_storage(op, tensor);
  if (skip) return tensor;
  const NoGrad no_grad;
  const Tensor drawn = draw(tensor.shape(), tensor.dtype() == DType::f64 ? DType::f64 : DType::f32);
  return tensor.copy_(drawn * factor + offset);
}

const Tensor& write_uniform(const char* op, const Tensor& tensor, double low, double high, Generator& rng) {
  return write(op, tensor, high - low, low, [&](const Shape& shape, DType dtype) { return rng.uniform(shape, dtype); });
}

const Tensor& write_normal(const char* op, const Tensor& tensor, double mean, double deviation, Generator& rng) {
  return write(op, tensor, deviation, mean, [&](const Shape& shape, DType dtype) { return rng.normal(shape, dtype); });
}

const Tensor& write_value(const Tensor& tensor, double value) {
  const NoGrad no_grad;
  return tensor.fill_(value);
}

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

/// The inverse of erf for y in (-1, 1): Winitzki's approximation (2008), and two of Halley's steps, each of which
/// triples the number of digits.
double erfinv(double y) {
  constexpr double a = .147;
  const double log = std::log1p(-y * y), b = 2 / (std::numbers::pi * a) + log / 2;
  double x = std::copysign(std::sqrt(std::sqrt(b * b - log / a) - b), y);
  for (int step = 0; step < 2; ++step) {
    const double slope = 2 * std::numbers::inv_sqrtpi * std::exp(-x * x), error = std::erf(x) - y;
    if (slope > 0) x -= error / (slope + x * error);
  }
  return x;
}

}  // namespace

const Tensor& uniform_(const Tensor& tensor, double a, double b, Generator& rng) {
  check<ConfigError>(a <= b, "[uniform_] the interval [", a, ", ", b, ") is empty");
  return write_uniform("uniform_", tensor, a, b, rng);
}

const Tensor& normal_(const Tensor& tensor, double mean, double std, Generator& rng) {
  check<ConfigError>(std >= 0, "[normal_] the standard deviation must be at least 0, got ", std);
  return write_normal("normal_", tensor, mean, std, rng);
}

const Tensor& trunc_normal_(const Tensor& tensor, double mean, double std, double a, double b, Generator& rng) {
  check<ConfigError>(std > 0 && a < b, "[trunc_normal_] needs a standard deviation above 0 and a < b, got ", std, ", ",
                     a, " and ", b);
  const double low = normal_cdf((a - mean) / std), high = normal_cdf((b - mean) / std);
  return write("trunc_normal_", tensor, 1, 0, [&](const Shape& shape, DType dtype) {
    const Tensor values = rng.uniform(shape, DType::f64);
    double* x = values.mutable_data<double>();
    parallel_for(values.numel(), 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const double quantile = erfinv(2 * (low + x[i] * (high - low)) - 1) * std::numbers::sqrt2;
        x[i] = std::clamp(mean + std * quantile, a, b);
      }
    });
    return to(values, dtype);
  });
}

const Tensor& constant_(const Tensor& tensor, double value) { return write_value(tensor, value); }
const Tensor& zeros_(const Tensor& tensor) { return write_value(tensor, 0); }
const Tensor& ones_(const Tensor& tensor) { return write_value(tensor, 1); }

const Tensor& eye_(const Tensor& tensor) {
  check<ShapeError>(tensor.rank() == 2, "[eye_] needs a matrix, got shape ", tensor.shape());
  const NoGrad no_grad;
  write_value(tensor, 0);
  const int64_t n = std::min(tensor.size(0), tensor.size(1));
  tensor.slice(0, 0, n).slice(1, 0, n).copy_(eye(n));
  return tensor;
}

const Tensor& dirac_(const Tensor& tensor, int64_t groups) {
  check<ShapeError>(tensor.rank() >= 3 && tensor.rank() <= 5,
                    "[dirac_] needs the weight of a convolution, with three to five axes, got shape ", tensor.shape());
  check<ShapeError>(groups >= 1 && tensor.size(0) % groups == 0, "[dirac_] ", tensor.size(0),
                    " channels do not divide into ", groups, " groups");
  const NoGrad no_grad;
  write_value(tensor, 0);
  const int64_t rows = tensor.size(0) / groups, n = std::min(rows, tensor.size(1));
  Tensor centre = tensor;  // [out, in]
  while (centre.rank() > 2) centre = centre.select(2, centre.size(2) / 2);
  for (int64_t group = 0; group < groups; ++group)
    centre.slice(0, group * rows, group * rows + n).slice(1, 0, n).copy_(eye(n));
  return tensor;
}

const Tensor& xavier_uniform_(const Tensor& tensor, double gain, Generator& rng) {
  const Fans both = fans("xavier_uniform_", tensor);
  const double bound = gain * std::sqrt(6 / (both.in + both.out));
  return write_uniform("xavier_uniform_", tensor, -bound, bound, rng);
}

const Tensor& xavier_normal_(const Tensor& tensor, double gain, Generator& rng) {
  const Fans both = fans("xavier_normal_", tensor);
  return write_normal("xavier_normal_", tensor, 0, gain * std::sqrt(2 / (both.in + both.out)), rng);
}

const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options, Generator& rng) {
  const double bound =
      calculate_gain(options.nonlinearity, options.a) * std::sqrt(3 / fan("kaiming_uniform_", tensor, options.mode));
  return write_uniform("kaiming_uniform_", tensor, -bound, bound, rng);
}

const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options, Generator& rng) {
  const double deviation =
      calculate_gain(options.nonlinearity, options.a) / std::sqrt(fan("kaiming_normal_", tensor, options.mode));
  return write_normal("kaiming_normal_", tensor, 0, deviation, rng);
}

const Tensor& orthogonal_(const Tensor& tensor, double gain, Generator& rng) {
  static_cast<void>(fans("orthogonal_", tensor));
  return write("orthogonal_", tensor, gain, 0, [&](const Shape& shape, DType dtype) {
    const int64_t rows = shape[0], columns = numel(shape) / std::max<int64_t>(rows, 1);
    const Tensor normal = rng.normal({std::max(rows, columns), std::min(rows, columns)}, DType::f64);
    const auto [q, r] = linalg::qr(normal);
    // Without the signs, the distribution would depend on the algorithm and not be uniform.
    const Tensor basis = q * sign(diagonal(r));
    return to(reshape(rows < columns ? transpose(basis, 0, 1) : basis, shape), dtype);
  });
}

double calculate_gain(const std::string& nonlinearity, double param) {
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::numbers::sqrt2;
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + param * param));
  if (nonlinearity == "selu") return .75;
  const bool linear = nonlinearity == "linear" || nonlinearity == "sigmoid" || nonlinearity.starts_with("conv");
  check<ConfigError>(linear, "[calculate_gain] there is no gain for \"", nonlinearity,
                     "\"; there are linear, conv1d, sigmoid, tanh, relu, leaky_relu and selu");
  return 1;
}

}  // namespace init
}  // namespace ditharos::nn
