#pragma once
// The differentiable operations. Definitions are in ops/, forward beside backward.
//
// Elementwise operations broadcast as in NumPy. All take f32 and f64 unless a comment says otherwise; two operands have
// the same dtype. Axes may be negative. ShapeError and DTypeError name the operation and its arguments. Further
// operations are in the headers of ops/, which this one includes. docs/pytorch.md has PyTorch's names beside these.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/autograd/ops/attention/attention.h>
#include <ditharos/autograd/ops/elementwise/elementwise.h>
#include <ditharos/autograd/ops/indexing/indexing.h>
#include <ditharos/autograd/ops/layout/layout.h>
#include <ditharos/autograd/ops/linalg/linalg.h>
#include <ditharos/autograd/ops/losses/losses.h>
#include <ditharos/autograd/ops/reductions/reductions.h>
#include <ditharos/autograd/ops/sorting/sorting.h>
#include <ditharos/autograd/ops/vision/conv_padding.h>
#include <ditharos/autograd/ops/vision/interpolation.h>
#include <ditharos/autograd/ops/vision/pooling.h>
#include <ditharos/autograd/ops/vision/vision.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/per_axis.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

class Generator;

// --- arithmetic (ops/pointwise.cpp) ---
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& a, double b);
Tensor operator-(const Tensor& a, double b);
Tensor operator*(const Tensor& a, double b);
Tensor operator/(const Tensor& a, double b);  ///< a division; multiplying by 1 / b would round twice
Tensor operator+(double a, const Tensor& b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(double a, const Tensor& b);
Tensor operator-(const Tensor& x);
Tensor pow(const Tensor& x, double exponent);
Tensor pow(const Tensor& base, const Tensor& exponent);  ///< the gradient of the exponent needs positive bases
// docs/numerics.md lists the results for NaN, infinities, ties and empty axes.
Tensor maximum(const Tensor& a, const Tensor& b);  ///< at ties each operand receives half of the gradient
Tensor minimum(const Tensor& a, const Tensor& b);

// --- functions of one variable (ops/pointwise.cpp, ops/trigonometric.cpp, ops/activation.cpp) ---
Tensor abs(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor expm1(const Tensor& x);  ///< e^x - 1, exact near 0
Tensor log1p(const Tensor& x);  ///< ln(1 + x), exact near 0
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor sign(const Tensor& x);  ///< -1, 0 or 1; its gradient and that of the next three is 0
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  ///< halves to the nearest even number
/// Gradient 1 inside and at the bounds, 0 outside. A bound that is left out, {}, does not bind.
Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double slope = .01);  ///< x above 0, else slope x
Tensor elu(const Tensor& x, double alpha = 1);           ///< x above 0, else alpha (e^x - 1) (Clevert et al. 2015)
Tensor softplus(const Tensor& x);                        ///< ln(1 + e^x)
Tensor silu(const Tensor& x);                            ///< x sigmoid(x)
Tensor gelu(const Tensor& x);                            ///< x Phi(x), exact (Hendrycks and Gimpel 2016)
Tensor gelu_tanh(const Tensor& x);                       ///< its tanh approximation, which DiT uses

// --- selection, masks; comparisons and logic give booleans and no gradient (ops/logic.cpp) ---
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);  ///< `value` where the mask is true
Tensor masked_select(const Tensor& x, const Tensor& mask);  ///< [K]: the elements where the mask is true, row-major
Tensor tril(const Tensor& x, int64_t diagonal = 0);  ///< [..., R, C]: 0 above the diagonal with column - row = diagonal
Tensor triu(const Tensor& x, int64_t diagonal = 0);  ///< 0 below it
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);

// --- reductions (ops/reduce.cpp, ops/extremum.cpp, ops/statistics.cpp); `axes` empty: all ---
Tensor sum(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);
/// Mean squared distance from the mean; with a correction, divided by n - correction (1: the unbiased estimate).
Tensor variance(const Tensor& x, const Axes& axes = {}, bool keepdim = false, int64_t correction = 0);
/// Its square root; the gradient is 0 where all elements are equal.
Tensor standard_deviation(const Tensor& x, const Axes& axes = {}, bool keepdim = false, int64_t correction = 0);
/// (sum |x|^p)^(1/p); p > 0, infinity for the largest |x|. If the sum overflows or underflows, it is computed relative
/// to the largest |x|. The gradient of a norm of 0 is 0. For p other than 2, the gradient of an element 0 is 0. These
/// are subgradients, at every order.
Tensor norm(const Tensor& x, double p = 2, const Axes& axes = {}, bool keepdim = false);
/// ln(sum e^x). It is minus infinity for an empty axis. It is minus infinity, with gradient 0, if all elements are
/// minus infinity. Elements of plus infinity share the gradient equally.
Tensor logsumexp(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);
Tensor prod(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);  ///< right for zeros; i64 of integers
Tensor amax(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);  ///< ties share the gradient equally
Tensor amin(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);
/// The extreme values along one axis and their indices. Among equal elements, the first is chosen and receives the
/// whole gradient.
ValuesAndIndices max(const Tensor& x, int axis, bool keepdim = false);
ValuesAndIndices min(const Tensor& x, int axis, bool keepdim = false);
Tensor argmax(const Tensor& x, int axis, bool keepdim = false);  ///< i64, no gradient
Tensor argmin(const Tensor& x, int axis, bool keepdim = false);
Tensor cumsum(const Tensor& x, int axis);            ///< running sums
Tensor sum_to(const Tensor& x, const Shape& shape);  ///< the inverse of broadcasting

