#pragma once
// The published names of a T5 encoder's tensors.
#include <vector>

#include <ditharos/nn/name_map.h>

namespace ditharos::models {

/// transformers' T5EncoderModel and the encoder of its other T5 models, whose decoder and lm_head these maps ignore.
/// The embedding table is stored once ("shared.weight"), twice (also as "encoder.embed_tokens.weight", an alias), or
/// under the second name alone; the maps are in this order. nn::best_fit chooses one. T5EncoderModel's own state dict
/// is the second, the files that it saves are the first.
[[nodiscard]] std::vector<nn::NameMap> t5_names();

}  // namespace ditharos::models
