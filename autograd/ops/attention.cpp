// Multi-head self-attention on a packed projection.
#include <cmath>

#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/kernels/attention/attention.h>
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

Tensor attention(const Tensor& qkv, int64_t heads) { return reduced::widened(reduced::attention(qkv, heads)); }

Tensor reduced::attention(const Tensor& input, int64_t heads) {
  Tensor qkv = input;
  check<ShapeError>(qkv.rank() == 3 && heads >= 1 && qkv.size(2) % (3 * heads) == 0,
                    "[attention] needs qkv [B, T, 3 D] with D divisible by ", heads, " heads, got ", qkv.shape());
  round_operands(qkv);
  if (qkv.dtype() == DType::bf16 && tangent_of(qkv).defined()) return to(attention_composite(qkv, heads), DType::bf16);
  Tensor kept;  // the softmax of short sequences, its statistics for long ones and of dual tensors
  const Tensor out = tangent_of(qkv).defined()
                         ? kernels::attention_keeping(kernels::AttentionKeeps::statistics, qkv, heads, &kept)
                         : kernels::attention(qkv, heads, grad_enabled() && needs_grad(qkv) ? &kept : nullptr);
  const auto composite =
      derivative_of([heads](const std::vector<Tensor>& in) { return attention_composite(in[0], heads); });
  // dV = P^T dO; dS = P (dP - rowsum(dO O)), dP = dO V^T; dQ = dS K / sqrt(d), dK = dS^T Q / sqrt(d)
  return record(
      "attention", out, {qkv}, save_inputs | save_output,
      fused(each([kept = Saved(kept), heads](const Backward& d) {
              return kernels::attention_backward(d.grad(), d.input(0), d.output(), d.intermediate(kept), heads);
            }),
            composite),
      // dO = dP V + P dV; dP = P (dS - rowsum(P dS)), dS = (dQ K^T + Q dK^T) / sqrt(d)
      fused([&](const Tangents& d) { return kernels::attention_tangent(d[0], qkv, out, kept, heads); }, composite));
}

}  // namespace ditharos
