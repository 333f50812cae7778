#pragma once
#include <ditharos/optim/optimizer.h>

namespace ditharos::optim {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;  ///< decay of the first and second moment, in [0, 1)
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;  ///< divides by the largest second moment so far (Reddi, Kale and Kumar 2018, algorithm 2)
};

/// Adam (Kingma and Ba 2015, algorithm 1); weight decay, if any, is added to the gradient (L2):
///   g = scale * grad + weight_decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
///   p -= lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps).
/// With amsgrad, the largest v of all steps takes the place of v in the last line. State: exp_avg (m), exp_avg_sq (v),
/// and with amsgrad max_exp_avg_sq.
class Adam : public Optimizer {
 public:
  /// ConfigError for an option out of range.
  explicit Adam(const ParameterGroups& parameters, const AdamOptions& options = {})
      : Adam(adam_groups(parameters, options), options, false) {}

 protected:
  Adam(const std::vector<Group>& groups, const AdamOptions& options, bool decoupled);
  /// The groups with Adam's slots; the checks of the options.
  static std::vector<Group> adam_groups(const ParameterGroups& parameters, const AdamOptions& options);
  void update(const Update& u) override;

 private:
  AdamOptions options_;
  bool decoupled_;
};

/// AdamW (Loshchilov and Hutter 2019): Adam whose weight decay acts on the parameter, p -= lr * weight_decay * p, and
/// stays out of the moments. PyTorch's default decay.
class AdamW : public Adam {
 public:
  explicit AdamW(const ParameterGroups& parameters, const AdamOptions& options = {.weight_decay = 1e-2})
      : Adam(adam_groups(parameters, options), options, true) {}
};

}  // namespace ditharos::optim
