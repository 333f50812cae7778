#include <ditharos/tensor/kernels/attention.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/kernels/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/isa/attention_isa.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

template <class T> const AttentionLoops<T>& loops();
template <> const AttentionLoops<float>& loops() { return isa_kernels<AttentionKernels>().f32; }
template <> const AttentionLoops<double>& loops() { return isa_kernels<AttentionKernels>().f64; }

thread_local Workspace scratch;

struct Sizes {
  int64_t batch, tokens, width, heads, head_size;
};

Sizes sizes_of(const char* op, const Tensor& qkv, int64_t heads) {
  check<ShapeError>(qkv.rank() == 3, "[", op, "] qkv must be [batch, tokens, 3 * width], got ", qkv.shape());
  check<ShapeError>(heads >= 1 && qkv.size(2) % (3 * heads) == 0, "[", op, "] the last axis of qkv ", qkv.shape(),
                    " must be a multiple of 3 * heads with heads = ", heads);
  const int64_t width = qkv.size(2) / 3;
  return {qkv.size(0), qkv.size(1), width, heads, width / heads};
}

void check_like(const char* op, const char* name, const Tensor& t, const Shape& shape, DType dtype) {
  check<ShapeError>(t.shape() == shape, "[", op, "] ", name, " must be ", shape, ", got ", t.shape());
  check<DTypeError>(t.dtype() == dtype, "[", op, "] ", name, " is ", t.dtype(), ", qkv is ", dtype);
}

Shape sums_shape(const Sizes& s) { return {s.batch, s.heads, s.tokens}; }
Shape weights_shape(const Sizes& s) { return {s.batch, s.heads, s.tokens, attention_weights_ld(s.tokens)}; }

/// Counts that many products of a T x T matrix with one of head_size columns for every head.
void count_products(const Sizes& s, int products) {
  count_flops(2.0 * products * double(s.batch) * double(s.tokens) * double(s.tokens) * double(s.width));
}

/// Where head i, numbered over all samples, begins in [batch, tokens, 3 * width] and in [batch, tokens, width].
int64_t packed_offset(const Sizes& s, int64_t i) {
  return i / s.heads * s.tokens * 3 * s.width + i % s.heads * s.head_size;
}
int64_t plain_offset(const Sizes& s, int64_t i) { return i / s.heads * s.tokens * s.width + i % s.heads * s.head_size; }

template <class T>
AttentionHead<T> head_of(const Sizes& s, const T* qkv, int64_t i) {
  const T* q = qkv + packed_offset(s, i);
  const T scale = T(1) / std::sqrt(static_cast<T>(s.head_size));
  return {s.tokens, s.head_size, 3 * s.width, s.width, scale, q, q + s.width, q + 2 * s.width};
}

/// Fetches the rows of a head into the cache while the one before is computed. They lie apart, one part of a longer row
/// each, which the hardware does not foresee; where rows are few, waiting for them costs as much as computing.
template <class T>
void prefetch_rows(const Sizes& s, const T* first, int64_t ld) {
  constexpr int64_t line = 64;
  for (int64_t i = 0; i < s.tokens; ++i) {
    const char* row = reinterpret_cast<const char*>(first + i * ld);
    for (int64_t at = 0; at < s.head_size * int64_t(sizeof(T)); at += line) __builtin_prefetch(row + at, 0, 2);
  }
}
template <class T>
void prefetch(const Sizes& s, const AttentionHead<T>& head) {
  for (const T* part : {head.q, head.k, head.v}) prefetch_rows(s, part, head.ld);
}
bool few_rows(const Sizes& s) { return s.tokens <= 128; }

/// Runs body(head, next, scratch) for every head, numbered over all samples; each owns its part of the results. `next`
/// is the head that the same thread takes next, or `head` itself after the last.
template <class T>
void for_each_head(const Sizes& s, FunctionRef<void(int64_t head, int64_t next, T* scratch)> body) {
  if (s.tokens == 0 || s.head_size == 0) return;
  const int64_t elements = loops<T>().scratch_elements(s.tokens, s.head_size);
  // Heads of a sample lie side by side, so a thread takes whole samples where there are enough of them.
  const int64_t heads = s.batch * s.heads, group = std::max<int64_t>(1, s.batch / (8 * num_threads())) * s.heads;
  const int64_t step = s.batch >= 4 * num_threads() ? group : 1;
  parallel_tasks((heads + step - 1) / step, [&](int64_t task) {
    const int64_t end = std::min(heads, (task + 1) * step);
    for (int64_t i = task * step; i < end; ++i) body(i, std::min(i + 1, end - 1), scratch.get<T>(elements));
  });
}

}  // namespace

AttentionKeeps attention_keeps(int64_t tokens) {
  return tokens <= attention_tile ? AttentionKeeps::weights : AttentionKeeps::log_sum_exp;
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
  count_products(s, 2);  // q k^T, P v
  visit_floating("attention", qkv.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (kept) *kept = Tensor(weights ? weights_shape(s) : sums_shape(s), qkv.dtype());
    const int64_t kept_of_head = weights ? s.tokens * attention_weights_ld(s.tokens) : s.tokens;
    const T* from = in.data<T>();
    T* to = out.mutable_data<T>();
    T* keep = kept ? kept->mutable_data<T>() : nullptr;
    for_each_head<T>(s, [&](int64_t i, int64_t next, T* memory) {
      if (few_rows(s)) prefetch(s, head_of(s, from, next));
      T* of_head = keep ? keep + i * kept_of_head : nullptr;
      loops<T>().forward(head_of(s, from, i), to + plain_offset(s, i), weights ? nullptr : of_head,
                         weights ? of_head : nullptr, memory);
    });
  });
  return out;
}

Tensor attention_backward(const Tensor& grad, const Tensor& qkv, const Tensor& out, const Tensor& kept,
                          int64_t heads) {
  const Sizes s = sizes_of("attention_backward", qkv, heads);
  const bool weights = kept.rank() == 4;
  check_like("attention_backward", "gradient", grad, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like("attention_backward", "out", out, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like("attention_backward", "kept", kept, weights ? weights_shape(s) : sums_shape(s), qkv.dtype());
  const Tensor in = contiguous(qkv), g = contiguous(grad), o = contiguous(out), keep = contiguous(kept);
  count_products(s, weights ? 4 : 5);  // dP, dV, dQ, dK, and P again unless it was kept
  const Tensor dqkv(qkv.shape(), qkv.dtype());
  visit_floating("attention_backward", qkv.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t kept_of_head = weights ? s.tokens * attention_weights_ld(s.tokens) : s.tokens;
    const T *from = in.data<T>(), *gp = g.data<T>(), *op = o.data<T>(), *kp = keep.data<T>();
    T* to = dqkv.mutable_data<T>();
    for_each_head<T>(s, [&](int64_t i, int64_t next, T* memory) {
      if (few_rows(s)) {
        prefetch(s, head_of(s, from, next));
        prefetch_rows(s, op + plain_offset(s, next), s.width);
        prefetch_rows(s, gp + plain_offset(s, next), s.width);
      }
      const T* of_head = kp + i * kept_of_head;
      T* dq = to + packed_offset(s, i);
      loops<T>().backward(head_of(s, from, i), op + plain_offset(s, i), weights ? nullptr : of_head,
                          weights ? of_head : nullptr, gp + plain_offset(s, i), dq, dq + s.width, dq + 2 * s.width,
                          memory);
    });
  });
  return dqkv;
}

}  // namespace ditharos::kernels
