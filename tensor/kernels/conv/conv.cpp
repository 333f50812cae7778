#include <ditharos/tensor/kernels/conv/conv.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <type_traits>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/conv/conv_geometry.h>
#include <ditharos/tensor/kernels/conv/conv_native.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/onednn/conv.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/product_dtype.h>
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

#ifdef DITHAROS_HAS_ONEDNN
constexpr bool with_onednn = true;
#else
constexpr bool with_onednn = false;
#endif

/// Whether oneDNN multiplies operands of In with instructions for them.
template <class In>
bool has_instructions() {
  if constexpr (std::is_same_v<In, bfloat16>) return active_isa() == Isa::avx512_bf16;
  return true;
}

/// A pass over contiguous operands a and b with elements of In: by onednn(a, b), which returns false where oneDNN has
/// no fast primitive, else by native(a, b), for which operands in bf16 are widened.
template <class In, class OneDnn, class Native>
void run(const Tensor& a, const Tensor& b, const OneDnn& onednn, const Native& native) {
  using T = ProductOf<In>;
  if constexpr (with_onednn && std::is_same_v<T, float>)
    if (has_instructions<In>() && onednn(a.data<In>(), b.data<In>())) return;
  if constexpr (std::is_same_v<In, bfloat16>) run<T>(to(a, DType::f32), to(b, DType::f32), onednn, native);
  else native(a.data<T>(), b.data<T>());
}

/// Positions of an image whose gradients are added one after the other, in `lanes` sums side by side.
constexpr int64_t positions_of_chunk = 4096, lanes = 64;

/// Rounds n numbers and returns the sum of what it rounds.
float round_and_sum(int64_t n, const float* from, bfloat16* to) {
  const auto& kernel = isa_kernels<ConvertKernels>().to_bf16_and_sum;
  std::array<float, lanes> sums, rest;
  const int64_t whole = n / lanes * lanes;
  kernel(n / lanes, lanes, from, to, sums.data());
  kernel(1, n - whole, from + whole, to + whole, rest.data());
  const double total = std::accumulate(sums.begin(), sums.end(), 0.);
  return float(std::accumulate(rest.begin(), rest.begin() + (n - whole), total));
}

}  // namespace

Tensor conv(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvWindow& window) {
  const ConvGeometry g = geometry_of(op, x.shape(), weight.shape(), window);
  check_dtype(op, "weight", weight, x.dtype());
  if (bias.defined()) {
    check<ShapeError>(bias.shape() == Shape{g.out_channels}, "[", op, "] bias must be ", Shape{g.out_channels},
                      ", got ", bias.shape());
    check_dtype(op, "bias", bias, product_dtype(x.dtype()));
  }
  return visit_product_operand(op, x.dtype(), [&](auto zero) {
    const Tensor y(output_shape(g, x.rank() - 2), product_dtype(x.dtype()));
    if (y.numel() == 0) return y;
    if (x.numel() == 0) return fill_with_bias(g, bias, y), y;
    count_flops(g.flops());
    using T = ProductOf<decltype(zero)>;
    const Tensor of_channels = bias.defined() ? contiguous(bias) : bias;
    const T* offsets = bias.defined() ? of_channels.data<T>() : nullptr;
    T* to = y.mutable_data<T>();
    run<decltype(zero)>(
        contiguous(x), contiguous(weight), [&](auto* a, auto* b) { return onednn::conv(g, a, b, offsets, to); },
        [&](auto* a, auto* b) { conv_native(g, a, b, offsets, to); });
    return y;
  });
}

