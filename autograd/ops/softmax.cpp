// Softmax and its logarithm.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/softmax.h>

namespace ditharos {
namespace {

Tensor softmax_last(const Tensor& x) {
  // dx = y (g - sum(g y))
  return record("softmax", kernels::softmax(x), {x}, save_output, each([](const Backward& d) {
                  const Tensor y = d.output();
                  if (!grad_enabled()) return kernels::softmax_backward(d.grad(), y);
                  return y * (d.grad() - sum(d.grad() * y, {-1}, true));
                }));
}

Tensor log_softmax_last(const Tensor& x) {
  // dx = g - softmax(x) sum(g)
  return record("log_softmax", kernels::log_softmax(x), {x}, save_output, each([](const Backward& d) {
                  const Tensor y = d.output();
                  if (!grad_enabled()) return kernels::log_softmax_backward(d.grad(), y);
                  return d.grad() - exp(y) * sum(d.grad(), {-1}, true);
                }));
}

/// The kernels work on the last axis; another one changes places with it.
template <class F>
Tensor along(const char* op, const F& f, const Tensor& x, int axis) {
  axis = normalize_axis(op, axis, x.rank());
  return axis == x.rank() - 1 ? f(x) : transpose(f(transpose(x, axis, -1)), axis, -1);
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) { return along("softmax", softmax_last, x, axis); }
Tensor log_softmax(const Tensor& x, int axis) { return along("log_softmax", log_softmax_last, x, axis); }

}  // namespace ditharos
