#pragma once
// The differentiable operations: the public list. Definitions stand in ops/, forward beside backward.
//
// Elementwise operations broadcast as NumPy does. All take f32 and f64 unless said otherwise; two operands have one
// dtype. Axes may be negative. ShapeError and DTypeError name the operation and what it got.
#include <optional>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/per_axis.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

// --- arithmetic (ops/pointwise.cpp) ---
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& a, double b);
Tensor operator-(const Tensor& a, double b);
Tensor operator*(const Tensor& a, double b);
Tensor operator/(const Tensor& a, double b);
Tensor operator+(double a, const Tensor& b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(double a, const Tensor& b);
Tensor operator-(const Tensor& x);
Tensor pow(const Tensor& x, double exponent);
Tensor maximum(const Tensor& a, const Tensor& b);  ///< at ties each side gets half of the gradient
Tensor minimum(const Tensor& a, const Tensor& b);

// --- functions of one variable (ops/pointwise.cpp, ops/activation.cpp) ---
Tensor abs(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor clamp(const Tensor& x, double low, double high);  ///< gradient 1 inside and at the bounds, 0 outside
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor softplus(const Tensor& x);
Tensor silu(const Tensor& x);       ///< x sigmoid(x)
Tensor gelu(const Tensor& x);       ///< x Phi(x), exact (Hendrycks and Gimpel 2016)
Tensor gelu_tanh(const Tensor& x);  ///< its tanh approximation, which DiT uses

// --- selection; comparisons give booleans and no gradient ---
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

// --- reductions (ops/reduce.cpp); `axes` empty: all ---
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keepdim = false);  ///< biased (divides by n)
Tensor amax(const Tensor& x, int axis, bool keepdim = false);  ///< ties share the gradient equally
Tensor logsumexp(const Tensor& x, int axis, bool keepdim = false);
Tensor argmax(const Tensor& x, int axis, bool keepdim = false);  ///< i64, no gradient
Tensor sum_to(const Tensor& x, const Shape& shape);              ///< the inverse of broadcasting

// --- shape (ops/shape.cpp); views share elements, and none copies where the strides allow ---
Tensor reshape(const Tensor& x, const Shape& shape);  ///< one size may be -1
Tensor permute(const Tensor& x, const Axes& order);
Tensor transpose(const Tensor& x, int axis0, int axis1);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step = 1);
Tensor select(const Tensor& x, int axis, int64_t index);
Tensor unsqueeze(const Tensor& x, int axis);
Tensor squeeze(const Tensor& x, int axis);
std::vector<Tensor> chunk(const Tensor& x, int64_t parts, int axis);  ///< equal parts; the size must divide
Tensor cat(const std::vector<Tensor>& parts, int axis);
Tensor stack(const std::vector<Tensor>& parts, int axis);
Tensor contiguous(const Tensor& x);
Tensor to(const Tensor& x, DType dtype);

// --- indices (ops/index.cpp) ---
Tensor index_select(const Tensor& table, const Tensor& indices);  ///< rows of table [N, D...]; indices i64, any shape
Tensor index_add(const Tensor& values, const Tensor& indices, int64_t rows);  ///< its adjoint
Tensor gather(const Tensor& x, int axis, const Tensor& index);
Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, const Shape& shape);

// --- products (ops/matmul.cpp) ---
Tensor matmul(const Tensor& a, const Tensor& b);  ///< any rank, leading axes broadcast
/// x W^T + bias; x [..., in], weight [out, in], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// gelu_tanh(linear(x, weight, bias)) in one pass, with a backward pass that works in place.
Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// --- sliding windows (ops/unfold.cpp) ---
/// [B, C, H, W] -> [B, Ho*Wo, C*kernel*kernel]: each window a row.
Tensor unfold(const Tensor& x, int64_t kernel, int64_t stride, int64_t padding);
/// Its adjoint: adds each row back to its window.
Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, int64_t kernel, int64_t stride,
            int64_t padding);

// --- convolutions (ops/conv.cpp); x [B, C, L], [B, C, H, W] or [B, C, D, H, W] ---
// weight [O, C/groups, k...], bias [O] or undefined; a side of the result is
// (in + 2 padding - dilation (k - 1) - 1) / stride + 1. PerAxis: one number, or one for each spatial axis.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const PerAxis& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const PerAxis& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const PerAxis& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
// Their adjoints, which make pictures larger: weight [C, O/groups, k...], bias [O] or undefined; a side of the result
// is (in - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding, with output_padding < stride.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);

// --- normalisation of pictures (ops/group_norm.cpp); x [B, C, ...], weight and bias [C] or undefined ---
/// (x - mean) / sqrt(var + eps) * weight + bias over each of `groups` groups of channels of a picture (Wu and He 2018).
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
/// silu(group_norm(...)) in one pass.
Tensor group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                       double eps = 1e-5);
/// The same over each channel of the batch (Ioffe and Szegedy 2015). In training with the batch's own statistics, which
/// move the running ones by `momentum` (in place, unless they are undefined); otherwise with the running ones.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);
/// x / sqrt(mean(x^2) + eps) * weight over the last axis; weight [D] or undefined (Zhang and Sennrich 2019).
Tensor rms_norm(const Tensor& x, const Tensor& weight = {}, double eps = 1e-6);

// --- pooling and interpolation (ops/pool.cpp); x [B, C, H, W] ---
/// Largest element of each window; without a stride, windows lie side by side. Padding never wins.
Tensor max_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0);
/// Mean of each window; padding counts as zeros.
Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0);
/// Means of windows that cover the picture evenly, as many as `size` says.
Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& size);
enum class Interpolation { nearest, bilinear };
/// The picture at another size; bilinear with pixels as squares (align_corners=False), without smoothing first.
Tensor interpolate(const Tensor& x, const PerAxis& size, Interpolation mode = Interpolation::nearest);

// --- softmax, losses (ops/softmax.cpp, ops/loss.cpp) ---
Tensor softmax(const Tensor& x, int axis);
Tensor log_softmax(const Tensor& x, int axis);
/// Mean of -log softmax(logits)[label]; logits [N, C], labels i64 [N].
Tensor cross_entropy(const Tensor& logits, const Tensor& labels);
/// Mean of (prediction - target)^2; equal shapes, nothing broadcasts.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);
Tensor l1_loss(const Tensor& prediction, const Tensor& target);

// --- fused blocks of a transformer (ops/norm.cpp, ops/attention.cpp) ---
/// (x - mean) / sqrt(var + eps) * weight + bias over the last axis; weight, bias [D] or undefined (Ba et al. 2016).
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// LayerNorm without affine map, then * (1 + scale) + shift; x [B, T, D], shift and scale [B, D] (adaLN, Peebles and
/// Xie 2023).
Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps = 1e-6);
/// x + gate * y; x, y [B, T, D], gate [B, D] (adaLN-Zero).
Tensor gated_residual(const Tensor& x, const Tensor& gate, const Tensor& y);
struct GatedNorm { Tensor residual, normalized; };
/// residual = gated_residual(x, gate, y) and normalized = layer_norm_modulate(residual, shift, scale, eps), in one
/// pass.
GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps = 1e-6);
/// softmax(q k^T / sqrt(D/heads)) v for packed qkv [B, T, 3 D] -> [B, T, D] (Vaswani et al. 2017).
Tensor attention(const Tensor& qkv, int64_t heads);

}  // namespace ditharos
