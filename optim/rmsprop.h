#pragma once
#include <ditharos/optim/optimizer.h>

namespace ditharos::optim {

struct RMSpropOptions {
  double alpha = 0.99;  ///< decay of the mean of squares, in [0, 1)
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;  ///< divides by the standard deviation of the gradient (Graves 2013, equations 38 to 45)
};

/// RMSprop (Tieleman and Hinton 2012), in PyTorch's convention:
///   g = scale * grad + weight_decay * p;  v = alpha v + (1 - alpha) g^2;
///   a = centered ? alpha a + (1 - alpha) g : 0;  b = momentum b + g / (sqrt(v - a^2) + eps);  p -= lr * b.
/// State: square_avg (v), with momentum momentum_buffer (b), and when centered grad_avg (a).
class RMSprop : public Optimizer {
 public:
  /// ConfigError for an option out of range.
  explicit RMSprop(const ParameterGroups& parameters, const RMSpropOptions& options = {});

 protected:
  void update(const Update& u) override;

 private:
  static std::vector<Group> rmsprop_groups(const ParameterGroups& parameters, const RMSpropOptions& options);
  RMSpropOptions options_;
  bool has_buffer_;  // of the momentum
};

}  // namespace ditharos::optim
