#pragma once
// Activation functions as modules, for nn::Sequential, with PyTorch's names, arguments and defaults. All keep the shape
// of x, but GLU. There is no `inplace`: operations do not write to their operands.
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// An operation on one tensor as a module without parameters.
template <Tensor (*function)(const Tensor&)>
class Activation : public Module<Activation<function>> {
 public:
  Tensor forward(const Tensor& x) const { return function(x); }
  void visit(Visitor&) override {}
};
using ReLU = Activation<relu>;
using ReLU6 = Activation<relu6>;
using SiLU = Activation<silu>;
using Mish = Activation<mish>;
using SELU = Activation<selu>;
using Sigmoid = Activation<sigmoid>;
using LogSigmoid = Activation<logsigmoid>;
using Tanh = Activation<tanh>;
using Tanhshrink = Activation<tanhshrink>;
using Softsign = Activation<softsign>;
using Hardswish = Activation<hardswish>;
using Hardsigmoid = Activation<hardsigmoid>;

/// Returns x.
class Identity : public Module<Identity> {
 public:
  Tensor forward(const Tensor& x) const { return x; }
  void visit(Visitor&) override {}
};

/// x Phi(x), or its tanh approximation for approximate = "tanh" (Hendrycks and Gimpel 2016).
class GELU : public Module<GELU> {
 public:
  explicit GELU(const std::string& approximate = "none") : tanh_(approximate == "tanh") {
    check<ConfigError>(tanh_ || approximate == "none", "[GELU] approximate must be \"none\" or \"tanh\", got \"",
                       approximate, "\"");
  }
  Tensor forward(const Tensor& x) const { return tanh_ ? gelu_tanh(x) : gelu(x); }
  void visit(Visitor&) override {}

 private:
  bool tanh_;
};

/// x above 0, else negative_slope x.
class LeakyReLU : public Module<LeakyReLU> {
 public:
  explicit LeakyReLU(double negative_slope = .01) : slope_(negative_slope) {}
  Tensor forward(const Tensor& x) const { return leaky_relu(x, slope_); }
  void visit(Visitor&) override {}

 private:
  double slope_;
};

/// x above 0, else alpha (e^x - 1) (Clevert et al. 2015).
class ELU : public Module<ELU> {
 public:
  explicit ELU(double alpha = 1) : alpha_(alpha) {}
  Tensor forward(const Tensor& x) const { return elu(x, alpha_); }
  void visit(Visitor&) override {}

 private:
  double alpha_;
};

/// x above 0, else alpha (e^(x / alpha) - 1) (Barron 2017).
class CELU : public Module<CELU> {
 public:
  explicit CELU(double alpha = 1) : alpha_(alpha) {}
  Tensor forward(const Tensor& x) const { return celu(x, alpha_); }
  void visit(Visitor&) override {}

 private:
  double alpha_;
};

/// ln(1 + e^(beta x)) / beta; x itself where beta x is above `threshold`.
class Softplus : public Module<Softplus> {
 public:
  explicit Softplus(double beta = 1, double threshold = 20) : beta_(beta), threshold_(threshold) {
    check<ConfigError>(beta != 0, "[Softplus] beta must not be 0");
  }
  Tensor forward(const Tensor& x) const {
    if (beta_ == 1 && threshold_ >= 20) return softplus(x);  // which differs from x there by at most e^-20 = 2e-9
    const Tensor z = x * beta_;
    return where(z > threshold_, x, softplus(z) / beta_);
  }
  void visit(Visitor&) override {}

 private:
  double beta_, threshold_;
};

/// min_val and max_val outside of them, x between.
class Hardtanh : public Module<Hardtanh> {
 public:
  explicit Hardtanh(double min_val = -1, double max_val = 1) : min_(min_val), max_(max_val) {
    check<ConfigError>(min_val < max_val, "[Hardtanh] min_val must be below max_val, got ", min_val, " and ", max_val);
  }
  Tensor forward(const Tensor& x) const { return hardtanh(x, min_, max_); }
  void visit(Visitor&) override {}

 private:
  double min_, max_;
};

/// x where |x| > lambda, else 0.
class Hardshrink : public Module<Hardshrink> {
 public:
  explicit Hardshrink(double lambda = .5) : lambda_(lambda) {}
  Tensor forward(const Tensor& x) const { return where(abs(x) <= lambda_, 0.0, x); }
  void visit(Visitor&) override {}

 private:
  double lambda_;
};

/// x - lambda above lambda, x + lambda below -lambda, else 0.
class Softshrink : public Module<Softshrink> {
 public:
  explicit Softshrink(double lambda = .5) : lambda_(lambda) {
    check<ConfigError>(lambda >= 0, "[Softshrink] lambda must be at least 0, got ", lambda);
  }
  Tensor forward(const Tensor& x) const { return x - clamp(x, -lambda_, lambda_); }
  void visit(Visitor&) override {}

 private:
  double lambda_;
};

/// x where it is above `threshold`, else `value`.
class Threshold : public Module<Threshold> {
 public:
  Threshold(double threshold, double value) : threshold_(threshold), value_(value) {}
  Tensor forward(const Tensor& x) const { return ditharos::threshold(x, threshold_, value_); }
  void visit(Visitor&) override {}

 private:
  double threshold_, value_;
};

/// x above 0, else weight x (He et al. 2015). weight [num_parameters]: one for all, or one for each channel, axis 1 of
/// x. It starts at `init`.
class PReLU : public Module<PReLU> {
 public:
  explicit PReLU(int64_t num_parameters = 1, double init = .25) : weight(full({num_parameters}, init)) {}
  Tensor forward(const Tensor& x) const { return prelu(x, weight); }
  void visit(Visitor& v) override { v("weight", weight); }

  Parameter weight;
};

/// a sigmoid(b) for the halves a, b of an axis (Dauphin et al. 2017).
class GLU : public Module<GLU> {
 public:
  explicit GLU(int dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return glu(x, dim_); }
  void visit(Visitor&) override {}

 private:
  int dim_;
};

/// The softmax along an axis.
class Softmax : public Module<Softmax> {
 public:
  explicit Softmax(int dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return softmax(x, dim_); }
  void visit(Visitor&) override {}

 private:
  int dim_;
};

/// The softmax of -x.
class Softmin : public Module<Softmin> {
 public:
  explicit Softmin(int dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return softmax(-x, dim_); }
  void visit(Visitor&) override {}

 private:
  int dim_;
};

/// The logarithm of the softmax.
class LogSoftmax : public Module<LogSoftmax> {
 public:
  explicit LogSoftmax(int dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) const { return log_softmax(x, dim_); }
  void visit(Visitor&) override {}

 private:
  int dim_;
};

}  // namespace ditharos::nn
