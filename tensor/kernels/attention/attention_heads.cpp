#include <ditharos/tensor/kernels/attention/attention_heads.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/kernels/attention/attention_isa.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos::kernels {
namespace {

/// T: of sums and gradients; In: of q, k, v and the result.
template <class T, class In>
const AttentionLoops<T, In>& loops();
template <>
const AttentionLoops<float>& loops() {
  return isa_kernels<AttentionKernels>().f32;
}
template <>
const AttentionLoops<double>& loops() {
  return isa_kernels<AttentionKernels>().f64;
}
template <>
const AttentionLoops<float, bfloat16>& loops() {
  return isa_kernels<AttentionKernels>().bf16;
}

thread_local Workspace scratch, chosen_keys, key_biases;

/// A head of a sample.
struct HeadIndex {
  int64_t sample, head;
};

/// A tensor [B, H, rows, columns] as its heads.
template <class T>
struct Heads {
  T* data;
  Tensor tensor;

  HeadRows<T> at(HeadIndex p) const {
    const Strides& s = tensor.strides();
    return {data + p.sample * s[0] + p.head * s[1], s[2]};
  }
};
template <class T>
Heads<const T> to_read(const Tensor& x) {
  return {x.data<T>(), x};
}
template <class T>
Heads<T> to_write(const Tensor& x) {
  return {x.mutable_data<T>(), x};
}

/// Prefetches the rows of a head while the previous one is computed. The rows are parts of longer rows, so the
/// hardware does not prefetch them; with few rows the latency would be as long as the computation.
template <class T>
void prefetch(const Heads<const T>& x, HeadIndex next) {
  constexpr int64_t line = 64, few_rows = 128;
  const int64_t rows = x.tensor.size(2), bytes = x.tensor.size(3) * int64_t(sizeof(T));
  if (rows > few_rows) return;
  const auto [first, ld] = x.at(next);
  for (int64_t i = 0; i < rows; ++i) {
    const char* row = reinterpret_cast<const char*>(first + i * ld);
    for (int64_t at = 0; at < bytes; at += line) __builtin_prefetch(row + at, 0, 2);
  }
}

/// Sets the mask of the head. With a mask that is the same for every query, masked keys are skipped.
template <class T, class In>
void set_mask(AttentionHead<T, In>& head, const Tensor& mask, const Strides& strides, HeadIndex p) {
  const int64_t at = p.sample * strides[0] + p.head * strides[1], row = strides[2], column = strides[3];
  const bool* seen = mask.dtype() == DType::boolean ? mask.data<bool>() + at : nullptr;
  const T* bias = seen ? nullptr : mask.data<T>() + at;
  if (row != 0 && head.queries > 1) {
    head.mask = {.bias = bias, .seen = seen, .row = row, .column = column};
    return;
  }
  int64_t* chosen = chosen_keys.get<int64_t>(head.keys);
  T* added = key_biases.get<T>(head.keys);
  int64_t count = 0;
  bool plain = true;  // the mask adds only zeros
  for (int64_t j = 0; j < head.keys; ++j) {
    const T b = seen ? T(0) : bias[j * column];
    if (seen ? !seen[j * column] : b == -INFINITY) continue;
    plain = plain && b == T(0);
    chosen[count] = j;
    added[count++] = b;
  }
  if (count < head.keys) head.chosen = chosen;
  if (!plain) head.mask.key_bias = added;
  head.keys = count;
}

/// The operands with elements of In.
template <class T, class In>
struct Operands {
  const AttentionOperands& in;
  Heads<const In> q = to_read<In>(in.q), k = to_read<In>(in.k), v = to_read<In>(in.v);
  Strides mask = in.mask.defined() ? broadcast_strides(in.mask, in.scores_shape()) : Strides{};

  explicit Operands(const AttentionOperands& operands) : in(operands) {}

  AttentionHead<T, In> head(HeadIndex p) const {
    const T scale = T(1) / std::sqrt(static_cast<T>(std::max<int64_t>(in.q.size(3), 1)));
    AttentionHead<T, In> head{in.q.size(2), in.k.size(2), in.q.size(3), in.v.size(3), scale,
                              q.at(p),      k.at(p),      v.at(p),      in.k.size(2)};
    if (in.mask.defined() && in.mask.numel() > 0) set_mask(head, in.mask, mask, p);
    head.mask.causal = in.causal;
    return head;
  }

  void prefetch_head(HeadIndex next) const {
    for (const auto* x : {&q, &k, &v}) prefetch(*x, next);
  }

