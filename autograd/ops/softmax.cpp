// Softmax and its logarithm.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {
namespace {

/// 0, 1, ... along the axis, with axes of one element beside it.
Tensor places_along(const Tensor& y, int axis) {
  Shape shape = Shape::filled(y.rank(), 1);
  shape[axis] = y.size(axis);
  return reshape(arange(y.size(axis), DType::i64), shape);
}

Tensor softmax_along(const Tensor& x, int axis) {
  // dx = y (g - sum(g y)), with both g relative to that of the largest y: near y = 1 the difference would be lost
  return record("softmax", kernels::softmax(x, axis), {x}, save_output,
                fused(each([axis](const Backward& d) { return kernels::softmax_backward(d.grad(), d.output(), axis); }),
                      each([axis](const Backward& d) {
                        const Tensor y = d.output();
                        if (y.numel() == 0) return d.grad();
                        const Tensor g = d.grad() - gather(d.grad(), axis, kernels::argmax(y, axis, true));
                        return y * (g - sum(g * y, {axis}, true));
                      })),
                symmetric_jacobian);
}

Tensor log_softmax_along(const Tensor& x, int axis) {
  // dx = g - p sum(g) with p = softmax(x) = e^y; at the largest, where p may round to 1, the same as
  // -(sum of the other g) - (p - 1) sum(g).
  return record(
      "log_softmax", kernels::log_softmax(x, axis), {x}, save_output,
      fused(each([axis](const Backward& d) { return kernels::log_softmax_backward(d.grad(), d.output(), axis); }),
            each([axis](const Backward& d) {
              const Tensor y = d.output();
              if (y.numel() == 0) return d.grad();
              const Tensor g = d.grad(), total = sum(g, {axis}, true);
              const Tensor largest = equal(places_along(y, axis), kernels::argmax(y, axis, true));
              const Tensor others = sum(where(largest, scalar(0, g.dtype()), g), {axis}, true);
              return where(largest, -others - expm1(y) * total, g - exp(y) * total);
            })),
      // dy = dx - sum(p dx), relative to the dx of the largest
      [axis](const Tangents& d) {
        const Tensor& y = d.output();
        if (y.numel() == 0) return d[0];
        const Tensor dx = d[0] - gather(d[0], axis, kernels::argmax(y, axis, true));
        return dx - sum(exp(y) * dx, {axis}, true);
      });
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) { return softmax_along(x, normalize_axis("softmax", axis, x.rank())); }
Tensor log_softmax(const Tensor& x, int axis) {
  return log_softmax_along(x, normalize_axis("log_softmax", axis, x.rank()));
}

}  // namespace ditharos
