// Layer normalisation, alone and fused with a modulation, and the gated residual.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/normalized.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/kernels/norm/norm.h>

namespace ditharos {
namespace {

void check_rows(const char* op, const Tensor& x, const char* what, const Tensor& rows) {
  check<ShapeError>(x.rank() == 3 && rows.rank() == 2 && rows.size(0) == x.size(0) && rows.size(1) == x.size(2), "[",
                    op, "] needs x [B, T, D] and ", what, " [B, D], got ", x.shape(), " and ", rows.shape());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Shape width = x.rank() > 0 ? Shape{x.size(-1)} : Shape{};
  check<ShapeError>(
      x.rank() > 0 && (!weight.defined() || weight.shape() == width) && (!bias.defined() || bias.shape() == width),
      "[layer_norm] x of shape ", x.shape(), " needs weight and bias of shape ", width, ", got ",
      weight.defined() ? weight.shape() : width, " and ", bias.defined() ? bias.shape() : width);
  Tensor statistics;  // [rows, 2]
  const Tensor y = kernels::layer_norm(x, weight, bias, eps, &statistics);
  const auto composite = derivative_of([eps](const std::vector<Tensor>& in) {
    Tensor out = normalized(in[0], {-1}, eps);
    if (in[1].defined()) out = out * in[1];
    return in[2].defined() ? out + in[2] : out;
  });
  return record("layer_norm", y, {x, weight, bias}, save_inputs,
                fused(
                    [statistics = Saved(statistics)](const Backward& d) -> Grads {
                      auto g =
                          kernels::layer_norm_backward(d.grad(), d.input(0), d.input(1), d.intermediate(statistics));
                      if (d.needs(2) && !g.bias.defined())
                        g.bias = d.grad();  // no weight: the engine sums over the rows
                      return {g.x, g.weight, g.bias};
                    },
                    composite),
                // With n the normalised x, whose Jacobian is symmetric: dn weight + n dweight + dbias
                fused(each_tangent(
                          [&](const Tensor& dx) {
                            const Tensor dn = kernels::layer_norm_backward(dx, x, {}, statistics).x;
                            return weight.defined() ? dn * weight : dn;
                          },
                          [&](const Tensor& dw) { return kernels::layer_norm(x, dw, {}, eps, nullptr); },
                          [](const Tensor& db) { return db; }),
                      composite),
                [&] {
                  return Rematerialization({x, weight, bias}, [eps](const std::vector<Tensor>& in) {
                    return kernels::layer_norm(in[0], in[1], in[2], eps, nullptr);
                  });
                });
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const auto of_rows = merged_operands("layer_norm", x, normalized_shape, {weight, bias});
  return reshape(layer_norm(of_rows[0], of_rows[1], of_rows[2], eps), x.shape());
}

namespace {
/// Puts y = layer_norm_modulate(x, shift, scale), computed already, on the graph.
Tensor record_modulate(const Tensor& y, const Tensor& statistics, const Tensor& x, const Tensor& shift,
                       const Tensor& scale, double eps) {
  const auto composite = derivative_of([eps](const std::vector<Tensor>& in) {
    return normalized(in[0], {-1}, eps) * (unsqueeze(in[2], 1) + 1.0) + unsqueeze(in[1], 1);
  });
  // With n the normalised x: dn (1 + scale) + n dscale + dshift
  const auto tangent = fused(
      [&](const Tangents& d) {
        Tensor rest;  // n dscale + dshift
        if (d[2].defined())
          rest = kernels::layer_norm_modulate(x, d[1].defined() ? d[1] : zeros_like(shift), d[2] - 1.0, eps, nullptr);
        else if (d[1].defined()) rest = unsqueeze(d[1], 1);
        if (!d[0].defined()) return rest;
        const Tensor dn = kernels::layer_norm_backward(d[0], x, {}, statistics).x, factor = scale + 1.0;
        return rest.defined() ? gated_residual(expand(rest, x.shape()), factor, dn) : dn * unsqueeze(factor, 1);
      },
      composite);
  return accept_rounded_gradient(record(
      "layer_norm_modulate", y, {x, shift, scale}, save_inputs,
      fused(
          [statistics = Saved(statistics)](const Backward& d) -> Grads {
            const Tensor dx = d.pending(0);
            auto g = kernels::layer_norm_modulate_backward(d.rounded_grad(), d.input(0), d.input(2),
                                                           d.intermediate(statistics), dx);
            return {dx.defined() ? Tensor{} : g.x, g.shift, g.scale};
          },
          composite),
      [&](const Tangents& d) { return to(tangent(d), y.dtype()); },
      [&] {
        return Rematerialization({x, shift, scale}, [eps, dtype = y.dtype()](const std::vector<Tensor>& in) {
          return kernels::layer_norm_modulate(in[0], in[1], in[2], eps, nullptr, dtype);
        });
      }));
}

/// The same for out = x + gate y: dx = d, dgate = sum over T of d y, dy = gate d.
Tensor record_gated_residual(const Tensor& out, const Tensor& x, const Tensor& gate, const Tensor& y) {
  return record("gated_residual", out, {x, gate, y}, save_input(1) | save_input(2),
                fused(
                    [](const Backward& d) -> Grads {
                      Tensor y = d.input(2);
                      if (!d.accepts_rounded(2)) y = reduced::widened(y);
                      auto g = kernels::gated_residual_backward(d.grad(), d.input(1), y);
                      return {d.grad(), g.gate, g.y};
                    },
                    each([](const Backward& d) { return d.grad(); },
                         [](const Backward& d) { return sum(d.grad() * reduced::widened(d.input(2)), {1}); },
                         [](const Backward& d) { return unsqueeze(d.input(1), 1) * d.grad(); })),
                // dx + gate dy + dgate y
                [&](const Tangents& d) {
                  Tensor dout = d[0];
                  const auto add = [&](const Tensor& factor, const Tensor& branch) {
                    dout = dout.defined() ? gated_residual(dout, factor, branch)
                                          : unsqueeze(factor, 1) * reduced::widened(branch);
                  };
                  if (d[2].defined()) add(gate, d[2]);
                  if (d[1].defined()) add(d[1], y);
                  return dout;
                });
}
}  // namespace

namespace {
Tensor modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps, DType dtype) {
  check_rows("layer_norm_modulate", x, "shift", shift);
  check_rows("layer_norm_modulate", x, "scale", scale);
  Tensor statistics;  // [B * T, 2]
  const Tensor y = kernels::layer_norm_modulate(x, shift, scale, eps, &statistics, dtype);
  return record_modulate(y, statistics, x, shift, scale, eps);
}
}  // namespace

Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps) {
  return modulate(x, shift, scale, eps, x.dtype());
}

