#pragma once
// Initial values of parameters.
#include <string>

#include <ditharos/tensor/draws/default_generator.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

/// In this scope, the functions of nn::init on this thread draw nothing: they return tensors whose elements are
/// undefined (as torch.nn.utils.skip_init). For models whose values are all loaded right after: drawing those of a
/// large model takes longer than reading them, and pages of memory that nobody writes cost nothing.
class SkipInit {
 public:
  SkipInit();
  ~SkipInit();
  SkipInit(const SkipInit&) = delete;
  SkipInit& operator=(const SkipInit&) = delete;

 private:
  bool before_;
};

namespace init {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) for a weight [out, in...] viewed as [out, -1] (Glorot and Bengio 2010).
Tensor xavier_uniform(const Shape& shape, Generator& rng);
/// Normal with variance 2 / fan_in, for layers that a ReLU follows (He et al. 2015).
Tensor kaiming_normal(const Shape& shape, Generator& rng);
/// Uniform in +-1 / sqrt(fan_in), with the fan_in of the shape `weight`, [out, in...]: the initial values of a weight
/// and of its bias in PyTorch's linear layers and convolutions (kaiming_uniform with a = sqrt(5)).
Tensor fan_in_uniform(const Shape& shape, const Shape& weight, Generator& rng);
/// Normal with mean 0.
Tensor normal(const Shape& shape, double standard_deviation, Generator& rng);
/// Zeros, for large weights that start there.
Tensor zeros(const Shape& shape);

// --- torch.nn.init: functions that write to a tensor of floating dtype, without a graph, and return it. In a SkipInit
// scope those that draw numbers write nothing. `rng` is last, and default_generator() where it is left out ---
//
// fan_in and fan_out of a weight [out, in, kernel...] are `in` and `out` times the elements of the kernel; ShapeError
// for a tensor of fewer than two axes.
const Tensor& uniform_(const Tensor& tensor, double a = 0, double b = 1, Generator& rng = default_generator());
const Tensor& normal_(const Tensor& tensor, double mean = 0, double std = 1, Generator& rng = default_generator());
/// The normal distribution inside of [a, b]; its quantile function of uniform numbers.
const Tensor& trunc_normal_(const Tensor& tensor, double mean = 0, double std = 1, double a = -2, double b = 2,
                            Generator& rng = default_generator());
const Tensor& constant_(const Tensor& tensor, double value);
const Tensor& zeros_(const Tensor& tensor);
const Tensor& ones_(const Tensor& tensor);
const Tensor& eye_(const Tensor& tensor);  ///< of a matrix: ones on the diagonal, zeros elsewhere
/// A convolution's weight [out, in, kernel...] that passes on as many channels as it can, in each of the groups.
const Tensor& dirac_(const Tensor& tensor, int64_t groups = 1);
/// Uniform in +-gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
const Tensor& xavier_uniform_(const Tensor& tensor, double gain = 1, Generator& rng = default_generator());
/// Normal with variance gain^2 2 / (fan_in + fan_out).
const Tensor& xavier_normal_(const Tensor& tensor, double gain = 1, Generator& rng = default_generator());

struct KaimingOptions {
  double a = 0;                             ///< the slope below 0 of a leaky ReLU
  std::string mode = "fan_in";              ///< or "fan_out"
  std::string nonlinearity = "leaky_relu";  ///< see calculate_gain()
};
/// Uniform in +-gain sqrt(3 / fan) (He et al. 2015).
const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options = {},
                               Generator& rng = default_generator());
/// Normal with variance gain^2 / fan.
const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options = {},
                              Generator& rng = default_generator());
/// A matrix [rows, the rest] with orthonormal rows or columns, whichever are fewer, times gain (Saxe et al. 2014).
/// Needs LAPACK (see linalg::qr).
const Tensor& orthogonal_(const Tensor& tensor, double gain = 1, Generator& rng = default_generator());

/// The factor by which a nonlinearity's weights are larger than those of a linear layer: 1 for "linear", "sigmoid" and
/// convolutions ("conv2d"), 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + param^2)) for "leaky_relu", 3/4 for
/// "selu". ConfigError for others.
[[nodiscard]] double calculate_gain(const std::string& nonlinearity, double param = .01);
}  // namespace init

}  // namespace ditharos::nn
