#include <ditharos/optim/sgd.h>

#include <cmath>

#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

std::vector<Optimizer::Group> Sgd::sgd_groups(const ParameterGroups& parameters, const SgdOptions& options) {
  check<ConfigError>(std::isfinite(options.momentum) && options.momentum >= 0,
                     "[sgd] momentum must be a number >= 0, got ", options.momentum);
  check<ConfigError>(std::isfinite(options.dampening) && options.dampening >= 0,
                     "[sgd] dampening must be a number >= 0, got ", options.dampening);
  check<ConfigError>(std::isfinite(options.weight_decay) && options.weight_decay >= 0,
                     "[sgd] weight_decay must be a number >= 0, got ", options.weight_decay);
  check<ConfigError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
                     "[sgd] nesterov needs a momentum above 0 and a dampening of 0");
  const bool has_momentum = any_momentum(parameters, options.momentum);
  return with_slots(parameters, has_momentum ? std::vector<std::string>{"momentum_buffer"} : std::vector<std::string>{},
                    {.momentum = has_momentum});
}

Sgd::Sgd(const ParameterGroups& parameters, const SgdOptions& options)
    : Optimizer(sgd_groups(parameters, options)), options_(options) {}

void Sgd::update(const Update& u) {
  const ParameterGroup& group = groups()[u.group];
  kernels::SgdStep s{};
  s.lr = u.lr;
  s.momentum = group.momentum.value_or(options_.momentum);
  s.weight_decay = group.weight_decay.value_or(options_.weight_decay);
  s.nesterov = options_.nesterov && s.momentum > 0;
  s.grad_scale = u.grad_scale;
  s.first = u.step == 1;
  s.ema_decay = u.ema_decay;
  s.dampening = options_.dampening;
  kernels::sgd(u.parameter, u.grad, s.momentum > 0 ? u.slots[0] : Tensor(), u.average, s);
}

}  // namespace ditharos::optim
