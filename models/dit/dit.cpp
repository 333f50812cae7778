#include <ditharos/models/dit/dit.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/nn/checkpoint.h>

namespace ditharos::models {

DiT::DiT(const DiTConfig& config, Generator& rng) : config_(config) {
  config.validate();
  pos_embed_ = position_table(config.rows(), config.columns(), config.hidden);
  x_embedder_ = PatchEmbed(config.channels, config.patch, config.hidden, rng);
  t_embedder_ = nn::TimestepEmbedder(config.hidden, rng);
  if (config.classes > 0) label_table_.emplace(config.classes + 1, config.hidden, rng, .02);
  for (int64_t i = 0; i < config.depth; ++i) blocks_.emplace_back(config, rng);
  final_layer_ = FinalLayer(config.hidden, config.patch * config.patch * config.out_channels(), rng);
}

Tensor DiT::forward(const Tensor& x, const Tensor& t, const Tensor& labels) const {
  check_inputs(x, t, labels);
  Tensor condition = t_embedder_(t);  // [B, D]
  if (label_table_) condition = condition + (*label_table_)(labels);
  const Tensor activated = silu(condition);

  Tensor h = x_embedder_(x) + pos_embed_;  // [B, T, D]
  const bool recompute = recompute_ && grad_enabled();
  for (const DiTBlock& block : blocks_) h = recompute ? nn::checkpoint(block, h, activated) : block(h, activated);
  const Tensor tokens = final_layer_(h, activated);
  return unpatchify(tokens, config_.rows(), config_.columns(), config_.patch);
}

void DiT::check_inputs(const Tensor& x, const Tensor& t, const Tensor& labels) const {
  check<ShapeError>(x.rank() == 4 && x.size(1) == config_.channels && x.size(2) == config_.height &&
                        x.size(3) == config_.width,
                    "[DiT] x must have shape [B, ", config_.channels, ", ", config_.height, ", ", config_.width,
                    "], got ", x.shape());
  check<ShapeError>(t.shape() == Shape{x.size(0)}, "[DiT] t must have one time a picture, shape [", x.size(0),
                    "], got ", t.shape());
  if (!label_table_) {
    check<ShapeError>(!labels.defined(), "[DiT] this model has no classes: call it without labels");
    return;
  }
  check<ShapeError>(labels.defined() && labels.shape() == t.shape(), "[DiT] labels must have one class a picture, ",
                    "shape ", t.shape(), ", got ", labels.defined() ? to_text(labels.shape()) : "none");
  check<DTypeError>(labels.dtype() == DType::i64, "[DiT] labels must be i64, got ", labels.dtype());
  for (const int64_t label : labels.to_vector<int64_t>()) {
    check<Error>(label >= 0 && label <= config_.classes, "[DiT] a label must be in [0, ", config_.classes - 1, "] or ",
                 config_.classes, " for no class, got ", label);
  }
}

void DiT::visit(nn::Visitor& v) {  // PyTorch lists a module's own tensors before those of its parts
  v.buffer("pos_embed", pos_embed_);
  v("x_embedder", x_embedder_);
  v("t_embedder", t_embedder_);
  v("y_embedder.embedding_table", label_table_);
  v("blocks", blocks_);
  v("final_layer", final_layer_);
}

}  // namespace ditharos::models
