#include <ditharos/autograd/function.h>

#include <ditharos/autograd/grad_mode.h>

namespace ditharos {

Tensor Function::operator()(const Tensors& inputs) const {
  const auto unrecorded = [&] {
    NoGrad guard;
    return forward(inputs);
  };
  return record(name, unrecorded(), inputs, save_inputs | save_output, [rule = backward](const Backward& d) {
    Tensors saved;
    for (size_t i = 0; i < d.input_count(); ++i) saved.push_back(d.input(i));
    Tensors grads = rule(saved, d.output(), d.grad());
    for (size_t i = 0; i < grads.size(); ++i)
      if (!d.needs(i)) grads[i] = {};
    return grads;
  });
}

}  // namespace ditharos
