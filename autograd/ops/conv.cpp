// Convolutions of one, two and three spatial axes, and their transposes.
//
// One trilinear form stands behind all of them: <g, conv(x, w)>. Its three derivatives are conv(x, w), the input
// gradient (g, w), which is what is called a transposed convolution, and the weight gradient (g, x). The derivative of
// any of the three by one of its operands is another of the three, so they are complete to every order.
#include <algorithm>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/detail/spatial.h>
#include <ditharos/tensor/kernels/conv/conv.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {

using kernels::ConvWindow;

Tensor input_gradient(const char* op, const Tensor& grad, const Tensor& weight, const Shape& input,
                      const ConvWindow& w);
Tensor weight_gradient(const Tensor& grad, const Tensor& x, const Shape& weight, const ConvWindow& w);

/// Sum over images and positions of grad [B, O, ...].
Tensor bias_gradient(const Tensor& grad) {
  Axes axes{0};
  for (int i = 2; i < grad.rank(); ++i) axes.push_back(i);
  return sum(grad, axes);
}

/// The bias [O] as [O, 1, ...], which broadcasts over images of so many axes.
Tensor per_channel(const Tensor& bias, int axes) {
  Shape shape = Shape::filled(axes + 1, 1);
  shape[0] = bias.size(0);
  return reshape(bias, shape);
}

Tensor convolve(const char* op, const Tensor& input, const Tensor& filter, const Tensor& bias, const ConvWindow& w) {
  Tensor x = input, weight = filter;
  round_operands(x, weight);
  const auto separate =
      each([w](const Backward& d) { return input_gradient("conv", d.grad(), d.input(1), d.input_shape(0), w); },
           [w](const Backward& d) { return weight_gradient(d.grad(), d.input(0), d.input_shape(1), w); },
           [](const Backward& d) { return bias_gradient(d.grad()); });
  // The gradient of the output is rounded once for both products, in the pass that sums it for the bias.
  const auto kernel = [w, dtype = x.dtype()](const Backward& d) -> Grads {
    Grads grads(3);
    const Tensor dy =
        gradient_as_read(d, dtype, kernels::conv_bias_gradient, kernels::round_and_conv_bias_gradient, &grads[2]);
    if (d.needs(0)) grads[0] = kernels::conv_input_gradient("conv", dy, d.input(1), d.input_shape(0), w);
    if (d.needs(1)) grads[1] = kernels::conv_weight_gradient("conv", dy, d.input(0), d.input_shape(1), w);
    return grads;
  };
  return record("conv", kernels::conv(op, x, weight, bias, w), {x, weight, bias}, save_factors(x, weight),
                fused(kernel, separate),
                each_tangent([&](const Tensor& dx) { return convolve(op, dx, weight, {}, w); },
                             [&](const Tensor& dw) { return convolve(op, x, dw, {}, w); },
                             [&](const Tensor& db) { return per_channel(db, w.stride.rank()); }));
}

Tensor input_gradient(const char* op, const Tensor& dy, const Tensor& filter, const Shape& input, const ConvWindow& w) {
  Tensor grad = dy, weight = filter;
  round_operands(grad, weight);
  return record("conv_transpose", kernels::conv_input_gradient(op, grad, weight, input, w), {grad, weight},
                save_factors(grad, weight),
                each([w](const Backward& d) { return convolve("conv_transpose", d.grad(), d.input(1), {}, w); },
                     [w](const Backward& d) { return weight_gradient(d.input(0), d.grad(), d.input_shape(1), w); }),
                each_tangent([&](const Tensor& dg) { return input_gradient(op, dg, weight, input, w); },
                             [&](const Tensor& dw) { return input_gradient(op, grad, dw, input, w); }));
}

Tensor weight_gradient(const Tensor& dy, const Tensor& input, const Shape& weight, const ConvWindow& w) {
  constexpr const char* op = "conv_weight_gradient";
  Tensor grad = dy, x = input;
  round_operands(grad, x);
  return record(op, kernels::conv_weight_gradient(op, grad, x, weight, w), {grad, x}, save_factors(grad, x),
                each([w](const Backward& d) { return convolve(op, d.input(1), d.grad(), {}, w); },
                     [w](const Backward& d) { return input_gradient(op, d.input(0), d.grad(), d.input_shape(1), w); }),
                each_tangent([&](const Tensor& dg) { return weight_gradient(dg, x, weight, w); },
                             [&](const Tensor& dx) { return weight_gradient(grad, dx, weight, w); }));
}

ConvWindow window(const char* op, int axes, const PerAxis& stride, const PerAxis& padding, const PerAxis& dilation,
                  int64_t groups) {
  return {stride.resolve(op, "stride", axes), padding.resolve(op, "padding", axes),
          dilation.resolve(op, "dilation", axes), groups};
}

