#pragma once
#include <ditharos/optim/optimizer.h>

namespace ditharos::optim {

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;  ///< added to the gradient times the parameter (L2)
  bool nesterov = false;    ///< needs momentum
};

/// Stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form):
///   g = scale * grad + weight_decay * p;  b = momentum * b + g, at first b = g;
///   p -= lr * b, with Nesterov's momentum p -= lr * (g + momentum * b).
class Sgd : public Optimizer {
 public:
  /// ConfigError for an option out of range.
  explicit Sgd(const nn::NamedTensors& parameters, const SgdOptions& options = {});

 protected:
  void update(const Update& u) override;

 private:
  SgdOptions options_;
};

}  // namespace ditharos::optim
