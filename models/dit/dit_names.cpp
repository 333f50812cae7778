#include <ditharos/models/dit/dit_names.h>

namespace ditharos::models {

nn::NameMap official_dit_names() {
  nn::NameMap names;
  names.ignore("feat_rope.freqs_cos");
  names.ignore("feat_rope.freqs_sin");
  return names;
}

nn::NameMap diffusers_dit_names(const DiTConfig& config) {
  nn::NameMap names{
      {.own = "x_embedder.proj.{*}", .published = {"pos_embed.proj.{*}"}},
      {.own = "blocks.{i}.attn.qkv.{*}",
       .published = {"transformer_blocks.{i}.attn1.to_q.{*}", "transformer_blocks.{i}.attn1.to_k.{*}",
                     "transformer_blocks.{i}.attn1.to_v.{*}"}},
      {.own = "blocks.{i}.attn.proj.{*}", .published = {"transformer_blocks.{i}.attn1.to_out.0.{*}"}},
      {.own = "blocks.{i}.mlp.fc1.{*}", .published = {"transformer_blocks.{i}.ff.net.0.proj.{*}"}},
      {.own = "blocks.{i}.mlp.fc2.{*}", .published = {"transformer_blocks.{i}.ff.net.2.{*}"}},
      {.own = "blocks.{i}.adaLN_modulation.1.{*}", .published = {"transformer_blocks.{i}.norm1.linear.{*}"}},
      {.own = "final_layer.adaLN_modulation.1.{*}", .published = {"proj_out_1.{*}"}},
      {.own = "final_layer.linear.{*}", .published = {"proj_out_2.{*}"}}};
  const std::pair<std::string, std::string> embedders[] = {
      {"t_embedder.mlp.0.{*}", "timestep_embedder.linear_1.{*}"},
      {"t_embedder.mlp.2.{*}", "timestep_embedder.linear_2.{*}"},
      {"y_embedder.embedding_table.{*}", "class_embedder.embedding_table.{*}"}};
  for (const auto& [own, published] : embedders) {
    if (config.per_block_embedders) {
      names.add({.own = "embedders.{i}." + own, .published = {"transformer_blocks.{i}.norm1.emb." + published}});
      continue;
    }
    nn::NameRule rule{.own = own, .published = {}, .copies = true};
    for (int64_t i = 0; i < config.depth; ++i)
      rule.published.push_back("transformer_blocks." + std::to_string(i) + ".norm1.emb." + published);
    names.add(std::move(rule));
  }
  return names;
}

}  // namespace ditharos::models
