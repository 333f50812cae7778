#include <ditharos/optim/rmsprop.h>

#include <cmath>

#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

std::vector<Optimizer::Group> RMSprop::rmsprop_groups(const ParameterGroups& parameters,
                                                      const RMSpropOptions& options) {
  check<ConfigError>(options.alpha >= 0 && options.alpha < 1, "[rmsprop] alpha must be at least 0 and below 1, got ",
                     options.alpha);
  for (const auto& [name, value] : {std::pair("eps", options.eps), std::pair("weight_decay", options.weight_decay),
                                    std::pair("momentum", options.momentum)})
    check<ConfigError>(std::isfinite(value) && value >= 0, "[rmsprop] ", name, " must be a number >= 0, got ", value);
  std::vector<std::string> slots{"square_avg"};
  const bool has_momentum = any_momentum(parameters, options.momentum);
  if (has_momentum) slots.emplace_back("momentum_buffer");
  if (options.centered) slots.emplace_back("grad_avg");
  return with_slots(parameters, slots, {.momentum = has_momentum, .eps = true});
}

RMSprop::RMSprop(const ParameterGroups& parameters, const RMSpropOptions& options)
    : Optimizer(rmsprop_groups(parameters, options)), options_(options),
      has_buffer_(any_momentum(parameters, options.momentum)) {}

void RMSprop::update(const Update& u) {
  const ParameterGroup& group = groups()[u.group];
  kernels::RmspropStep s{};
  s.lr = u.lr;
  s.alpha = options_.alpha;
  s.eps = group.eps.value_or(options_.eps);
  s.momentum = group.momentum.value_or(options_.momentum);
  s.weight_decay = group.weight_decay.value_or(options_.weight_decay);
  s.grad_scale = u.grad_scale;
  s.ema_decay = u.ema_decay;
  kernels::rmsprop(u.parameter, u.grad, u.slots[0], options_.centered ? u.slots[has_buffer_ ? 2 : 1] : Tensor(),
                   s.momentum > 0 ? u.slots[1] : Tensor(), u.average, s);
}

}  // namespace ditharos::optim
