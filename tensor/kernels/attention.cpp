#include <ditharos/tensor/kernels/attention.h>

#include <cmath>

#include <ditharos/tensor/kernels/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/isa/attention_isa.h>
#include <ditharos/tensor/kernels/workspace.h>
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

/// Head h of sample b in qkv [batch, tokens, 3 * width].
template <class T>
AttentionHead<T> head_of(const Sizes& s, const T* qkv, int64_t b, int64_t h) {
  const T* q = qkv + b * s.tokens * 3 * s.width + h * s.head_size;
  const T scale = T(1) / std::sqrt(static_cast<T>(s.head_size));
  return {s.tokens, s.head_size, 3 * s.width, s.width, scale, q, q + s.width, q + 2 * s.width};
}

/// Runs body(sample, head, scratch) for every head; each owns its part of the results.
template <class T>
void for_each_head(const Sizes& s, FunctionRef<void(int64_t b, int64_t h, T* scratch)> body) {
  if (s.tokens == 0 || s.head_size == 0) return;
  const int64_t elements = loops<T>().scratch_elements(s.tokens, s.head_size);
  parallel_tasks(s.batch * s.heads, [&](int64_t task) {
    body(task / s.heads, task % s.heads, scratch.get<T>(elements));
  });
}

}  // namespace

Tensor attention(const Tensor& qkv, int64_t heads, Tensor* log_sum_exp) {
  const Sizes s = sizes_of("attention", qkv, heads);
  const Tensor in = contiguous(qkv), out({s.batch, s.tokens, s.width}, qkv.dtype());
  visit_floating("attention", qkv.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (log_sum_exp) *log_sum_exp = Tensor({s.batch, s.heads, s.tokens}, qkv.dtype());
    const T* from = in.data<T>();
    T* to = out.mutable_data<T>();
    T* sums = log_sum_exp ? log_sum_exp->mutable_data<T>() : nullptr;
    for_each_head<T>(s, [&](int64_t b, int64_t h, T* memory) {
      loops<T>().forward(head_of(s, from, b, h), to + b * s.tokens * s.width + h * s.head_size,
                         sums ? sums + (b * s.heads + h) * s.tokens : nullptr, memory);
    });
  });
  return out;
}

Tensor attention_backward(const Tensor& grad, const Tensor& qkv, const Tensor& out, const Tensor& log_sum_exp,
                          int64_t heads) {
  const Sizes s = sizes_of("attention_backward", qkv, heads);
  check_like("attention_backward", "gradient", grad, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like("attention_backward", "out", out, {s.batch, s.tokens, s.width}, qkv.dtype());
  check_like("attention_backward", "log_sum_exp", log_sum_exp, {s.batch, s.heads, s.tokens}, qkv.dtype());
  const Tensor in = contiguous(qkv), g = contiguous(grad), o = contiguous(out), sums = contiguous(log_sum_exp);
  const Tensor dqkv(qkv.shape(), qkv.dtype());
  visit_floating("attention_backward", qkv.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = in.data<T>(), *gp = g.data<T>(), *op = o.data<T>(), *lp = sums.data<T>();
    T* to = dqkv.mutable_data<T>();
    for_each_head<T>(s, [&](int64_t b, int64_t h, T* memory) {
      const int64_t at = b * s.tokens * s.width + h * s.head_size;
      T* dq = to + b * s.tokens * 3 * s.width + h * s.head_size;
      loops<T>().backward(head_of(s, from, b, h), op + at, lp + (b * s.heads + h) * s.tokens, gp + at, dq, dq + s.width,
                          dq + 2 * s.width, memory);
    });
  });
  return dqkv;
}

}  // namespace ditharos::kernels
