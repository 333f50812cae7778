// Sliding windows as matrix rows. unfold and fold are each other's adjoint.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/index/unfold.h>

namespace ditharos {

Tensor unfold(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  return record("unfold", kernels::unfold(x, {kernel, stride, padding}), {x}, save_nothing,
                each([=](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  return fold(d.grad(), in[1], in[2], in[3], kernel, stride, padding);
                }),
                [&](const Tangents& d) { return unfold(d[0], kernel, stride, padding); });
}

Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, int64_t kernel, int64_t stride,
            int64_t padding) {
  return record("fold", kernels::fold(columns, channels, height, width, {kernel, stride, padding}), {columns},
                save_nothing, each([=](const Backward& d) { return unfold(d.grad(), kernel, stride, padding); }),
                [&](const Tangents& d) { return fold(d[0], channels, height, width, kernel, stride, padding); });
}

}  // namespace ditharos
