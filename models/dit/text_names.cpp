#include <ditharos/models/dit/text_names.h>

namespace ditharos::models {
namespace {

/// An attention with separate projections, to_q, to_k, to_v and to_out.
void add_attention(nn::NameMap& names, const std::string& own, const std::string& published) {
  names.add({.own = own + ".qkv.{*}",
             .published = {published + ".to_q.{*}", published + ".to_k.{*}", published + ".to_v.{*}"}});
  names.add({.own = own + ".proj.{*}", .published = {published + ".to_out.0.{*}"}});
  for (const char* part : {"q", "k"})
    names.add({.own = own + "." + part + "_norm.weight", .published = {published + ".norm_" + part + ".weight"}});
}

void add_mlp(nn::NameMap& names, const std::string& own, const std::string& published) {
  names.add({.own = own + ".fc1.{*}", .published = {published + ".net.0.proj.{*}"}});
  names.add({.own = own + ".fc2.{*}", .published = {published + ".net.2.{*}"}});
}

/// Two linear layers with an activation between them, "mlp" of an embedder here.
void add_embedder(nn::NameMap& names, const std::string& own, const std::string& published) {
  names.add({.own = own + ".mlp.0.{*}", .published = {published + ".linear_1.{*}"}});
  names.add({.own = own + ".mlp.2.{*}", .published = {published + ".linear_2.{*}"}});
}

/// A block with adaLN-single, with cross-attention or without.
void add_single_block(nn::NameMap& names, const std::string& own, const std::string& published) {
  add_attention(names, own + ".attn", published + ".attn1");
  const std::string cross = own + ".cross_attn", attn2 = published + ".attn2";
  names.add({.own = cross + ".q.{*}", .published = {attn2 + ".to_q.{*}"}});
  names.add({.own = cross + ".kv.{*}", .published = {attn2 + ".to_k.{*}", attn2 + ".to_v.{*}"}});
  names.add({.own = cross + ".proj.{*}", .published = {attn2 + ".to_out.0.{*}"}});
  add_mlp(names, own + ".mlp", published + ".ff");
  names.add({.own = own + ".scale_shift_table", .published = {published + ".scale_shift_table"}});
}

/// What PixArt and Latte have besides their blocks.
nn::NameMap single_names() {
  nn::NameMap names{{.own = "x_embedder.proj.{*}", .published = {"pos_embed.proj.{*}"}},
                    {.own = "t_block.1.{*}", .published = {"adaln_single.linear.{*}"}},
                    {.own = "y_embedder.y_proj.fc1.{*}", .published = {"caption_projection.linear_1.{*}"}},
                    {.own = "y_embedder.y_proj.fc2.{*}", .published = {"caption_projection.linear_2.{*}"}},
                    {.own = "final_layer.scale_shift_table", .published = {"scale_shift_table"}},
                    {.own = "final_layer.linear.{*}", .published = {"proj_out.{*}"}}};
  add_embedder(names, "t_embedder", "adaln_single.emb.timestep_embedder");
  add_embedder(names, "csize_embedder", "adaln_single.emb.resolution_embedder");
  add_embedder(names, "ar_embedder", "adaln_single.emb.aspect_ratio_embedder");
  return names;
}

}  // namespace

nn::NameMap pixart_names() {
  nn::NameMap names = single_names();
  add_single_block(names, "blocks.{i}", "transformer_blocks.{i}");
  return names;
}

nn::NameMap latte_text_names(const DiTConfig& config) {
  nn::NameMap names = single_names();
  for (int64_t i = 0; i < config.depth; ++i)
    add_single_block(names, "blocks." + std::to_string(i),
                     (i % 2 == 0 ? "transformer_blocks." : "temporal_transformer_blocks.") + std::to_string(i / 2));
  return names;
}

nn::NameMap sd3_names(const DiTConfig& config) {
  const std::string last = std::to_string(config.depth - 1), modulation = ".context_block.adaLN_modulation.1.{*}";
  nn::NameMap names{
      {.own = "joint_blocks." + last + modulation,
       .published = {"transformer_blocks." + last + ".norm1_context.linear.{*}"},
       .swap_halves = true},
      {.own = "joint_blocks.{i}" + modulation, .published = {"transformer_blocks.{i}.norm1_context.linear.{*}"}},
      {.own = "joint_blocks.{i}.x_block.adaLN_modulation.1.{*}",
       .published = {"transformer_blocks.{i}.norm1.linear.{*}"}},
      {.own = "final_layer.adaLN_modulation.1.{*}", .published = {"norm_out.linear.{*}"}, .swap_halves = true},
      {.own = "final_layer.linear.{*}", .published = {"proj_out.{*}"}},
      {.own = "pos_embed", .published = {"pos_embed.pos_embed"}},
      {.own = "x_embedder.proj.{*}", .published = {"pos_embed.proj.{*}"}}};
  const std::string block = "transformer_blocks.{i}.", clip = "joint_blocks.{i}.x_block.",
                    text = "joint_blocks.{i}.context_block.", attn = block + "attn.";
  add_attention(names, clip + "attn", block + "attn");
  add_attention(names, clip + "attn2", block + "attn2");
  names.add({.own = text + "attn.qkv.{*}",
             .published = {attn + "add_q_proj.{*}", attn + "add_k_proj.{*}", attn + "add_v_proj.{*}"}});
  names.add({.own = text + "attn.proj.{*}", .published = {attn + "to_add_out.{*}"}});
  names.add({.own = text + "attn.q_norm.weight", .published = {attn + "norm_added_q.weight"}});
  names.add({.own = text + "attn.k_norm.weight", .published = {attn + "norm_added_k.weight"}});
  add_mlp(names, clip + "mlp", block + "ff");
  add_mlp(names, text + "mlp", block + "ff_context");
  add_embedder(names, "t_embedder", "time_text_embed.timestep_embedder");
  add_embedder(names, "y_embedder", "time_text_embed.text_embedder");
  return names;
}

}  // namespace ditharos::models
