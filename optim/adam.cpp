#include <ditharos/optim/adam.h>

#include <cmath>

#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

Adam::Adam(const std::vector<Group>& groups, const AdamOptions& options, bool decoupled)
    : Optimizer(groups), options_(options), decoupled_(decoupled) {
  const auto in_range = [](double beta) { return beta >= 0 && beta < 1; };
  check<ConfigError>(in_range(options.beta1) && in_range(options.beta2),
                     "[adam] both betas must be at least 0 and below 1, got ", options.beta1, " and ", options.beta2);
  check<ConfigError>(std::isfinite(options.eps) && options.eps >= 0, "[adam] eps must be a number >= 0, got ",
                     options.eps);
  check<ConfigError>(std::isfinite(options.weight_decay) && options.weight_decay >= 0,
                     "[adam] weight_decay must be a number >= 0, got ", options.weight_decay);
}

void Adam::update(const Update& u) {
  kernels::AdamStep s{};
  s.lr = u.lr;
  s.beta1 = options_.beta1;
  s.beta2 = options_.beta2;
  s.eps = options_.eps;
  s.weight_decay = options_.weight_decay;
  s.decoupled = decoupled_;
  s.grad_scale = u.grad_scale;
  s.step = u.step;
  s.ema_decay = u.ema_decay;
  kernels::adam(u.parameter, u.grad, u.slots[0], u.slots[1], u.average, s);
}

}  // namespace ditharos::optim
