#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/random.h>

namespace ditharos::nn {

/// In training, zeroes each element with probability p and scales the others by 1/(1-p) (Srivastava et al. 2014). In
/// evaluation, returns x.
class Dropout : public Module<Dropout> {
 public:
  explicit Dropout(double p = .5) : p_(p) {
    check<ConfigError>(p >= 0 && p < 1, "the dropout probability must be in [0, 1), got ", p);
  }

  Tensor forward(const Tensor& x, Generator& rng) const {
    if (!is_training() || p_ == 0) return x;
    return dropout(x, p_, rng);
  }
  void visit(Visitor&) override {}

 private:
  double p_;
};

}  // namespace ditharos::nn