Tensor reduced::layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps) {
  return modulate(x, shift, scale, eps, dtype_for_products(x));
}

Tensor gated_residual(const Tensor& x, const Tensor& gate, const Tensor& y) {
  check_rows("gated_residual", x, "gate", gate);
  check<ShapeError>(x.shape() == y.shape(), "[gated_residual] x has shape ", x.shape(), ", y ", y.shape());
  return record_gated_residual(kernels::gated_residual(x, gate, y), x, gate, y);
}

namespace {
GatedNorm gate_and_modulate(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                            const Tensor& scale, double eps, DType dtype) {
  check_rows("gated_residual_norm", x, "gate", gate);
  check_rows("gated_residual_norm", x, "shift", shift);
  check_rows("gated_residual_norm", x, "scale", scale);
  check<ShapeError>(x.shape() == y.shape(), "[gated_residual_norm] x has shape ", x.shape(), ", y ", y.shape());
  Tensor statistics;  // [B * T, 2]
  const auto out = kernels::gated_residual_norm(x, gate, y, shift, scale, eps, &statistics, dtype);
  // Two operations for the graph, computed in one pass.
  const Tensor residual = record_gated_residual(out.residual, x, gate, y);
  return {residual, record_modulate(out.normalized, statistics, residual, shift, scale, eps)};
}
}  // namespace

GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps) {
  return gate_and_modulate(x, gate, y, shift, scale, eps, x.dtype());
}

GatedNorm reduced::gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                                       const Tensor& scale, double eps) {
  return gate_and_modulate(x, gate, y, shift, scale, eps, dtype_for_products(x));
}

}  // namespace ditharos
