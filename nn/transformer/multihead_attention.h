#pragma once
// Multi-head attention with the parameters, masks and results of torch.nn.MultiheadAttention. nn::Attention is the
// attention of this library's models: other names in the state dict, rotary positions, grouped heads.
#include <ditharos/nn/linear.h>

namespace ditharos::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;          ///< of the attention weights, in training
  bool bias = true;            ///< of the projections
  int64_t kdim = 0;            ///< width of the keys; 0: embed_dim
  int64_t vdim = 0;            ///< width of the values; 0: embed_dim
  bool batch_first = false;    ///< sequences are [B, T, E] instead of [T, B, E]
  bool add_bias_kv = false;    ///< one more key and value, which are trained: bias_k, bias_v
  bool add_zero_attn = false;  ///< one more key and value of zeros
};

/// The optional arguments of a call. Masks are booleans, where true means that a key is not attended to, or numbers
/// that are added to the scores. That is the opposite of scaled_dot_product_attention(), as in PyTorch.
struct MultiheadAttentionInputs {
  Tensor key_padding_mask = {};      ///< [B, S]; [S] without a batch
  bool need_weights = true;          ///< return the weights; without them, the fused kernels run
  Tensor attn_mask = {};             ///< [T, S], or [B * heads, T, S]
  bool average_attn_weights = true;  ///< return the mean of the heads' weights
  bool is_causal = false;            ///< query i attends to the keys up to i; not read where there is an attn_mask

  /// The tensors that may need a gradient, for nn::checkpoint.
  template <class F>
  void visit_tensors(F&& f) {
    f(key_padding_mask), f(attn_mask);
  }
};

struct [[nodiscard]] MultiheadAttentionResult {
  Tensor output;   ///< in the shape of the queries
  Tensor weights;  ///< [B, T, S], or [B, heads, T, S] if not averaged, without B for sequences without; undefined
                   ///< unless needed
};

/// softmax(q k^T / sqrt(E / heads)) v for linear maps q, k, v of the queries, keys and values, and a last linear map
/// (Vaswani et al. 2017). queries [T, B, E], keys [S, B, kdim], values [S, B, vdim], as `batch_first` says, or all
/// without B. The state dict has in_proj_weight [3 E, E], or q_proj_weight, k_proj_weight and v_proj_weight if kdim or
/// vdim differ from E; in_proj_bias [3 E]; bias_k and bias_v [1, 1, E] with add_bias_kv; out_proj.weight,
/// out_proj.bias. The keys that add_bias_kv and add_zero_attn append are not masked, and have columns of their own in
/// the weights. A query whose keys are all masked gives the bias of out_proj (in PyTorch: NaN).
class MultiheadAttention : public Module<MultiheadAttention> {
 public:
  MultiheadAttention() = default;
  MultiheadAttention(int64_t embed_dim, int64_t num_heads, const MultiheadAttentionOptions& options = {},
                     Generator& rng = default_generator());

  MultiheadAttentionResult forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const MultiheadAttentionInputs& inputs = {}) const;
  /// The call operator of Module with declared arguments, which takes braces: mha(q, k, v, {.need_weights = false}).
  MultiheadAttentionResult operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const MultiheadAttentionInputs& inputs = {}) const {
    return call([&] { return forward(query, key, value, inputs); });
  }
  void visit(Visitor& v) override;

  Parameter in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v;
  Linear out_proj;

 private:
  void check_sequences(const Tensor& query, const Tensor& key, const Tensor& value) const;
  bool appends_keys() const { return options_.add_bias_kv || options_.add_zero_attn; }
  void append_keys(std::vector<Tensor>& parts, Tensor& mask) const;
  std::vector<Tensor> projected(const Tensor& query, const Tensor& key, const Tensor& value) const;

  int64_t width_ = 0, heads_ = 1;
  MultiheadAttentionOptions options_;
};

}  // namespace ditharos::nn
