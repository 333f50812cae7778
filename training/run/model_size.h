#pragma once
// The size of a model that a file describes, compared with what the file holds.
#include <cstdint>
#include <string>

#include <ditharos/nn/module.h>

namespace ditharos::training {

/// The most tokens of one sample, image or clip: beyond it time and memory are impractical.
inline constexpr int64_t max_tokens = 8192;

/// IoError naming `path` unless the tensors have `described` elements together. Called before a model is built from the
/// file's own configuration, which may describe any size.
void check_model_size(const std::string& path, const nn::NamedTensors& tensors, int64_t described);

}  // namespace ditharos::training
