// Attention with masks and with keys of another sequence, beside the same in public operations.
#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

enum class MaskKind { causal, flags, padding };

struct AttentionSizes {
  std::string name;
  MaskKind mask;
  int64_t batch, heads, queries, keys, head_size;
};

/// A projection [batch, rows, heads * head_size], seen as [batch, heads, rows, head_size].
Tensor projection(const AttentionSizes& s, int64_t rows) {
  return random({s.batch, rows, s.heads, s.head_size}).permute({0, 2, 1, 3}).detach();
}

/// Booleans: each key with probability 3/4 or, as for captions of all lengths, the first ones of each sample.
Tensor mask_of(const AttentionSizes& s) {
  if (s.mask == MaskKind::causal) return {};
  if (s.mask == MaskKind::flags)
    return less(Generator(3).uniform({s.batch, 1, s.queries, s.keys}), scalar(.75, DType::f32));
  const Tensor lengths = reshape(arange(s.batch, DType::i64) + scalar(1, DType::i64), {s.batch, 1, 1, 1});
  return less(arange(s.keys, DType::i64) * scalar(s.batch, DType::i64), lengths * scalar(s.keys, DType::i64));
}

/// True where a key is masked out for a query, [B or 1, 1, T or 1, S].
Tensor blocked_of(const AttentionSizes& s) {
  if (s.mask == MaskKind::causal) return triu(ones({1, 1, s.queries, s.keys}, DType::boolean), 1);
  return logical_not(mask_of(s));
}

/// Operations of `products` products with head_size columns, over the pairs of a query and a key that are not blocked.
double flops(const AttentionSizes& s, int products) {
  const Tensor open = kernels::to(logical_not(blocked_of(s)), DType::f64);
  return 2.0 * products * double(s.batch * s.heads * s.queries * s.keys * s.head_size) * mean(open).item();
}

/// In public operations, with the matrix of all scores.
Tensor composed(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& blocked) {
  const Tensor scores = matmul(q, transpose(k, -2, -1)) * (1 / std::sqrt(double(q.size(3))));
  return matmul(masked_fill(softmax(masked_fill(scores, blocked, -1e30), -1), blocked, 0), v);
}

using Attend = std::function<Tensor(const Tensor& q, const Tensor& k, const Tensor& v)>;

/// Forward alone, and the gradients of q, k and v of a graph that is made once.
void add_directions(std::vector<Case>& cases, const std::string& name, const AttentionSizes& s, const Attend& attend) {
  cases.push_back({name + "/forward", [=] {
                     return Work{
                         .run =
                             [=, q = projection(s, s.queries), k = projection(s, s.keys), v = projection(s, s.keys)] {
                               const NoGrad guard;
                               attend(q, k, v);
                             },
                         .flops = flops(s, 2)};
                   }});
  cases.push_back(
      {name + "/backward", [=] {
         const Tensor q = projection(s, s.queries).set_requires_grad(), k = projection(s, s.keys).set_requires_grad();
         const Tensor v = projection(s, s.keys).set_requires_grad(), out = attend(q, k, v),
                      weight = projection(s, s.queries);
         return Work{.run = [=] { grad({out}, {q, k, v}, {weight}, {.retain_graph = true}); }, .flops = flops(s, 5)};
       }});
}

}  // namespace

void add_attention_cases(std::vector<Case>& cases) {
  for (const AttentionSizes& s : {AttentionSizes{"causal_256", MaskKind::causal, 8, 6, 256, 256, 64},
                                  AttentionSizes{"flags_256", MaskKind::flags, 8, 6, 256, 256, 64},
                                  AttentionSizes{"padding_280", MaskKind::padding, 8, 6, 280, 280, 64},
                                  AttentionSizes{"captions_128", MaskKind::padding, 8, 6, 128, 24, 32},
                                  AttentionSizes{"captions_512", MaskKind::padding, 8, 6, 512, 24, 32}}) {
    const Tensor mask = mask_of(s);
    const bool causal = s.mask == MaskKind::causal;
    add_directions(cases, "scaled_dot_product_attention/" + s.name, s,
                   [=](const Tensor& q, const Tensor& k, const Tensor& v) {
                     return scaled_dot_product_attention(q, k, v, mask, causal);
                   });
    add_directions(cases, "composed_attention/" + s.name, s,
                   [blocked = blocked_of(s)](const Tensor& q, const Tensor& k, const Tensor& v) {
                     return composed(q, k, v, blocked);
                   });
  }
}

}  // namespace ditharos::bench
