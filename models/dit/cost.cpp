#include <ditharos/models/dit/cost.h>

#include <ditharos/models/dit/context.h>
#include <ditharos/models/dit/embedding/coordinates.h>
#include <ditharos/models/dit/embedding/prompt_embedder.h>
#include <ditharos/tensor/checked.h>

namespace ditharos::models {
namespace {

int64_t product(std::initializer_list<int64_t> factors) { return checked_product<ConfigError>("DiT", factors); }
int64_t sum(std::initializer_list<int64_t> terms) { return checked_sum<ConfigError>("DiT", terms); }

/// The layers of a model, added up one by one: what they hold, and what they multiply for one sample.
struct Cost {
  int64_t trainable = 0, stored = 0, macs = 0;

  Cost& parameters(int64_t count) {
    trainable = sum({trainable, count});
    return *this;
  }
  Cost& buffer(int64_t count) {
    stored = sum({stored, count});
    return *this;
  }
  Cost& products(int64_t count) {
    macs = sum({macs, count});
    return *this;
  }
  /// A linear layer that `rows` vectors pass.
  Cost& linear(int64_t in, int64_t out, int64_t rows, bool bias = true) {
    return parameters(product({in + (bias ? 1 : 0), out})).products(product({in, out, rows}));
  }
  /// q k^T and the sum of values, over all heads of `width` numbers together.
  Cost& attention(int64_t queries, int64_t keys, int64_t width) { return products(product({2, queries, keys, width})); }
  Cost& add(const Cost& other, int64_t times) {
    parameters(product({other.trainable, times}));
    buffer(product({other.stored, times}));
    return products(product({other.macs, times}));
  }
};

void add_norm(Cost& cost, const DiTConfig& c) {
  const bool affine = c.condition_tokens() > 0;
  if (affine || c.norm == Norm::rms) cost.parameters(c.hidden);
  if (affine && c.norm == Norm::layer) cost.parameters(c.hidden);
}

void add_tables(Cost& cost, const DiTConfig& c) {
  if (c.positions == Positions::none) return;
  const int64_t side = c.position_scale.max_size, frames = c.frames > 1 ? c.grid().frames : 0;
  const int64_t vectors = sum({side > 0 ? product({side, side}) : c.tokens(), frames});
  if (c.positions == Positions::learned) cost.parameters(product({vectors, c.hidden}));
  else if (c.stored_positions) cost.buffer(product({vectors, c.hidden}));
}

Cost embedder_cost(const DiTConfig& c) {
  Cost cost;
  const int64_t d = c.hidden;
  if (c.step_embedding == StepEmbedding::sinusoidal) cost.linear(256, d, 1).linear(d, d, 1);
  else cost.linear(c.step_bits, d, 1);
  if (c.interval_times) cost.linear(256, d, 1).linear(d, d, 1);
  if (c.condition() == Condition::label) cost.parameters(product({c.classes + 1, d}));
  if (c.condition() == Condition::text_embedding) cost.linear(c.text_embedding, d, 1);
  if (c.pooled_projection_dim > 0) cost.linear(c.pooled_projection_dim, d, 1).linear(d, d, 1);
  if (c.size_conditions) {
    const int64_t third = d / 3;
    for (const int64_t numbers : {2, 1}) cost.linear(256, third, numbers).linear(third, third, numbers);
  }
  return cost;
}

/// Vectors of the condition of a sample with one time: prompts with frequency bands differ from frame to frame.
int64_t condition_vectors(const DiTConfig& c, int64_t frames) {
  return c.condition() == Condition::prompt && c.frequency_bands > 0 ? frames : 1;
}

void add_prompt_encoder(Cost& cost, const DiTConfig& c, int64_t frames) {
  const int64_t d = c.hidden, w = c.text.width, length = c.text.length, bands = c.frequency_bands;
  cost.parameters(sum({count_parameters(c.text), count_prompt_embedder(w, bands, d)}));
  Cost block;
  block.linear(w, 4 * w, length).linear(w, 8 * w, length).attention(length, length, w);
  cost.products(product({block.macs, c.text.depth}));
  cost.products(sum({product({2 * w, d}), product({d, d, condition_vectors(c, frames)})}));
  if (bands > 0) cost.products(product({coordinate_width(bands), d, frames}));
}

/// One self-attention of T tokens: projections, and products along the axes.
void add_self_attention(Cost& cost, const DiTConfig& c, int64_t tokens) {
  const int64_t d = c.hidden;
  cost.linear(d, 3 * d, tokens, c.qkv_bias).linear(d, d, tokens);
  if (c.qk_norm) cost.parameters(2 * c.head_size());
}

/// The self-attention of the block with this index.
void add_attention(Cost& cost, const DiTConfig& c, const PatchGrid& grid, int64_t index) {
  const int64_t d = c.hidden, positions = product({grid.rows, grid.columns}),
                extra = c.conditioning == Conditioning::in_context ? c.condition_tokens() : 0;
  const int64_t tokens = sum({product({positions, grid.frames}), extra});
  const auto along = [&](AttentionAxes axes, int64_t width) {
    switch (axes) {
      case AttentionAxes::joint: cost.attention(tokens, tokens, width); return;
      case AttentionAxes::spatial: cost.attention(tokens, positions, width); return;
      case AttentionAxes::temporal: cost.attention(tokens, grid.frames, width);
    }
  };
  add_self_attention(cost, c, tokens);
  switch (c.attention) {
    case AttentionLayout::joint:
    case AttentionLayout::factorised:
    case AttentionLayout::late_fusion: return along(attention_axes(c.attention, index, c.depth), d);
    case AttentionLayout::sequential:
      add_self_attention(cost, c, tokens);
      along(AttentionAxes::spatial, d);
      return along(AttentionAxes::temporal, d);
    case AttentionLayout::split_heads: along(AttentionAxes::spatial, d / 2); along(AttentionAxes::temporal, d / 2);
  }
}

/// The cross-attention of `tokens` tokens to `keys` others, both of width D.
void add_cross_attention(Cost& cost, const DiTConfig& c, int64_t tokens, int64_t keys) {
  const int64_t d = c.hidden;
  cost.linear(d, d, tokens, c.qkv_bias).linear(d, 2 * d, keys, c.qkv_bias).linear(d, d, tokens);
  cost.attention(tokens, keys, d);
}

Cost block_cost(const DiTConfig& c, const PatchGrid& grid, int64_t index, int64_t text_tokens) {
  Cost cost;
  const int64_t d = c.hidden, hidden = c.mlp_hidden(),
                extra = c.conditioning == Conditioning::in_context ? c.condition_tokens() : 0;
  const int64_t tokens = sum({grid.tokens(), extra});
  add_norm(cost, c);
  add_attention(cost, c, grid, index);
  if (c.condition() == Condition::prompt) {
    const int64_t length = c.text.length, w = c.text.width;
    cost.parameters(2 * d).linear(d, d, tokens).linear(w, 2 * d, length).linear(d, d, tokens);
    cost.attention(tokens, length, d);
  }
  if (c.conditioning == Conditioning::cross_attention) {
    add_norm(cost, c);
    add_cross_attention(cost, c, tokens, c.condition_tokens());
  }
  if (c.attends_to_text(index)) add_cross_attention(cost, c, tokens, text_tokens);
  add_norm(cost, c);
  cost.linear(d, c.mlp == MlpKind::swiglu ? 2 * hidden : hidden, tokens).linear(hidden, d, tokens);
  const int64_t chunks = c.modulation_chunks();
  if (c.conditioning == Conditioning::ada_ln_single) cost.parameters(product({chunks, d}));
  else if (chunks > 0) cost.linear(d, chunks * d, condition_vectors(c, grid.frames));
  return cost;
}

/// A stream of a joint block without its attention's products; `chunks` vectors modulate it.
void add_stream(Cost& cost, const DiTConfig& c, int64_t tokens, bool continues, int64_t chunks) {
  const int64_t d = c.hidden, hidden = c.mlp_hidden();
  cost.linear(d, 3 * d, tokens, c.qkv_bias).linear(d, chunks * d, 1);
  if (c.qk_norm) cost.parameters(2 * c.head_size());
  if (continues) cost.linear(d, d, tokens).linear(d, hidden, tokens).linear(hidden, d, tokens);
}

Cost joint_block_cost(const DiTConfig& c, const PatchGrid& grid, int64_t index, int64_t text_tokens) {
  Cost cost;
  const int64_t tokens = grid.tokens(), both = sum({tokens, text_tokens});
  const bool dual = index < c.dual_attention_blocks, last = index == c.depth - 1;
  add_stream(cost, c, tokens, true, dual ? 9 : 6);
  add_stream(cost, c, text_tokens, !last, last ? 2 : 6);
  cost.attention(both, both, c.hidden);
  if (!dual) return cost;
  add_self_attention(cost, c, tokens);
  return cost.attention(tokens, tokens, c.hidden);
}

/// What makes tokens of a text's features.
void add_text_projection(Cost& cost, const DiTConfig& c, int64_t text_tokens) {
  cost.linear(c.caption_channels, c.hidden, text_tokens);
  if (c.conditioning != Conditioning::joint_streams) cost.linear(c.hidden, c.hidden, text_tokens);
}

void add_blocks(Cost& cost, const DiTConfig& c, const PatchGrid& grid, int64_t text_tokens) {
  // Blocks of the same axes are the same.
  const bool both = c.attention == AttentionLayout::factorised || c.attention == AttentionLayout::late_fusion;
  const int64_t temporal = both ? c.depth / 2 : 0;
  cost.add(block_cost(c, grid, 0, text_tokens), c.depth - temporal);
  cost.add(block_cost(c, grid, c.first_temporal_block(), text_tokens), temporal);
}

/// Of one sample with this grid.
Cost cost_of(const DiTConfig& c, const PatchGrid& grid, int64_t text_tokens) {
  c.validate();
  Cost cost;
  const int64_t d = c.hidden, tokens = product({grid.frames, grid.rows, grid.columns});
  add_tables(cost, c);
  cost.linear(c.patch_volume(), d, tokens);
  if (c.frequency_bands > 0) cost.linear(coordinate_width(c.frequency_bands), d, tokens);
  cost.add(embedder_cost(c), c.per_block_embedders ? c.depth : 1);
  if (c.condition() == Condition::prompt) add_prompt_encoder(cost, c, grid.frames);
  if (c.condition() == Condition::text) add_text_projection(cost, c, text_tokens);
  const bool single = c.conditioning == Conditioning::ada_ln_single;
  if (single) cost.linear(d, c.modulation_chunks() * d, condition_vectors(c, grid.frames));
  if (c.conditioning == Conditioning::joint_streams) {
    for (int64_t i = 0; i < c.depth; ++i) cost.add(joint_block_cost(c, grid, i, text_tokens), 1);
  } else {
    add_blocks(cost, c, grid, text_tokens);
  }
  add_norm(cost, c);
  if (single) cost.parameters(2 * d);
  else if (c.modulation_chunks() > 0) cost.linear(d, 2 * d, condition_vectors(c, grid.frames));
  cost.linear(d, c.out_volume(), tokens);
  return cost;
}

}  // namespace

DiTCounts count_parameters(const DiTConfig& config) {
  const Cost cost = cost_of(config, {1, 1, 1}, 1);
  return {cost.trainable, sum({cost.trainable, cost.stored})};
}

int64_t count_macs(const DiTConfig& config, const Shape& sample, int64_t text_tokens) {
  config.validate();
  check<ConfigError>(text_tokens >= 1 && text_tokens <= 1 << 24, "[count_macs] a text has between 1 and ", 1 << 24,
                     " tokens, got ", text_tokens);
  const bool image = sample.rank() == 3;
  check<ShapeError>((image || sample.rank() == 4) && sample[sample.rank() - 3] == config.channels,
                    "[count_macs] a sample must have shape [", config.channels, ", H, W], or [F, ", config.channels,
                    ", H, W] for clips, got ", sample);
  const Shape clips{1, image ? 1 : sample[0], config.channels, sample[sample.rank() - 2], sample[sample.rank() - 1]};
  return cost_of(config, patch_grid(clips, config.patch), text_tokens).macs;
}

int64_t count_macs(const DiTConfig& config) {
  return count_macs(config, {config.frames, config.channels, config.height, config.width});
}

}  // namespace ditharos::models
