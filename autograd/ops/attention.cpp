// Multi-head self-attention on a packed projection.
#include <cmath>

#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/attention/attention.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {

/// The composite of public operations; the fused kernel computes the same without a [B, H, T, T] in memory.
Tensor attention_composite(const Tensor& rounded, int64_t heads) {
  const Tensor qkv = to(rounded, product_dtype(rounded.dtype()));
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), width = qkv.size(2) / 3, head = width / heads;
  const Tensor split = permute(reshape(qkv, {batch, tokens, 3, heads, head}), {2, 0, 3, 1, 4});  // [3, B, H, T, head]
  const Tensor q = select(split, 0, 0), k = select(split, 0, 1), v = select(split, 0, 2);        // [B, H, T, head]
  const Tensor weights = softmax(matmul(q, transpose(k, -2, -1)) * (1 / std::sqrt(double(head))), -1);
  return reshape(permute(matmul(weights, v), {0, 2, 1, 3}), {batch, tokens, width});
}

}  // namespace

Tensor attention(const Tensor& input, int64_t heads) {
  Tensor qkv = input;
  check<ShapeError>(qkv.rank() == 3 && heads >= 1 && qkv.size(2) % (3 * heads) == 0,
                    "[attention] needs qkv [B, T, 3 D] with D divisible by ", heads, " heads, got ", qkv.shape());
  round_operands(qkv);
  if (qkv.dtype() == DType::bf16 && tangent_of(qkv).defined()) return attention_composite(qkv, heads);
  Tensor kept;  // the softmax of short sequences, the log-sum-exp of long ones and of dual tensors
  const Tensor out =
      tangent_of(qkv).defined()
          ? kernels::attention_keeping(kernels::AttentionKeeps::log_sum_exp, qkv, heads, &kept)
          : kernels::attention(qkv, heads, grad_enabled() && needs_grad(qkv) ? &kept : nullptr);
  const auto composite = derivative_of([heads](const std::vector<Tensor>& in) {
    return attention_composite(in[0], heads);
  });
  // In bf16 the result is kept in half of the memory, by this operation and by those that save it or round it. It loses
  // nothing, because the kernel rounds it.
  const bool reduced = qkv.dtype() == DType::bf16 && grad_enabled() && needs_grad(qkv);
  const Tensor out_kept = reduced ? kernels::to(out, DType::bf16) : Tensor{};
  const auto widen = [](const std::vector<Tensor>& in) { return kernels::to(in[0], DType::f32); };
  std::function<Rematerialization()> recompute;
  if (reduced) recompute = [&] { return Rematerialization({out_kept}, widen); };
  // dV = P^T dO; dS = P (dP - rowsum(dO O)), dP = dO V^T; dQ = dS K / sqrt(d), dK = dS^T Q / sqrt(d)
  return record("attention", out, {qkv}, reduced ? save_inputs : save_inputs | save_output,
                fused(each([kept = Saved(kept), half = Saved(out_kept), heads](const Backward& d) {
                        const Tensor rounded = d.intermediate(half);
                        const Tensor o = rounded.defined() ? kernels::to(rounded, DType::f32) : d.output();
                        return kernels::attention_backward(d.grad(), d.input(0), o, d.intermediate(kept), heads);
                      }),
                      composite),
                // dO = dP V + P dV; dP = P (dS - rowsum(P dS)), dS = (dQ K^T + Q dK^T) / sqrt(d)
                fused([&](const Tangents& d) { return kernels::attention_tangent(d[0], qkv, out, kept, heads); },
                      composite),
                recompute);
}

}  // namespace ditharos