Tensor conv_input_gradient(const char* op, const Tensor& grad, const Tensor& weight, const Shape& input,
                           const ConvWindow& window) {
  const ConvGeometry g = geometry_of(op, input, weight.shape(), window);
  const Shape wanted = output_shape(g, input.rank() - 2);
  check<ShapeError>(grad.shape() == wanted, "[", op, "] the gradient must be ", wanted, ", got ", grad.shape());
  check_dtype(op, "weight", weight, grad.dtype());
  return visit_product_operand(op, grad.dtype(), [&](auto zero) {
    const Tensor dx(input, product_dtype(grad.dtype()));
    if (dx.numel() == 0) return dx;
    if (grad.numel() == 0) return fill(dx, 0), dx;
    count_flops(g.flops());
    auto* to = dx.mutable_data<ProductOf<decltype(zero)>>();
    run<decltype(zero)>(
        contiguous(grad), contiguous(weight),
        [&](auto* a, auto* b) { return onednn::conv_input_gradient(g, a, b, to); },
        [&](auto* a, auto* b) { conv_input_gradient_native(g, a, b, to); });
    return dx;
  });
}

Tensor conv_weight_gradient(const char* op, const Tensor& grad, const Tensor& x, const Shape& weight,
                            const ConvWindow& window) {
  const ConvGeometry g = geometry_of(op, x.shape(), weight, window);
  const Shape wanted = output_shape(g, x.rank() - 2);
  check<ShapeError>(grad.shape() == wanted, "[", op, "] the gradient must be ", wanted, ", got ", grad.shape());
  check_dtype(op, "x", x, grad.dtype());
  return visit_product_operand(op, grad.dtype(), [&](auto zero) {
    const Tensor dweight(weight, product_dtype(grad.dtype()));
    if (grad.numel() == 0 || x.numel() == 0) return fill(dweight, 0), dweight;
    count_flops(g.flops());
    auto* to = dweight.mutable_data<ProductOf<decltype(zero)>>();
    run<decltype(zero)>(
        contiguous(grad), contiguous(x), [&](auto* a, auto* b) { return onednn::conv_weight_gradient(g, a, b, to); },
        [&](auto* a, auto* b) { conv_weight_gradient_native(g, a, b, to); });
    return dweight;
  });
}

namespace {
/// Positions of one image and channel of grad [B, O, out...].
int64_t positions_of(const Tensor& grad) {
  check<ShapeError>(grad.rank() >= 2, "[conv_backward] needs a gradient [B, O, ...], got ", grad.shape());
  return numel(Shape(grad.shape().begin() + 2, grad.shape().end()));
}
}  // namespace

Tensor conv_bias_gradient(const Tensor& grad) {
  // The sum over images and positions may have millions of terms: in blocks and pairs of blocks.
  const int64_t positions = positions_of(grad);
  return sum(views::reshape(contiguous(grad), {grad.size(0), grad.size(1), positions}), {0, 2}, false);
}

Tensor round_and_conv_bias_gradient(const Tensor& grad, Tensor* rounded) {
  check<DTypeError>(grad.dtype() == DType::f32, "[conv_backward] the gradient must be f32, got ", grad.dtype());
  const int64_t positions = positions_of(grad), chunks = (positions + positions_of_chunk - 1) / positions_of_chunk;
  const Tensor dy = contiguous(grad), sums({grad.size(0), grad.size(1), chunks}, DType::f32);
  *rounded = Tensor(dy.shape(), DType::bf16);
  const float* from = dy.data<float>();
  bfloat16* to = rounded->mutable_data<bfloat16>();
  float* sum_of_chunk = sums.mutable_data<float>();
  parallel_for(sums.numel(), 1 + 16384 / std::min(positions + 1, positions_of_chunk), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t in_image = i % chunks * positions_of_chunk, at = i / chunks * positions + in_image;
      sum_of_chunk[i] = round_and_sum(std::min(positions_of_chunk, positions - in_image), from + at, to + at);
    }
  });
  return sum(sums, {0, 2}, false);
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
    check<ShapeError>(output_padding[i] >= 0 && output_padding[i] < std::max(w.stride[i], w.dilation[i]), "[", op,
                      "] needs 0 <= output_padding < stride or dilation, got ", output_padding, ", ", w.stride, " and ",
                      w.dilation);
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
