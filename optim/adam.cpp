#include <ditharos/optim/adam.h>

#include <cmath>

#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

std::vector<Optimizer::Group> Adam::adam_groups(const ParameterGroups& parameters, const AdamOptions& options) {
  const auto in_range = [](double beta) { return beta >= 0 && beta < 1; };
  check<ConfigError>(in_range(options.beta1) && in_range(options.beta2),
                     "[adam] both betas must be at least 0 and below 1, got ", options.beta1, " and ", options.beta2);
  check<ConfigError>(std::isfinite(options.eps) && options.eps >= 0, "[adam] eps must be a number >= 0, got ",
                     options.eps);
  check<ConfigError>(std::isfinite(options.weight_decay) && options.weight_decay >= 0,
                     "[adam] weight_decay must be a number >= 0, got ", options.weight_decay);
  std::vector<std::string> slots{"exp_avg", "exp_avg_sq"};
  if (options.amsgrad) slots.emplace_back("max_exp_avg_sq");
  return with_slots(parameters, slots, {.betas = true, .eps = true});
}

Adam::Adam(const std::vector<Group>& groups, const AdamOptions& options, bool decoupled)
    : Optimizer(groups), options_(options), decoupled_(decoupled) {}

void Adam::update(const Update& u) {
  const ParameterGroup& group = groups()[u.group];
  kernels::AdamStep s{};
  s.lr = u.lr;
  s.beta1 = group.beta1.value_or(options_.beta1);
  s.beta2 = group.beta2.value_or(options_.beta2);
  s.eps = group.eps.value_or(options_.eps);
  s.weight_decay = group.weight_decay.value_or(options_.weight_decay);
  s.decoupled = decoupled_;
  s.grad_scale = u.grad_scale;
  s.step = u.step;
  s.ema_decay = u.ema_decay;
  kernels::adam(u.parameter, u.grad, u.slots[0], u.slots[1], u.average, s, options_.amsgrad ? u.slots[2] : Tensor());
}

}  // namespace ditharos::optim
