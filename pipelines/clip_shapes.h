#pragma once
// The shapes of clips that a video model can generate, and the choice among those that it was trained on.
#include <string>
#include <vector>

#include <ditharos/data/datasets/clips/clip_shape.h>
#include <ditharos/models/dit/latent_dit.h>

namespace ditharos::pipelines {

/// ConfigError unless the model can generate clips of this shape in the memory that max_tokens stands for. The message
/// names the size, what it must be a multiple of, and the nearest size that fits. `what` names the setting.
void check_clip_shape(const models::LatentDiT& model, const data::SampleShape& shape, const std::string& what);

/// The shape of `trained` (not empty) nearest to `wanted` by the ratios of frames, height and width. Shapes that agree
/// with what the user gave come first. What the user gave is kept in any case.
struct WantedShape {
  data::SampleShape shape;
  bool frames_given = false, size_given = false;
};
[[nodiscard]] data::SampleShape nearest_trained(const std::vector<data::SampleShape>& trained,
                                                const WantedShape& wanted);
/// The size among those of `trained` to which a clip of height x width should be scaled: the same size, or the one with
/// the nearest proportions, the first of equally near ones.
[[nodiscard]] data::FrameSize size_for(const std::vector<data::SampleShape>& trained, int64_t height, int64_t width);

}  // namespace ditharos::pipelines
