// Sliding windows as matrix rows. unfold and fold are each other's adjoint.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/index/unfold.h>

namespace ditharos {
namespace {

using kernels::Window;

Window window_of(const char* op, const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding,
                 const PerAxis& dilation) {
  return {kernel.resolve(op, "kernel", 2), stride.resolve(op, "stride", 2), padding.resolve(op, "padding", 2),
          dilation.resolve(op, "dilation", 2)};
}

Tensor fold_windows(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& w);

Tensor unfold_windows(const Tensor& x, const Window& w) {
  return record("unfold", kernels::unfold(x, w), {x}, save_nothing, each([=](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  return fold_windows(d.grad(), in[1], in[2], in[3], w);
                }),
                [&](const Tangents& d) { return unfold_windows(d[0], w); });
}

Tensor fold_windows(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& w) {
  return record("fold", kernels::fold(columns, channels, height, width, w), {columns}, save_nothing,
                each([=](const Backward& d) { return unfold_windows(d.grad(), w); }),
                [&](const Tangents& d) { return fold_windows(d[0], channels, height, width, w); });
}

}  // namespace

Tensor unfold(const Tensor& x, const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding,
              const PerAxis& dilation) {
  return unfold_windows(x, window_of("unfold", kernel, stride, padding, dilation));
}

Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const PerAxis& kernel,
            const PerAxis& stride, const PerAxis& padding, const PerAxis& dilation) {
  return fold_windows(columns, channels, height, width, window_of("fold", kernel, stride, padding, dilation));
}

}  // namespace ditharos
