#include <ditharos/autograd/function.h>

#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>

namespace ditharos {
namespace {

/// J t from J^T w, which is linear in w: the gradient of <J^T w, t> with respect to w, at any w.
Tensor tangent_by_backward(const Function& f, const Function::Tensors& inputs, const Tangents& d) {
  const bool recorded = grad_enabled();
  const RecordingScope recording(true);
  const Tensor w = zeros_like(d.output()).set_requires_grad();
  const Function::Tensors grads = f.backward(inputs, d.output(), w);
  Function::Tensors rows, tangents;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined() || !d[i].defined()) continue;
    check<AutogradError>(needs_grad(grads[i]), "[", f.name,
                         "] has no tangent function, and its backward function is "
                         "not made of the library's operations on `grad`, so it cannot be differentiated instead");
    rows.push_back(grads[i]);
    tangents.push_back(expand(d[i], grads[i].shape()));  // the engine sums the gradients of inputs that were broadcast
  }
  return rows.empty() ? Tensor{} : grad(rows, {w}, tangents, {.create_graph = recorded})[0];
}

}  // namespace

Tensor Function::operator()(const Tensors& inputs) const {
  const auto unrecorded = [&] {
    const NoGrad guard;
    return forward(inputs);
  };
  return record(
      name, unrecorded(), inputs, save_inputs | save_output,
      [rule = backward](const Backward& d) {
        Tensors saved;
        for (size_t i = 0; i < d.input_count(); ++i) saved.push_back(d.input(i));
        Tensors grads = rule(saved, d.output(), d.grad());
        for (size_t i = 0; i < grads.size(); ++i)
          if (!d.needs(i)) grads[i] = {};
        return grads;
      },
      [&](const Tangents& d) {
        if (!tangent) return tangent_by_backward(*this, inputs, d);
        Tensors tangents;
        for (size_t i = 0; i < inputs.size(); ++i) tangents.push_back(d[i]);
        return tangent(inputs, d.output(), tangents);
      });
}

}  // namespace ditharos
