#include <ditharos/tensor/kernels/norm/group_norm.h>

#include <algorithm>
#include <type_traits>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/norm/group_norm_isa.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

template <class T>
const GroupNormLoops<T>& loops();
template <>
const GroupNormLoops<float>& loops() {
  return isa_kernels<GroupNormKernels>().f32;
}
template <>
const GroupNormLoops<double>& loops() {
  return isa_kernels<GroupNormKernels>().f64;
}

constexpr int64_t grain = 16384;       // least elements per thread
constexpr int64_t rows_of_chunk = 64;  // of RMS norm, whose contributions to dweight are added one after the other

/// The rows of x [B, C, ...] that share a mean and a variance.
struct Rows {
  int64_t count, segments, length, stride;
  int64_t row_stride;                  // from the first element of a row to the next one's
  int64_t affine_stride, affine_step;  // in weight and bias: from segment to segment, from row to row
  int64_t affine_period;               // rows after which weight and bias are repeated

  int64_t elements() const { return segments * length; }
  template <class T>
  NormRow<T> row(int64_t i, const T* weight, const T* bias, bool silu) const {
    const int64_t at = i % affine_period * affine_step;
    return {segments, length, stride, affine_stride, weight ? weight + at : nullptr, bias ? bias + at : nullptr, silu};
  }
};

struct Image {
  int64_t batch, channels, positions;
};

Image image_of(const char* op, const Tensor& x) {
  check<ShapeError>(x.rank() >= 2, "[", op, "] needs x [B, C, ...], got ", x.shape());
  int64_t positions = 1;
  for (int i = 2; i < x.rank(); ++i) positions *= x.shape()[i];
  return {x.shape()[0], x.shape()[1], positions};
}

const char* group_norm_name(bool silu) { return silu ? "group_norm_silu" : "group_norm"; }

Rows group_rows(const char* op, const Tensor& x, int64_t groups) {
  const Image p = image_of(op, x);
  check<ShapeError>(groups >= 1 && p.channels % groups == 0 && p.channels * p.positions > 0, "[", op, "] x of shape ",
                    x.shape(), " does not divide into ", groups, " groups of channels, each of at least one element");
  const int64_t channels = p.channels / groups;
  return {p.batch * groups, channels, p.positions, p.positions, channels * p.positions, 1, channels, groups};
}

Rows channel_rows(const Tensor& x) {
  const Image p = image_of("batch_norm", x);
  check<ShapeError>(p.batch * p.positions > 0, "[batch_norm] x of shape ", x.shape(),
                    " has channels without elements, which have no mean");
  return {p.channels, p.batch, p.positions, p.channels * p.positions, p.positions, 0, 1, p.channels};
}

void check_affine(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  const Shape wanted{x.shape()[1]};
  check<ShapeError>(t.shape() == wanted, "[", op, "] ", name, " must be ", wanted, ", got ", t.shape());
  check<DTypeError>(t.dtype() == x.dtype(), "[", op, "] ", name, " is ", t.dtype(), ", x is ", x.dtype());
}

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

Tensor contiguous_or_undefined(const Tensor& t) { return t.defined() ? contiguous(t) : t; }

template <class T, class Out>
const auto& forward_loop() {
  if constexpr (is_reduced_float<Out>) return isa_kernels<GroupNormKernels>().forward_rounded;
  else return loops<T>().forward;
}

/// Out: the type of the result's elements for x of f32.
template <class Out = float>
Tensor normalize(const char* op, const Tensor& x, const Rows& rows, const Tensor& weight, const Tensor& bias,
                 double eps, bool silu, Tensor* statistics, Tensor* variance) {
  check_affine(op, "weight", weight, x);
  check_affine(op, "bias", bias, x);
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Result = std::conditional_t<std::is_same_v<T, float>, Out, T>;
    const Tensor in = contiguous(x), w = contiguous_or_undefined(weight), b = contiguous_or_undefined(bias);
    const Tensor out(x.shape(), dtype_of<Result>), stats({rows.count, 2}, x.dtype());
    const T *from = in.data<T>(), *wp = data_or_null<T>(w), *bp = data_or_null<T>(b);
    Result* to = out.mutable_data<Result>();
    T* sp = stats.mutable_data<T>();
    if (variance) *variance = Tensor({rows.count}, DType::f64);
    double* variances = variance ? variance->mutable_data<double>() : nullptr;
    parallel_for(rows.count, 1 + grain / rows.elements(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const double of_row = forward_loop<T, Result>()(rows.row(i, wp, bp, silu), from + i * rows.row_stride, T(eps),
                                                        to + i * rows.row_stride, sp + 2 * i);
        if (variances) variances[i] = of_row;
      }
    });
    if (statistics) *statistics = stats;
    return out;
  });
}

