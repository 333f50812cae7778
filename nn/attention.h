#pragma once
#include <optional>

#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// The configuration of an Attention.
struct AttentionOptions {
  int64_t width = 0;          ///< D, of the tokens and of the result
  int64_t heads = 1;          ///< of the queries
  int64_t head_size = 0;      ///< of each head; 0: D / heads, which must be an integer
  int64_t kv_heads = 0;       ///< of keys and values, each for heads / kv_heads heads of queries (Ainslie et al. 2023);
                              ///< divides `heads`; 0: as many as `heads`
  int64_t context_width = 0;  ///< of the tokens that are attended to; 0: self-attention
  bool qk_norm = false;       ///< RMS norm of each head's queries and keys (Henry et al. 2020)
  bool causal = false;        ///< a token attends to itself and those before it; self-attention only
  bool bias = true;           ///< of the projections
  bool qkv_bias = true;       ///< false: only the last projection has a bias
  bool zero_output = false;   ///< the last projection's weight starts at zero: the result is its bias at first
  bool output = true;         ///< false: no last projection, the result is [B, T, heads * head size]
  double scale = 0;           ///< of the scores q k^T; 0: 1 / sqrt(head size)

  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
};

/// Cosines and sines of the angles by which rope() rotates the queries and keys of T tokens, [T, head size / 2] each.
struct RotaryTable {
  Tensor cosines = {}, sines = {};
  RopePairs pairs = RopePairs::halves;
};

/// The optional arguments of an attention beside its tokens.
struct AttentionInputs {
  Tensor context = {};         ///< [B, S, context_width], of cross-attention
  Tensor mask = {};            ///< as in scaled_dot_product_attention: broadcasts to [B, heads, T, S]; booleans, or
                               ///< numbers that are added to the scores, which may need a gradient
  RotaryTable positions = {};  ///< of self-attention; undefined: tokens have no positions

  /// The tensors that may need a gradient, for nn::checkpoint.
  template <class F>
  void visit_tensors(F&& f) {
    f(context), f(mask);
  }
};

/// Attention among tokens with packed queries, keys and values [B, T, 3 D] -> [B, T, D], with the mask and the rotary
/// positions of `inputs`. Without a mask it runs the fused kernel.
Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionInputs& inputs, bool causal = false);

/// Multi-head attention (Vaswani et al. 2017) among tokens, or from tokens to a context. Keys in a state dict: qkv, or
/// q and kv, then q_norm and k_norm, then proj. Self-attention that is not causal and has no mask runs the fused kernel
/// on packed queries, keys and values.
class Attention : public Module<Attention> {
 public:
  Attention() = default;
  Attention(const AttentionOptions& options, Generator& rng);
  Attention(int64_t width, int64_t heads, Generator& rng)
      : Attention(AttentionOptions{.width = width, .heads = heads}, rng) {}

  /// x [B, T, D] -> [B, T, D]. Error for a context in self-attention and for a missing one in cross-attention.
  Tensor forward(const Tensor& x, const AttentionInputs& inputs = {}) const;
  /// The same for a branch that gated_residual or another product reads: bf16 in an Autocast scope
  /// (autograd/ops/reduced.h), unless hooks want to see it.
  Tensor reduced(const Tensor& x, const AttentionInputs& inputs = {}) const;
  /// Self-attention in another way: attend(qkv) makes of packed queries, keys and values [B, T, 3 D], after their
  /// norms, what the last projection takes, [B, T, D].
  template <class F>
  Tensor with(const Tensor& x, const F& attend) const {
    return call([&] { return projected(attend(packed(in_(x)))); });
  }
  void visit(Visitor& v) override;

 private:
  void check_inputs(const AttentionInputs& inputs) const;
  bool is_packed() const;
  Tensor packed(const Tensor& qkv) const;
  Tensor queries(const Tensor& q) const;
  Tensor normalized(const Tensor& x, const Parameter& factors) const;
  Tensor repeated(const Tensor& x) const;
  Tensor read(const Tensor& x, const AttentionInputs& inputs) const;
  Tensor projected(const Tensor& read) const;

  int64_t heads_ = 1, kv_heads_ = 1, head_size_ = 0;
  double query_factor_ = 1;  // the scale in units of 1 / sqrt(head size), by which the operations multiply scores
  bool causal_ = false;
  Linear in_;                  // to queries, keys and values; of cross-attention to queries
  std::optional<Linear> kv_;   // of cross-attention
  Parameter q_norm_, k_norm_;  // [head size], factors after the RMS norm; undefined without
  std::optional<Linear> proj_;
};

}  // namespace ditharos::nn
