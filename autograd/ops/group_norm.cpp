// Group, batch and RMS normalisation.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/normalized.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/kernels/norm/group_norm.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {
namespace {

/// [C] as [C, 1, ...], which broadcasts over an image of the rank of x.
Tensor per_channel(const Tensor& v, const Tensor& x) {
  Shape shape = Shape::filled(x.rank() - 1, 1);
  shape[0] = v.size(0);
  return reshape(v, shape);
}

Tensor affine(Tensor y, const Tensor& weight, const Tensor& bias) {
  if (weight.defined()) y = y * per_channel(weight, y);
  return bias.defined() ? y + per_channel(bias, y) : y;
}

/// Groups of channels as the last axis, normalised, and back.
Tensor group_composite(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                       bool with_silu) {
  int64_t elements = x.size(1) / groups;
  for (int i = 2; i < x.rank(); ++i) elements *= x.size(i);
  const Tensor rows = reshape(x, {x.size(0), groups, elements});
  const Tensor y = affine(reshape(normalized(rows, {-1}, eps), x.shape()), weight, bias);
  return with_silu ? silu(y) : y;
}

/// The tangent dn weight + n dweight + dbias of an affine map of the normalised x, n, whose Jacobian is symmetric: dn =
/// backward(dx), the gradient without weight. The operation's inputs are x, weight and bias.
template <class DN, class N>
Tensor affine_tangent(const Tangents& d, const DN& backward, const N& n) {
  Tensor dy;
  d.add(dy, 0, [&](const Tensor& dx) { return affine(backward(dx), d.input(1), {}); });
  d.add(dy, 1, [&](const Tensor& dw) { return n() * per_channel(dw, d.input(0)); });
  d.add(dy, 2, [&](const Tensor& db) { return per_channel(db, d.input(0)); });
  return dy;
}

/// Axes of a batch but the channels'.
Axes all_but_channels(const Tensor& x) {
  Axes axes{0};
  for (int i = 2; i < x.rank(); ++i) axes.push_back(i);
  return axes;
}

Tensor group_norm_of(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                     bool with_silu, DType dtype) {
  Tensor statistics;  // [B * groups, 2]
  const Tensor y = kernels::group_norm(x, groups, weight, bias, eps, with_silu, &statistics, dtype);
  const auto composite = derivative_of([groups, eps, with_silu](const std::vector<Tensor>& in) {
    return group_composite(in[0], groups, in[1], in[2], eps, with_silu);
  });
  const auto tangent = fused(
      [&](const Tangents& d) {
        const Tensor dz = affine_tangent(
            d,
            [&](const Tensor& dx) { return kernels::group_norm_backward(dx, x, groups, {}, {}, false, statistics).x; },
            [&] { return kernels::group_norm(x, groups, {}, {}, eps, false, nullptr); });
        if (!with_silu) return dz;
        const Tensor z = kernels::group_norm(x, groups, weight, bias, eps, false, nullptr);
        return kernels::binary(kernels::Binary::silu_backward, expand(dz, z.shape()), z);
      },
      composite);
  return record("group_norm", y, {x, weight, bias}, save_inputs,
                fused(
                    [groups, with_silu, statistics = Saved(statistics)](const Backward& d) -> Grads {
                      auto g = kernels::group_norm_backward(d.grad(), d.input(0), groups, d.input(1), d.input(2),
                                                            with_silu, d.intermediate(statistics));
                      return {g.x, g.weight, g.bias};
                    },
                    composite),
                [&](const Tangents& d) { return to(tangent(d), y.dtype()); });
}

Tensor batch_norm_training(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor* statistics,
                           Tensor* variance) {
  const Tensor y = kernels::batch_norm(x, weight, bias, eps, statistics, variance);
  const auto composite = derivative_of([eps](const std::vector<Tensor>& in) {
    return affine(normalized(in[0], all_but_channels(in[0]), eps), in[1], in[2]);
  });
  return record("batch_norm", y, {x, weight, bias}, save_inputs,
                fused(
                    [kept = Saved(*statistics)](const Backward& d) -> Grads {  // [C, 2]
                      auto g = kernels::batch_norm_backward(d.grad(), d.input(0), d.input(1), d.intermediate(kept));
                      return {g.x, g.weight, g.bias};
                    },
                    composite),
                fused(
                    [&](const Tangents& d) {
                      return affine_tangent(
                          d, [&](const Tensor& dx) { return kernels::batch_norm_backward(dx, x, {}, *statistics).x; },
                          [&] { return kernels::batch_norm(x, {}, {}, eps, nullptr, nullptr); });
                    },
                    composite));
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  return group_norm_of(x, groups, weight, bias, eps, false, x.dtype());
}

Tensor group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  return group_norm_of(x, groups, weight, bias, eps, true, x.dtype());
}