/// The sums of the segments, [rows, segments], in the order in which the rows come.
ChannelNormGrads normalize_backward(const char* op, const Tensor& grad, const Tensor& x, const Rows& rows,
                                    const Tensor& weight, const Tensor& bias, bool silu, const Tensor& statistics) {
  check<ShapeError>(grad.shape() == x.shape() && statistics.shape() == Shape{rows.count, 2}, "[", op,
                    "] the gradient must be ", x.shape(), ", got ", grad.shape());
  return visit_floating(op, x.dtype(), [&](auto zero) -> ChannelNormGrads {
    using T = decltype(zero);
    const Tensor g = contiguous(grad), in = contiguous(x), w = contiguous_or_undefined(weight),
                 b = contiguous_or_undefined(bias);
    const Tensor dx(x.shape(), x.dtype());
    const Shape sums{rows.count, rows.segments};
    const Tensor dweight(sums, x.dtype()), dbias(sums, x.dtype());
    const T *gp = g.data<T>(), *xp = in.data<T>(), *sp = statistics.data<T>(), *wp = data_or_null<T>(w),
            *bp = data_or_null<T>(b);
    T *to = dx.mutable_data<T>(), *dwp = dweight.mutable_data<T>(), *dbp = dbias.mutable_data<T>();
    parallel_for(rows.count, 1 + grain / rows.elements(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i * rows.row_stride, sum = i * rows.segments;
        loops<T>().backward(rows.row(i, wp, bp, silu), gp + at, xp + at, sp + 2 * i, to + at, dwp + sum, dbp + sum);
      }
    });
    return {dx, dweight, dbias};
  });
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps, bool silu,
                  Tensor* statistics, std::optional<DType> dtype) {
  const char* op = group_norm_name(silu);
  const auto run = dtype == DType::bf16 ? normalize<bfloat16> : normalize<float>;
  return run(op, x, group_rows(op, x, groups), weight, bias, eps, silu, statistics, nullptr);
}

ChannelNormGrads group_norm_backward(const Tensor& grad, const Tensor& x, int64_t groups, const Tensor& weight,
                                     const Tensor& bias, bool silu, const Tensor& statistics) {
  const char* op = group_norm_name(silu);
  auto g = normalize_backward(op, grad, x, group_rows(op, x, groups), weight, bias, silu, statistics);
  const Shape per_image{x.shape()[0], x.shape()[1]};  // the rows of an image's groups are its channels in a row
  return {g.x, sum(views::reshape(g.weight, per_image), {0}, false),
          sum(views::reshape(g.bias, per_image), {0}, false)};
}

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor* statistics,
                  Tensor* variance) {
  return normalize("batch_norm", x, channel_rows(x), weight, bias, eps, false, statistics, variance);
}

ChannelNormGrads batch_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                                     const Tensor& statistics) {
  auto g = normalize_backward("batch_norm", grad, x, channel_rows(x), weight, {}, false, statistics);
  return {g.x, sum(g.weight, {1}, false), sum(g.bias, {1}, false)};
}

void update_running_statistics(const Tensor& running_mean, const Tensor& running_variance, const Tensor& statistics,
                               const Tensor& variance, double momentum, int64_t count) {
  visit_floating("batch_norm", running_mean.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto stats = statistics.to_vector<double>(), biased = variance.to_vector<double>();
    const double unbiased = count > 1 ? double(count) / double(count - 1) : 1;
    T *m = running_mean.mutable_data<T>(), *v = running_variance.mutable_data<T>();
    for (int64_t c = 0; c < running_mean.numel(); ++c) {
      m[c] = T((1 - momentum) * double(m[c]) + momentum * stats[size_t(2 * c)]);
      v[c] = T((1 - momentum) * double(v[c]) + momentum * biased[size_t(c)] * unbiased);
    }
  });
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps, Tensor* inverse) {
  const Shape width = x.rank() > 0 ? Shape{x.size(-1)} : Shape{};
  check<ShapeError>(x.rank() >= 1 && x.size(-1) >= 1 && (!weight.defined() || weight.shape() == width),
                    "[rms_norm] x of shape ", x.shape(), " needs a last axis of at least 1 and a weight of its size");
  check<DTypeError>(!weight.defined() || weight.dtype() == x.dtype(), "[rms_norm] weight is not ", x.dtype(),
                    " as x is");
  return visit_floating("rms_norm", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t d = x.size(-1), rows = x.numel() / d;
    const Tensor in = contiguous(x), w = contiguous_or_undefined(weight), out(x.shape(), x.dtype());
    const Tensor factors({rows}, x.dtype());
    const T *from = in.data<T>(), *wp = data_or_null<T>(w);
    T *to = out.mutable_data<T>(), *fp = factors.mutable_data<T>();
    parallel_for(rows, 1 + grain / d, [&](int64_t begin, int64_t end) {
      loops<T>().rms(end - begin, d, from + begin * d, wp, T(eps), to + begin * d, fp + begin);
    });
    if (inverse) *inverse = factors;
    return out;
  });
}

RmsNormGrads rms_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& inverse) {
  return visit_floating("rms_norm", x.dtype(), [&](auto zero) -> RmsNormGrads {
    using T = decltype(zero);
    const int64_t d = x.size(-1), rows = x.numel() / d;
    const int64_t chunks = std::max<int64_t>(1, (rows + rows_of_chunk - 1) / rows_of_chunk);
    const Tensor g = contiguous(grad), in = contiguous(x), w = contiguous_or_undefined(weight);
    const Tensor dx(x.shape(), x.dtype()), sums({chunks, weight.defined() ? d : 0}, x.dtype());
    const T *gp = g.data<T>(), *xp = in.data<T>(), *fp = inverse.data<T>(), *wp = data_or_null<T>(w);
    T *to = dx.mutable_data<T>(), *dwp = sums.mutable_data<T>();
    parallel_for(chunks, 1 + grain / (d * rows_of_chunk), [&](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        const int64_t first = chunk * rows_of_chunk, count = std::min(rows_of_chunk, rows - first), at = first * d;
        loops<T>().rms_backward(count, d, gp + at, xp + at, fp + first, wp, to + at, wp ? dwp + chunk * d : nullptr);
      }
    });
    return {dx, weight.defined() ? sum(sums, {0}, false) : Tensor{}};
  });
}

}  // namespace ditharos::kernels