  /// Runs body(index, next, scratch) for every head; each owns its part of the results. `next` is the head that the
  /// same thread takes next, or `index` itself after the last.
  void for_each_head(FunctionRef<void(HeadIndex index, HeadIndex next, T* scratch)> body) const {
    const int64_t batch = in.q.size(0), heads = in.q.size(1);
    if (batch * heads == 0) return;
    const int64_t elements = loops<T, In>().scratch_elements(in.k.size(2), in.q.size(3), in.v.size(3));
    // Heads of a sample are adjacent in memory, so a thread takes whole samples where there are enough of them.
    const int64_t group = std::max<int64_t>(1, batch / (8 * num_threads())) * heads;
    const int64_t step = batch >= 4 * num_threads() ? group : 1;
    const auto index_of = [&](int64_t i) { return HeadIndex{i / heads, i % heads}; };
    parallel_tasks((batch * heads + step - 1) / step, [&](int64_t task) {
      const int64_t end = std::min(batch * heads, (task + 1) * step);
      for (int64_t i = task * step; i < end; ++i)
        body(index_of(i), index_of(std::min(i + 1, end - 1)), scratch.get<T>(elements));
    });
  }
};

/// Counts `by_head` products of every pair of a query and a key with head_size columns, `by_value` with value_size.
void count_products(const AttentionOperands& in, int by_head, int by_value) {
  const double queries = double(in.q.size(2)), keys = double(in.k.size(2)), both = std::min(queries, keys);
  // Under a causal mask query i meets min(i + 1, keys) keys.
  const double pairs = in.causal ? both * (both + 1) / 2 + (queries - both) * keys : queries * keys;
  const double columns = by_head * double(in.q.size(3)) + by_value * double(in.v.size(3));
  count_flops(2 * double(in.q.size(0) * in.q.size(1)) * pairs * columns);
}

/// The saved results of a head: the weights or their statistics, the other one null.
template <class T>
struct Kept {
  T *statistics = nullptr, *weights = nullptr;

  Kept(T* data, const Tensor& kept, HeadIndex p) {
    if (!kept.defined()) return;
    T* of_head = data + p.sample * kept.strides()[0] + p.head * kept.strides()[1];
    (kept.rank() == 4 ? weights : statistics) = of_head;
  }
};

}  // namespace

void attend(const char* op, const AttentionOperands& in, const Tensor& out, const Tensor& kept) {
  count_products(in, 1, 1);  // q k^T, P v
  visit_product_operand(op, in.q.dtype(), [&](auto zero) {
    using In = decltype(zero);
    using T = ProductOf<In>;
    const Operands<T, In> operands(in);
    const Heads<In> to = to_write<In>(out);
    T* keep = kept.defined() ? kept.mutable_data<T>() : nullptr;
    operands.for_each_head([&](HeadIndex index, HeadIndex next, T* memory) {
      operands.prefetch_head(next);
      const Kept<T> of_head(keep, kept, index);
      loops<T, In>().forward(operands.head(index), to.at(index), of_head.statistics, of_head.weights, memory);
    });
  });
}

void attend_backward(const char* op, const AttentionOperands& in, const Tensor& out, const Tensor& kept,
                     const Tensor& grad, const AttentionGrads& to) {
  const bool again = kept.rank() == 3;   // P is computed again
  count_products(in, again ? 3 : 2, 2);  // P, dQ, dK; dP, dV
  visit_product_operand(op, in.q.dtype(), [&](auto zero) {
    using In = decltype(zero);
    using T = ProductOf<In>;
    const Operands<T, In> operands(in);
    const Heads<const In> o = to_read<In>(out);
    const Heads<const T> g = to_read<T>(grad);
    const Heads<T> dq = to_write<T>(to.q), dk = to_write<T>(to.k), dv = to_write<T>(to.v);
    const T* keep = kept.data<T>();
    operands.for_each_head([&](HeadIndex index, HeadIndex next, T* memory) {
      operands.prefetch_head(next);
      prefetch(o, next);
      prefetch(g, next);
      const Kept<const T> of_head(keep, kept, index);
      loops<T, In>().backward(operands.head(index), o.at(index), of_head.statistics, of_head.weights, g.at(index),
                              {dq.at(index), dk.at(index), dv.at(index)}, memory);
    });
  });
}

void attend_tangent(const char* op, const AttentionOperands& in, const AttentionGrads& tangents, const Tensor& out,
                    const Tensor& statistics, const Tensor& to) {
  count_products(in, 3, 2);  // P, dq k^T, q dk^T; (P dS) v, P dv
  visit_floating(op, in.q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Operands<T, T> operands(in);
    const Heads<const T> o = to_read<T>(out), dq = to_read<T>(tangents.q), dk = to_read<T>(tangents.k),
                         dv = to_read<T>(tangents.v);
    const Heads<T> result = to_write<T>(to);
    const T* keep = statistics.data<T>();
    operands.for_each_head([&](HeadIndex index, HeadIndex next, T* memory) {
      operands.prefetch_head(next);
      const Kept<const T> of_head(keep, statistics, index);
      loops<T, T>().tangent(operands.head(index), {dq.at(index), dk.at(index), dv.at(index)}, o.at(index),
                            of_head.statistics, result.at(index), memory);
    });
  });
}

}  // namespace ditharos::kernels
