// Sliding windows. unfold and fold are each other's adjoint; a convolution is a matrix product with unfolded windows.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/unfold.h>

namespace ditharos {

Tensor unfold(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  return record("unfold", kernels::unfold(x, {kernel, stride, padding}), {x}, save_nothing,
                each([=](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  return fold(d.grad(), in[1], in[2], in[3], kernel, stride, padding);
                }));
}

Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, int64_t kernel, int64_t stride,
            int64_t padding) {
  return record("fold", kernels::fold(columns, channels, height, width, {kernel, stride, padding}), {columns},
                save_nothing, each([=](const Backward& d) { return unfold(d.grad(), kernel, stride, padding); }));
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride, int64_t padding) {
  check<ShapeError>(
      x.rank() == 4 && weight.rank() == 4 && weight.size(1) == x.size(1) && weight.size(2) == weight.size(3),
      "[conv2d] needs x [B, C, H, W] and weight [O, C, k, k], got ", x.shape(), " and ", weight.shape());
  const kernels::Window window{weight.size(2), stride, padding};
  const Tensor columns = unfold(x, window.kernel, stride, padding);                        // [B, Ho*Wo, C*k*k]
  const Tensor y = linear(columns, reshape(weight, {weight.size(0), -1}), bias);           // [B, Ho*Wo, O]
  return reshape(transpose(y, 1, 2), {x.size(0), weight.size(0), window.out(x.size(2)), window.out(x.size(3))});
}

}  // namespace ditharos
