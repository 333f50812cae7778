#pragma once
#include <ditharos/optim/optimizer.h>

namespace ditharos::optim {

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;  ///< added to the gradient times the parameter (L2)
  bool nesterov = false;    ///< needs momentum
  double dampening = 0;     ///< of the gradient's part in the buffer, from a parameter's second step on
};

/// Stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form):
///   g = scale * grad + weight_decay * p;  b = momentum * b + (1 - dampening) g, at first b = g;
///   p -= lr * b, with Nesterov's momentum p -= lr * (g + momentum * b).
class Sgd : public Optimizer {
 public:
  /// ConfigError for a negative option, and for nesterov without momentum or with dampening.
  explicit Sgd(const ParameterGroups& parameters, const SgdOptions& options = {});

 protected:
  void update(const Update& u) override;

 private:
  static std::vector<Group> sgd_groups(const ParameterGroups& parameters, const SgdOptions& options);
  SgdOptions options_;
};

}  // namespace ditharos::optim
