#include <ditharos/tensor/kernels/conv/conv.h>

#include <algorithm>
#include <string>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/conv/conv_geometry.h>
#include <ditharos/tensor/kernels/conv/conv_native.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/onednn/conv.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

const char* image_axes(int axes) { return axes == 1 ? "L" : axes == 2 ? "H, W" : "D, H, W"; }
const char* kernel_axes(int axes) { return axes == 1 ? "k" : axes == 2 ? "kH, kW" : "kD, kH, kW"; }

Shape spatial(const Shape& s) { return {s.begin() + 2, s.end()}; }

void check_settings(const char* op, const ConvWindow& w) {
  bool ok = w.groups >= 1;
  for (int i = 0; i < w.stride.rank(); ++i) ok = ok && w.stride[i] >= 1 && w.padding[i] >= 0 && w.dilation[i] >= 1;
  check<ShapeError>(ok, "[", op, "] needs stride >= 1, padding >= 0, dilation >= 1 and groups >= 1, got ", w.stride,
                    ", ", w.padding, ", ", w.dilation, " and ", w.groups);
}

void copy_axes(const Shape& from, int skip, Sizes3& to) {
  const int axes = from.rank() - skip;
  for (int i = 0; i < axes; ++i) to[size_t(3 - axes + i)] = from[skip + i];
}

ConvGeometry geometry_of(const char* op, const Shape& x, const Shape& weight, const ConvWindow& w) {
  const int axes = w.stride.rank();
  check<ShapeError>(x.rank() == axes + 2 && weight.rank() == axes + 2, "[", op, "] needs x [B, C, ", image_axes(axes),
                    "] and weight [O, C/groups, ", kernel_axes(axes), "], got ", x, " and ", weight);
  check_settings(op, w);
  const int64_t channels = checked_product(op, {weight[1], w.groups});
  check<ShapeError>(x[1] == channels, "[", op, "] x ", x, " has ", x[1], " channels; weight ", weight, " takes ",
                    channels, ", ", weight[1], " for each group");
  check<ShapeError>(weight[0] % w.groups == 0, "[", op, "] ", weight[0], " output channels do not divide into ",
                    w.groups, " groups");
  ConvGeometry g;
  g.batch = x[0], g.in_channels = x[1], g.out_channels = weight[0], g.groups = w.groups;
  copy_axes(x, 2, g.in);
  copy_axes(weight, 2, g.kernel);
  copy_axes(w.stride, 0, g.stride);
  copy_axes(w.padding, 0, g.padding);
  copy_axes(w.dilation, 0, g.dilation);
  for (size_t i = 0; i < 3; ++i) {
    const int64_t padded = checked_sum(op, {g.in[i], g.padding[i], g.padding[i]});
    const int64_t room = padded - 1 - checked_product(op, {g.dilation[i], std::max<int64_t>(g.kernel[i], 1) - 1});
    check<ShapeError>(g.kernel[i] >= 1 && room >= 0, "[", op, "] a kernel of ", spatial(weight), " with dilation ",
                      w.dilation, " does not fit an image of ", spatial(x), " with padding ", w.padding);
    g.out[i] = room / g.stride[i] + 1;
  }
  return g;
}

/// [B, O, out...] with as many spatial axes as the caller has.
Shape output_shape(const ConvGeometry& g, int axes) {
  Shape s{g.batch, g.out_channels};
  for (int i = 3 - axes; i < 3; ++i) s.push_back(g.out[size_t(i)]);
  return s;
}

void check_dtype(const char* op, const char* name, const Tensor& t, DType dtype) {
  check<DTypeError>(t.dtype() == dtype, "[", op, "] ", name, " is ", t.dtype(), ", where ", dtype, " is wanted");
}

/// Every output is an empty sum.
void fill_with_bias(const ConvGeometry& g, const Tensor& bias, const Tensor& y) {
  fill(y, 0);
  if (!bias.defined()) return;
  visit_floating("conv", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor values = contiguous(bias);
    const T* from = values.data<T>();
    T* to = y.mutable_data<T>();
    const int64_t positions = product(g.out);
    for (int64_t i = 0; i < y.numel(); ++i) to[i] = from[i / positions % g.out_channels];
  });
}

// The overloads choose the implementation.
void run(const ConvGeometry& g, const float* x, const float* weight, const float* bias, float* y) {
#ifdef DITHAROS_HAS_ONEDNN
  if (onednn::conv(g, x, weight, bias, y)) return;
#endif
  conv_native(g, x, weight, bias, y);
}
void run(const ConvGeometry& g, const double* x, const double* weight, const double* bias, double* y) {
  conv_native(g, x, weight, bias, y);
}
void run_input_gradient(const ConvGeometry& g, const float* grad, const float* weight, float* dx) {
#ifdef DITHAROS_HAS_ONEDNN
  if (onednn::conv_input_gradient(g, grad, weight, dx)) return;
#endif
  conv_input_gradient_native(g, grad, weight, dx);
}
void run_input_gradient(const ConvGeometry& g, const double* grad, const double* weight, double* dx) {
  conv_input_gradient_native(g, grad, weight, dx);
}
void run_weight_gradient(const ConvGeometry& g, const float* grad, const float* x, float* dweight) {
#ifdef DITHAROS_HAS_ONEDNN
  if (onednn::conv_weight_gradient(g, grad, x, dweight)) return;
#endif
  conv_weight_gradient_native(g, grad, x, dweight);
}
void run_weight_gradient(const ConvGeometry& g, const double* grad, const double* x, double* dweight) {
  conv_weight_gradient_native(g, grad, x, dweight);
}

}  // namespace