// --- shape (ops/shape.cpp); results are views if the strides allow it ---
Tensor reshape(const Tensor& x, const Shape& shape);  ///< one size may be -1
Tensor permute(const Tensor& x, const Axes& order);
Tensor transpose(const Tensor& x, int axis0, int axis1);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step = 1);
Tensor select(const Tensor& x, int axis, int64_t index);
Tensor unsqueeze(const Tensor& x, int axis);
Tensor squeeze(const Tensor& x, int axis);
/// At most `parts` parts of ceil(size / parts) elements, of which the last may be shorter. Of an empty axis, `parts`
/// empty parts.
[[nodiscard]] std::vector<Tensor> chunk(const Tensor& x, int64_t parts, int axis);
Tensor cat(const std::vector<Tensor>& parts, int axis = 0);
Tensor stack(const std::vector<Tensor>& parts, int axis = 0);
Tensor narrow(const Tensor& x, int axis, int64_t begin, int64_t length);  ///< elements [begin, begin + length)
/// Parts of `size`; the last may be shorter.
[[nodiscard]] std::vector<Tensor> split(const Tensor& x, int64_t size, int axis);
[[nodiscard]] std::vector<Tensor> split_with_sizes(const Tensor& x, const std::vector<int64_t>& sizes, int axis);
/// The elements with (index along axis1) - (index along axis0) = offset; they become the last axis
/// (ops/layout/diagonals.cpp).
Tensor diagonal(const Tensor& x, int64_t offset = 0, int axis0 = 0, int axis1 = 1);
Tensor contiguous(const Tensor& x);
Tensor to(const Tensor& x, DType dtype);

// --- moving and repeating elements (ops/rearrange.cpp) ---
enum class PadMode { constant, zeros = constant, reflect, replicate, circular };
/// `pads`: sizes before and after the last axis, then those of the axis before it, and so on: {left, right, top,
/// bottom}. The new elements are `value`, the mirror image (without the edge itself), the edge element, or in circular
/// mode those of the other end. Negative sizes cut off.
Tensor pad(const Tensor& x, const std::vector<int64_t>& pads, PadMode mode = PadMode::constant, double value = 0);
Tensor flip(const Tensor& x, const Axes& axes);         ///< reverses the order along `axes`
Tensor roll(const Tensor& x, int64_t shift, int axis);  ///< element i moves to (i + shift) mod size
Tensor repeat(const Tensor& x, const Shape& counts);    ///< `counts` times along each axis; new axes come first

// --- indices (ops/index.cpp) ---
Tensor index_select(const Tensor& table, const Tensor& indices);  ///< rows of table [N, D...]; indices i64, any shape
Tensor index_select(const Tensor& x, int axis, const Tensor& indices);        ///< along an axis; indices i64 [K]
Tensor index_add(const Tensor& values, const Tensor& indices, int64_t rows);  ///< its adjoint
Tensor gather(const Tensor& x, int axis, const Tensor& index);
Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, const Shape& shape);

// --- products (ops/matmul.cpp, ops/einsum.cpp) ---
Tensor matmul(const Tensor& a, const Tensor& b);  ///< any rank, leading axes broadcast
Tensor outer(const Tensor& a, const Tensor& b);   ///< a [N], b [M]: a_i b_j as [N, M]
/// Sums the product of the operands over all axes that the result lacks: einsum("bij,bjk->bik", {x, y}). Names of axes
/// are letters. "..." stands for any number of axes, which broadcast. A name that occurs twice in one operand means its
/// diagonal. Without "->" the result has the names that occur once, in alphabetical order. ShapeError quotes the
/// equation.
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);
/// x W^T + bias; x [..., in], weight [out, in], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// gelu_tanh(linear(x, weight, bias)) in one pass; the backward pass works in place.
Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// --- sliding windows (ops/unfold.cpp); numbers for both axes, or {height, width} ---
/// [B, C, H, W] -> [B, windows, C * kernel height * kernel width]: each window a row.
Tensor unfold(const Tensor& x, const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding,
              const PerAxis& dilation = 1);
/// Its adjoint: adds each row back to its window.
Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const PerAxis& kernel,
            const PerAxis& stride, const PerAxis& padding, const PerAxis& dilation = 1);