Tensor reduced::group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  return group_norm_of(x, groups, weight, bias, eps, true, dtype_for_products(x));
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, bool training, double momentum, double eps) {
  const Shape channels = x.rank() >= 2 ? Shape{x.size(1)} : Shape{};
  check<ShapeError>(x.rank() >= 2, "[batch_norm] needs x [B, C, ...], got ", x.shape());
  check<ShapeError>(running_mean.defined() == running_var.defined() && (training || running_mean.defined()),
                    "[batch_norm] needs both running statistics, or in training none of them");
  if (running_mean.defined())
    check<ShapeError>(running_mean.shape() == channels && running_var.shape() == channels &&
                          running_mean.is_contiguous() && running_var.is_contiguous(),
                      "[batch_norm] the running statistics must be ", channels, ", got ", running_mean.shape(), " and ",
                      running_var.shape());
  for (const Tensor& t : {weight, bias})
    check<ShapeError>(!t.defined() || t.shape() == channels, "[batch_norm] weight and bias must be ", channels,
                      ", got ", t.defined() ? t.shape() : channels);
  check_one_dtype("batch_norm", "x", x, "the running mean", running_mean);
  check_one_dtype("batch_norm", "x", x, "the running variance", running_var);
  check_one_dtype("batch_norm", "x", x, "weight", weight);
  check_one_dtype("batch_norm", "x", x, "bias", bias);
  if (!training) {
    visit_floating("batch_norm", x.dtype(), [](auto) {});
    const Tensor inverse = rsqrt(running_var.detach() + eps);
    return affine((x - per_channel(running_mean.detach(), x)) * per_channel(inverse, x), weight, bias);
  }
  Tensor statistics, variance;
  const Tensor y = batch_norm_training(x, weight, bias, eps, &statistics, &variance);
  if (running_mean.defined())
    kernels::update_running_statistics(running_mean, running_var, statistics, variance, momentum,
                                       x.numel() / x.size(1));
  return y;
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  Tensor inverse;  // [rows]
  const Tensor y = kernels::rms_norm(x, weight, eps, &inverse);
  const auto composite = derivative_of([eps](const std::vector<Tensor>& in) {
    const Tensor y = normalized(in[0], {-1}, eps, false);
    return in[1].defined() ? y * in[1] : y;
  });
  return record("rms_norm", y, {x, weight}, save_inputs,
                fused(
                    [inverse = Saved(inverse)](const Backward& d) -> Grads {
                      auto g = kernels::rms_norm_backward(d.grad(), d.input(0), d.input(1), d.intermediate(inverse));
                      return {g.x, g.weight};
                    },
                    composite),
                fused(each_tangent(
                          [&](const Tensor& dx) {
                            const Tensor dn = kernels::rms_norm_backward(dx, x, {}, inverse).x;
                            return weight.defined() ? dn * weight : dn;
                          },
                          [&](const Tensor& dw) { return kernels::rms_norm(x, dw, eps, nullptr); }),
                      composite));
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, double eps) {
  const auto of_rows = merged_operands("rms_norm", x, normalized_shape, {weight});
  return reshape(rms_norm(of_rows[0], of_rows[1], eps), x.shape());
}

}  // namespace ditharos