Tensor conv(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvWindow& window) {
  const ConvGeometry g = geometry_of(op, x.shape(), weight.shape(), window);
  check_dtype(op, "weight", weight, x.dtype());
  if (bias.defined()) {
    check<ShapeError>(bias.shape() == Shape{g.out_channels}, "[", op, "] bias must be ", Shape{g.out_channels},
                      ", got ", bias.shape());
    check_dtype(op, "bias", bias, x.dtype());
  }
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor y(output_shape(g, x.rank() - 2), x.dtype());
    if (y.numel() == 0) return y;
    if (x.numel() == 0) return fill_with_bias(g, bias, y), y;
    count_flops(g.flops());
    const Tensor in = contiguous(x), w = contiguous(weight), b = bias.defined() ? contiguous(bias) : bias;
    run(g, in.data<T>(), w.data<T>(), b.defined() ? b.data<T>() : nullptr, y.mutable_data<T>());
    return y;
  });
}

Tensor conv_input_gradient(const char* op, const Tensor& grad, const Tensor& weight, const Shape& input,
                           const ConvWindow& window) {
  const ConvGeometry g = geometry_of(op, input, weight.shape(), window);
  const Shape wanted = output_shape(g, input.rank() - 2);
  check<ShapeError>(grad.shape() == wanted, "[", op, "] the gradient must be ", wanted, ", got ", grad.shape());
  check_dtype(op, "weight", weight, grad.dtype());
  return visit_floating(op, grad.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor dx(input, grad.dtype());
    if (dx.numel() == 0) return dx;
    if (grad.numel() == 0) return fill(dx, 0), dx;
    count_flops(g.flops());
    const Tensor dy = contiguous(grad), w = contiguous(weight);
    run_input_gradient(g, dy.data<T>(), w.data<T>(), dx.mutable_data<T>());
    return dx;
  });
}

Tensor conv_weight_gradient(const char* op, const Tensor& grad, const Tensor& x, const Shape& weight,
                            const ConvWindow& window, Tensor* bias) {
  const ConvGeometry g = geometry_of(op, x.shape(), weight, window);
  const Shape wanted = output_shape(g, x.rank() - 2);
  check<ShapeError>(grad.shape() == wanted, "[", op, "] the gradient must be ", wanted, ", got ", grad.shape());
  check_dtype(op, "x", x, grad.dtype());
  const Tensor dy = contiguous(grad), dweight(weight, grad.dtype());
  // The sum over images and positions may have millions of terms: in blocks and pairs of blocks.
  if (bias) *bias = sum(views::reshape(dy, {g.batch, g.out_channels, product(g.out)}), {0, 2}, false);
  return visit_floating(op, grad.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (grad.numel() == 0 || x.numel() == 0) return fill(dweight, 0), dweight;
    count_flops(g.flops());
    const Tensor in = contiguous(x);
    run_weight_gradient(g, dy.data<T>(), in.data<T>(), dweight.mutable_data<T>());
    return dweight;
  });
}

Shape conv_transpose_shape(const char* op, const Shape& x, const Shape& weight, const ConvWindow& w,
                           const Shape& output_padding) {
  const int axes = w.stride.rank();
  check<ShapeError>(x.rank() == axes + 2 && weight.rank() == axes + 2, "[", op, "] needs x [B, C, ", image_axes(axes),
                    "] and weight [C, O/groups, ", kernel_axes(axes), "], got ", x, " and ", weight);
  check_settings(op, w);
  check<ShapeError>(x[1] == weight[0], "[", op, "] x ", x, " has ", x[1], " channels; weight ", weight, " takes ",
                    weight[0]);
  check<ShapeError>(x[1] % w.groups == 0, "[", op, "] ", x[1], " channels do not divide into ", w.groups, " groups");
  Shape out{x[0], checked_product(op, {weight[1], w.groups})};
  for (int i = 0; i < axes; ++i) {
    check<ShapeError>(output_padding[i] >= 0 && output_padding[i] < w.stride[i], "[", op,
                      "] needs 0 <= output_padding < stride, got ", output_padding, " and ", w.stride);
    const int64_t spread = checked_product(op, {x[2 + i] - 1, w.stride[i]});
    const int64_t reach = checked_product(op, {w.dilation[i], weight[2 + i] - 1});
    const int64_t whole = checked_sum(op, {spread, reach, output_padding[i], 1});
    const int64_t size = whole - checked_sum(op, {w.padding[i], w.padding[i]});
    check<ShapeError>(weight[2 + i] >= 1 && x[2 + i] >= 1 && size >= 1, "[", op, "] an image of ", spatial(x),
                      " with a kernel of ", spatial(weight), " and padding ", w.padding, " leaves nothing");
    out.push_back(size);
  }
  return out;
}

}  // namespace ditharos::kernels
