#include <ditharos/tensor/kernels/attention/attention.h>

#include <ditharos/tensor/kernels/attention/attention_heads.h>
#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos::kernels {
namespace {

struct Sizes {
  int64_t batch, tokens, width, heads, head_size;
};

Sizes sizes_of(const char* op, const Tensor& qkv, int64_t heads) {
  check<ShapeError>(qkv.rank() == 3, "[", op, "] qkv must be [batch, tokens, 3 * width], got ", qkv.shape());
  check<ShapeError>(heads >= 1 && qkv.size(2) % (3 * heads) == 0, "[", op, "] the last axis of qkv ", qkv.shape(),
                    " must be a multiple of 3 * heads with heads = ", heads);
  check_product_operand(op, qkv.dtype());
  const int64_t width = qkv.size(2) / 3;
  return {qkv.size(0), qkv.size(1), width, heads, width / heads};
}

void check_like(const char* op, const char* name, const Tensor& t, const Shape& shape, DType dtype) {
  check<ShapeError>(t.shape() == shape, "[", op, "] ", name, " must be ", shape, ", got ", t.shape());
  check<DTypeError>(t.dtype() == dtype, "[", op, "] ", name, " is ", t.dtype(), " instead of ", dtype);
}

Shape sums_shape(const Sizes& s) { return {s.batch, s.heads, 2 * s.tokens}; }
Shape weights_shape(const Sizes& s) { return {s.batch, s.heads, s.tokens, attention_weights_ld(s.tokens)}; }

/// The columns of contiguous x [batch, tokens, ...] from part * width on, as heads [batch, heads, tokens, head_size].
Tensor heads_of(const Sizes& s, const Tensor& x, int64_t part) {
  const int64_t ld = x.size(2);
  return Tensor(x.storage(), {s.batch, s.heads, s.tokens, s.head_size}, {s.tokens * ld, s.head_size, ld, 1},
                x.offset() + part * s.width, x.dtype());
}
AttentionOperands operands_of(const Sizes& s, const Tensor& qkv) {
  return {heads_of(s, qkv, 0), heads_of(s, qkv, 1), heads_of(s, qkv, 2)};
}

}  // namespace

AttentionKeeps attention_keeps(int64_t tokens) {
  return tokens <= attention_tile ? AttentionKeeps::weights : AttentionKeeps::statistics;
}

Tensor attention(const Tensor& qkv, int64_t heads, Tensor* kept) {
  return attention_keeping(attention_keeps(sizes_of("attention", qkv, heads).tokens), qkv, heads, kept);
}

Tensor attention_keeping(AttentionKeeps what, const Tensor& qkv, int64_t heads, Tensor* kept) {
  const Sizes s = sizes_of("attention", qkv, heads);
  const bool weights = what == AttentionKeeps::weights;
  check<ShapeError>(!weights || s.tokens <= attention_tile, "[attention] the weights are kept for at most ",
                    attention_tile, " tokens, got ", s.tokens);
  const Tensor in = contiguous(qkv), out({s.batch, s.tokens, s.width}, qkv.dtype());
  const Tensor keep = kept ? Tensor(weights ? weights_shape(s) : sums_shape(s), product_dtype(qkv.dtype())) : Tensor{};
  attend("attention", operands_of(s, in), heads_of(s, out, 0), keep);
  if (kept) *kept = keep;
  return out;
}

Tensor attention_backward(const Tensor& grad, const Tensor& qkv, const Tensor& out, const Tensor& kept, int64_t heads) {
  const Sizes s = sizes_of("attention_backward", qkv, heads);
  const DType sums = product_dtype(qkv.dtype());
  check_like("attention_backward", "gradient", grad, {s.batch, s.tokens, s.width}, sums);
  check_like("attention_backward", "out", out, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like("attention_backward", "kept", kept, kept.rank() == 4 ? weights_shape(s) : sums_shape(s), sums);
  const Tensor dqkv(qkv.shape(), sums);
  const auto [q, k, v, mask, causal] = operands_of(s, dqkv);
  attend_backward("attention_backward", operands_of(s, contiguous(qkv)), heads_of(s, contiguous(out), 0),
                  contiguous(kept), heads_of(s, contiguous(grad), 0), {q, k, v});
  return dqkv;
}

Tensor attention_tangent(const Tensor& dqkv, const Tensor& qkv, const Tensor& out, const Tensor& statistics,
                         int64_t heads) {
  constexpr const char* op = "attention_tangent";
  const Sizes s = sizes_of(op, qkv, heads);
  check_like(op, "tangent", dqkv, qkv.shape(), qkv.dtype());
  check_like(op, "out", out, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like(op, "statistics", statistics, sums_shape(s), qkv.dtype());
  const auto [q, k, v, mask, causal] = operands_of(s, contiguous(dqkv));
  const Tensor to(out.shape(), out.dtype());
  attend_tangent(op, operands_of(s, contiguous(qkv)), {q, k, v}, heads_of(s, contiguous(out), 0),
                 contiguous(statistics), heads_of(s, to, 0));
  return to;
}

}  // namespace ditharos::kernels
