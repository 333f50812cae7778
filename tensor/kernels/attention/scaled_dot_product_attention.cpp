#include <ditharos/tensor/kernels/attention/scaled_dot_product_attention.h>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

constexpr const char* op = "scaled_dot_product_attention";

/// x [B, H, rows, columns], or a copy where its rows are not contiguous.
Tensor with_rows(const Tensor& x) { return x.size(3) <= 1 || x.strides()[3] == 1 ? x : contiguous(x); }

AttentionOperands with_rows(const AttentionOperands& in) {
  return {with_rows(in.q), with_rows(in.k), with_rows(in.v), in.mask, in.causal};
}

/// [B, H, rows, columns] laid out as [B, rows, H, columns].
Tensor heads_side_by_side(const Tensor& rows_like, int64_t columns, DType dtype) {
  const Tensor x({rows_like.size(0), rows_like.size(2), rows_like.size(1), columns}, dtype);
  return views::permute(x, {0, 2, 1, 3});
}

}  // namespace

Tensor scaled_dot_product_attention(const AttentionOperands& in, Tensor* statistics) {
  const Tensor out = heads_side_by_side(in.q, in.v.size(3), in.q.dtype());
  const DType sums = product_dtype(in.q.dtype());
  const Tensor kept = statistics ? Tensor({in.q.size(0), in.q.size(1), 2 * in.q.size(2)}, sums) : Tensor{};
  attend(op, with_rows(in), out, kept);
  if (statistics) *statistics = kept;
  return out;
}

AttentionGrads scaled_dot_product_attention_backward(const AttentionOperands& in, const Tensor& out,
                                                     const Tensor& statistics, const Tensor& grad) {
  const auto like = [](const Tensor& x) { return heads_side_by_side(x, x.size(3), product_dtype(x.dtype())); };
  const AttentionGrads to{like(in.q), like(in.k), like(in.v)};
  attend_backward(op, with_rows(in), out, statistics, with_rows(grad), to);
  return to;
}

Tensor scaled_dot_product_attention_tangent(const AttentionOperands& in, const AttentionGrads& tangents,
                                            const Tensor& out, const Tensor& statistics) {
  const Tensor to = heads_side_by_side(in.q, in.v.size(3), in.q.dtype());
  attend_tangent(op, with_rows(in), {with_rows(tangents.q), with_rows(tangents.k), with_rows(tangents.v)},
                 with_rows(out), statistics, to);
  return to;
}

}  // namespace ditharos::kernels
