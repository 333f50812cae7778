#pragma once
#include <ditharos/optim/optimizer.h>

namespace ditharos::optim {

struct AdagradOptions {
  double lr_decay = 0;  ///< step t has the learning rate lr / (1 + (t - 1) lr_decay)
  double weight_decay = 0;
  double initial_accumulator_value = 0;  ///< of every element of the sum
  double eps = 1e-10;
};

/// Adagrad (Duchi, Hazan and Singer 2011), in PyTorch's convention:
///   g = scale * grad + weight_decay * p;  s = s + g^2;  p -= lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + eps).
/// State: sum (s).
class Adagrad : public Optimizer {
 public:
  /// ConfigError for an option out of range.
  explicit Adagrad(const ParameterGroups& parameters, const AdagradOptions& options = {});

 protected:
  void update(const Update& u) override;

 private:
  static std::vector<Group> adagrad_groups(const ParameterGroups& parameters, const AdagradOptions& options);
  AdagradOptions options_;
};

}  // namespace ditharos::optim