// --- convolutions (ops/conv.cpp); x [B, C, L], [B, C, H, W] or [B, C, D, H, W], each also without the batch ---
// weight [O, C/groups, k...], bias [O] or undefined; a side of the result is
// (in + 2 padding - dilation (k - 1) - 1) / stride + 1. PerAxis: one number, or one for each spatial axis. ConvPadding:
// the same, or "same" or "valid".
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const ConvPadding& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const ConvPadding& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
              const ConvPadding& padding = 0, const PerAxis& dilation = 1, int64_t groups = 1);
// The adjoints of convolutions, which enlarge images: weight [C, O/groups, k...], bias [O] or undefined; a side of the
// result is (in - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding, with an output_padding below the
// stride or the dilation.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const PerAxis& stride = 1,
                        const PerAxis& padding = 0, const PerAxis& output_padding = 0, int64_t groups = 1,
                        const PerAxis& dilation = 1);

// --- normalisation of images (ops/group_norm.cpp); x [B, C, ...], weight and bias [C] or undefined ---
/// (x - mean) / sqrt(var + eps) * weight + bias over each of `groups` groups of channels of an image (Wu and He 2018).
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
/// silu(group_norm(...)) in one pass.
Tensor group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                       double eps = 1e-5);
/// The same over each channel of the batch (Ioffe and Szegedy 2015). In training it uses the statistics of the batch
/// and moves the running ones towards them by `momentum` (in place, unless they are undefined). Otherwise it uses the
/// running ones.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);
/// x / sqrt(mean(x^2) + eps) * weight over the last axis; weight [D] or undefined (Zhang and Sennrich 2019).
Tensor rms_norm(const Tensor& x, const Tensor& weight = {}, double eps = 1e-6);
/// The same over the last axes, whose sizes are `normalized_shape`, with a weight of that shape.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, double eps = 1e-6);

// --- softmax, dropout (ops/softmax.cpp, ops/dropout.cpp) ---
Tensor softmax(const Tensor& x, int axis);
Tensor log_softmax(const Tensor& x, int axis);
/// Zeroes each element with probability p and scales the others by 1/(1-p) (Srivastava et al. 2014).
Tensor dropout(const Tensor& x, double p, Generator& rng);

// --- fused blocks of a transformer (ops/norm.cpp, ops/rope.cpp, ops/attention.cpp) ---
/// (x - mean) / sqrt(var + eps) * weight + bias over the last axis; weight, bias [D] or undefined (Ba et al. 2016).
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
/// The same over the last axes, whose sizes are `normalized_shape`, with weight and bias of that shape.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
/// LayerNorm without affine map, then * (1 + scale) + shift; x [B, T, D], shift and scale [B, D] (adaLN, Peebles and
/// Xie 2023).
Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps = 1e-6);
/// x + gate * y; x, y [B, T, D], gate [B, D] (adaLN-Zero). y may be bf16 beside x in f32.
Tensor gated_residual(const Tensor& x, const Tensor& gate, const Tensor& y);
struct [[nodiscard]] GatedNorm {
  Tensor residual, normalized;
};
/// residual = gated_residual(x, gate, y) and normalized = layer_norm_modulate(residual, shift, scale, eps), in one
/// pass.
GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps = 1e-6);
/// Which elements of a head rope() rotates together.
enum class RopePairs { halves, interleaved };
/// Rotary position embedding (Su et al. 2021) of the queries and keys in packed qkv [B, T, 3 D]. At token t, the
/// elements i and i + h/2 of each head of size h = D/heads are rotated by one angle, whose cosine and sine are at [t,
/// i] of the tables [T, h/2]. Products of queries and keys then depend on differences of angles alone. Values are
/// unchanged. With interleaved pairs the elements 2i and 2i + 1 are rotated, as Su et al. write it.
Tensor rope(const Tensor& qkv, const Tensor& cosines, const Tensor& sines, int64_t heads,
            RopePairs pairs = RopePairs::halves);
/// softmax(q k^T / sqrt(D/heads)) v for packed qkv [B, T, 3 D] -> [B, T, D] (Vaswani et al. 2017).
Tensor attention(const Tensor& qkv, int64_t heads);
/// softmax(q k^T / sqrt(D) + mask) v for q [B, H, T, D], k [B, H, S, D], v [B, H, S, E] -> [B, H, T, E]. The mask
/// broadcasts to [B, H, T, S]: booleans (true: the query attends to the key) or numbers that are added (minus infinity:
/// it does not). `causal`: query i attends to the keys up to i. A query without any key gives zeros. A key to which no
/// query of its head attends contributes nothing, even if it or its value is not finite. Computed in tiles, without a
/// matrix [T, S] in memory, unless the mask itself needs a gradient.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {},
                                    bool causal = false);

}  // namespace ditharos