/// A convolution of so many spatial axes; padding "same" that is odd puts the one more at the end of the input itself.
Tensor padded_conv(const char* op, int axes, const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const PerAxis& stride, const ConvPadding& padding, const PerAxis& dilation, int64_t groups) {
  if (x.rank() == axes + 1)
    return squeeze(padded_conv(op, axes, unsqueeze(x, 0), weight, bias, stride, padding, dilation, groups), 0);
  if (!padding.same()) return convolve(op, x, weight, bias, window(op, axes, stride, padding, dilation, groups));
  ConvWindow w = window(op, axes, stride, 0, dilation, groups);
  check<ShapeError>(w.stride == Shape::filled(axes, 1), "[", op, "] padding \"same\" needs a stride of 1, got ",
                    w.stride);
  check<ShapeError>(weight.rank() == axes + 2 && x.rank() == axes + 2, "[", op, "] needs ", spatial_layout(axes),
                    " and a weight of as many axes, got ", x.shape(), " and ", weight.shape());
  const Shape zeros = padding.total(op, spatial_sizes(weight.shape(), axes), w.dilation);
  std::vector<int64_t> more;
  for (int i = axes - 1; i >= 0; --i) more.push_back(0), more.push_back(zeros[i] % 2);
  for (int i = 0; i < axes; ++i) w.padding[i] = zeros[i] / 2;
  const bool even = std::all_of(more.begin(), more.end(), [](int64_t n) { return n == 0; });
  return convolve(op, even ? x : pad(x, more), weight, bias, w);
}

/// The transposed convolution without its bias. An output_padding of a stride or more, which a larger dilation allows,
/// reaches beyond what a convolution reads; then the whole result is computed, and padding is cut off behind.
Tensor enlarged(const char* op, const Tensor& x, const Tensor& weight, const Shape& out, const Shape& out_padding,
                const ConvWindow& w) {
  const int axes = w.stride.rank();
  bool reached = true;
  for (int i = 0; i < axes; ++i) reached = reached && out_padding[i] < w.stride[i];
  if (reached) return input_gradient(op, x, weight, out, w);
  const Shape none = Shape::filled(axes, 0);
  const ConvWindow whole{w.stride, none, w.dilation, w.groups};
  const Shape size = kernels::conv_transpose_shape(op, x.shape(), weight.shape(), whole, none);
  std::vector<int64_t> sides;
  for (int i = axes - 1; i >= 0; --i) sides.push_back(-w.padding[i]), sides.push_back(out_padding[i] - w.padding[i]);
  return pad(input_gradient(op, x, weight, size, whole), sides);
}

Tensor transposed(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& out_padding,
                  const ConvWindow& w) {
  const int axes = w.stride.rank();
  if (x.rank() == axes + 1) return squeeze(transposed(op, unsqueeze(x, 0), weight, bias, out_padding, w), 0);
  const Shape more = out_padding.resolve(op, "output_padding", axes);
  const Shape out = kernels::conv_transpose_shape(op, x.shape(), weight.shape(), w, more);
  if (bias.defined()) {
    check<ShapeError>(bias.shape() == Shape{out[1]}, "[", op, "] bias must be ", Shape{out[1]}, ", got ", bias.shape());
    check<DTypeError>(bias.dtype() == product_dtype(x.dtype()), "[", op, "] bias is ", bias.dtype(), ", where ",
                      product_dtype(x.dtype()), " is wanted");
  }
  const Tensor y = enlarged(op, x, weight, out, more, w);
  if (!bias.defined()) return y;
  return y + per_channel(bias, axes);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
              const ConvPadding& padding, const PerAxis& dilation, int64_t groups) {
  return padded_conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
              const ConvPadding& padding, const PerAxis& dilation, int64_t groups) {
  return padded_conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups);
}

Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
              const ConvPadding& padding, const PerAxis& dilation, int64_t groups) {
  return padded_conv("conv3d", 3, x, weight, bias, stride, padding, dilation, groups);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
                        const PerAxis& padding, const PerAxis& output_padding, int64_t groups,
                        const PerAxis& dilation) {
  constexpr const char* op = "conv_transpose1d";
  return transposed(op, x, weight, bias, output_padding, window(op, 1, stride, padding, dilation, groups));
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
                        const PerAxis& padding, const PerAxis& output_padding, int64_t groups,
                        const PerAxis& dilation) {
  constexpr const char* op = "conv_transpose2d";
  return transposed(op, x, weight, bias, output_padding, window(op, 2, stride, padding, dilation, groups));
}

Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const PerAxis& stride,
                        const PerAxis& padding, const PerAxis& output_padding, int64_t groups,
                        const PerAxis& dilation) {
  constexpr const char* op = "conv_transpose3d";
  return transposed(op, x, weight, bias, output_padding, window(op, 3, stride, padding, dilation, groups));
}

}  // namespace ditharos
