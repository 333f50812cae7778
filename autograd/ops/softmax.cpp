// Softmax and its logarithm.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {
namespace {

Tensor softmax_last(const Tensor& x) {
  // dx = y (g - sum(g y)), with both g relative to that of the largest y: near y = 1 the difference would be lost
  return record("softmax", kernels::softmax(x), {x}, save_output,
                fused(each([](const Backward& d) { return kernels::softmax_backward(d.grad(), d.output()); }),
                      each([](const Backward& d) {
                        const Tensor y = d.output();
                        if (y.numel() == 0) return d.grad();
                        const Tensor g = d.grad() - gather(d.grad(), -1, kernels::argmax(y, -1, true));
                        return y * (g - sum(g * y, {-1}, true));
                      })),
                symmetric_jacobian);
}

Tensor log_softmax_last(const Tensor& x) {
  // dx = g - p sum(g) with p = softmax(x) = e^y; at the largest, where p may round to 1, the same as
  // -(sum of the other g) - (p - 1) sum(g).
  return record("log_softmax", kernels::log_softmax(x), {x}, save_output,
                fused(each([](const Backward& d) { return kernels::log_softmax_backward(d.grad(), d.output()); }),
                      each([](const Backward& d) {
                        const Tensor y = d.output();
                        const Tensor& g = d.grad();
                        if (y.numel() == 0) return g;
                        const Tensor total = sum(g, {-1}, true);
                        const Tensor largest = equal(arange(y.size(-1), DType::i64), kernels::argmax(y, -1, true));
                        const Tensor others = sum(where(largest, scalar(0, g.dtype()), g), {-1}, true);
                        return where(largest, -others - expm1(y) * total, g - exp(y) * total);
                      })),
                // dy = dx - sum(p dx), relative to the dx of the largest
                [](const Tangents& d) {
                  const Tensor& y = d.output();
                  if (y.numel() == 0) return d[0];
                  const Tensor dx = d[0] - gather(d[0], -1, kernels::argmax(y, -1, true));
                  return dx - sum(exp(y) * dx, {-1}, true);
                });
}

/// The kernels work on the last axis; another axis is swapped with it.
template <class F>
Tensor along(const char* op, const F& f, const Tensor& x, int axis) {
  axis = normalize_axis(op, axis, x.rank());
  return axis == x.rank() - 1 ? f(x) : transpose(f(transpose(x, axis, -1)), axis, -1);
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) { return along("softmax", softmax_last, x, axis); }
Tensor log_softmax(const Tensor& x, int axis) { return along("log_softmax", log_softmax_last, x, axis); }

}  // namespace ditharos
