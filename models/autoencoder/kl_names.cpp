#include <ditharos/models/autoencoder/kl_names.h>

#include <string>

namespace ditharos::models {
namespace {

/// The published names of the attention's projections; those of queries, keys and values are one tensor here.
nn::NameMap with_attention(const std::string& q, const std::string& k, const std::string& v, const std::string& out) {
  nn::NameMap names;
  for (const std::string part : {"encoder", "decoder"}) {
    const std::string there = part + ".mid_block.attentions.{i}.", own = there + "attn.";
    names.add({.own = own + "qkv.{*}", .published = {there + q + ".{*}", there + k + ".{*}", there + v + ".{*}"}});
    names.add({.own = own + "proj.{*}", .published = {there + out + ".{*}"}});
  }
  return names;
}

/// A residual block of CompVis's code.
void add_compvis_residual(nn::NameMap& names, const std::string& own, const std::string& published) {
  names.add({.own = own + ".conv_shortcut.{*}", .published = {published + ".nin_shortcut.{*}"}});
  names.add({.own = own + ".{*}", .published = {published + ".{*}"}});
}

}  // namespace

nn::NameMap kl_names() { return with_attention("to_q", "to_k", "to_v", "to_out.0"); }

nn::NameMap kl_names_before_0_18() { return with_attention("query", "key", "value", "proj_attn"); }

nn::NameMap kl_names_compvis(const AutoencoderKLConfig& config) {
  config.validate();
  nn::NameMap names;
  const int64_t channels = config.block_out_channels.back();
  const Shape convolution{-1, channels, 1, 1};  // the projections of attention are 1x1 convolutions there
  for (const std::string part : {"encoder", "decoder"}) {
    const std::string own = part + ".mid_block.", published = part + ".mid.";
    const std::string attention = own + "attentions.0.", there = published + "attn_1.";
    names.add({.own = attention + "group_norm.{*}", .published = {there + "norm.{*}"}});
    names.add({.own = attention + "attn.qkv.weight",
               .published = {there + "q.weight", there + "k.weight", there + "v.weight"},
               .published_shape = convolution});
    names.add(
        {.own = attention + "attn.qkv.bias", .published = {there + "q.bias", there + "k.bias", there + "v.bias"}});
    names.add({.own = attention + "attn.proj.weight",
               .published = {there + "proj_out.weight"},
               .published_shape = convolution});
    names.add({.own = attention + "attn.proj.bias", .published = {there + "proj_out.bias"}});
    add_compvis_residual(names, own + "resnets.0", published + "block_1");
    add_compvis_residual(names, own + "resnets.1", published + "block_2");
    names.add({.own = part + ".conv_norm_out.{*}", .published = {part + ".norm_out.{*}"}});
  }
  add_compvis_residual(names, "encoder.down_blocks.{i}.resnets.{j}", "encoder.down.{i}.block.{j}");
  names.add({.own = "encoder.down_blocks.{i}.downsamplers.0.{*}", .published = {"encoder.down.{i}.downsample.{*}"}});
  const size_t resolutions = config.block_out_channels.size();
  for (size_t i = 0; i < resolutions; ++i) {
    const std::string own = "decoder.up_blocks." + std::to_string(i);
    const std::string published = "decoder.up." + std::to_string(resolutions - 1 - i);
    add_compvis_residual(names, own + ".resnets.{j}", published + ".block.{j}");
    names.add({.own = own + ".upsamplers.0.{*}", .published = {published + ".upsample.{*}"}});
  }
  return names;
}

std::vector<nn::NameMap> kl_name_maps(const AutoencoderKLConfig& config) {
  return {kl_names(), kl_names_before_0_18(), kl_names_compvis(config)};
}

}  // namespace ditharos::models
