#pragma once
// Clips side by side in one image.
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::examples {

/// One row per clip, under its prompt, and one column per frame; at most `columns` frames, evenly spaced.
/// clips f32 [B, F, 3, H, W] in [-1, 1].
void save_clip_grid(const std::string& path, const Tensor& clips, const std::vector<std::string>& prompts,
                    int64_t columns = 8, int64_t scale = 3);

}  // namespace ditharos::examples
