#pragma once
// Options of scaled_dot_product_attention(), with PyTorch's names and defaults.
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

class Generator;

struct ScaledDotProductOptions {
  Tensor attn_mask = {};   ///< broadcasts to [..., H, T, S]: true for keys that are attended to, or numbers to add
  double dropout_p = 0;    ///< in [0, 1): of the weights. Not switched off outside of training
  bool is_causal = false;  ///< query i attends to the keys up to i; also beside a mask, unlike in PyTorch
  std::optional<double> scale = {};  ///< of the products of queries and keys; by default 1 / sqrt(D)
  bool enable_gqa = false;           ///< k and v have fewer heads, each for H / their number neighbouring ones of q
  Generator* rng = nullptr;          ///< for the dropout; by default default_generator()
};
/// softmax(scale q k^T + mask) v for q [..., T, D], k [..., S, D], v [..., S, E] with any number of leading axes, the
/// last of which are the heads; they are equal, but for the heads with enable_gqa. Masked queries and keys are treated
/// as by scaled_dot_product_attention() of ops.h, which computes it. With dropout the weights [..., T, S] are in
/// memory.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const ScaledDotProductOptions& options);

}  // namespace ditharos
