#include <ditharos/optim/adagrad.h>

#include <cmath>

#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

std::vector<Optimizer::Group> Adagrad::adagrad_groups(const ParameterGroups& parameters,
                                                      const AdagradOptions& options) {
  for (const auto& [name, value] :
       {std::pair("lr_decay", options.lr_decay), std::pair("weight_decay", options.weight_decay),
        std::pair("initial_accumulator_value", options.initial_accumulator_value), std::pair("eps", options.eps)})
    check<ConfigError>(std::isfinite(value) && value >= 0, "[adagrad] ", name, " must be a number >= 0, got ", value);
  return with_slots(parameters, {"sum"}, {.eps = true});
}

Adagrad::Adagrad(const ParameterGroups& parameters, const AdagradOptions& options)
    : Optimizer(adagrad_groups(parameters, options)), options_(options) {
  if (options.initial_accumulator_value > 0) fill_slots(0, options.initial_accumulator_value);
}

void Adagrad::update(const Update& u) {
  kernels::AdagradStep s{};
  s.lr = u.lr / (1 + double(u.step - 1) * options_.lr_decay);
  s.eps = groups()[u.group].eps.value_or(options_.eps);
  s.weight_decay = groups()[u.group].weight_decay.value_or(options_.weight_decay);
  s.grad_scale = u.grad_scale;
  s.ema_decay = u.ema_decay;
  kernels::adagrad(u.parameter, u.grad, u.slots[0], u.average, s);
}

}  // namespace ditharos::optim
