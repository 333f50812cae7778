#pragma once
// Which shapes of clips a video model can make, and which of those that it was trained on suits a request.
#include <string>
#include <vector>

#include <ditharos/data/datasets/clip_shape.h>
#include <ditharos/models/dit/latent_dit.h>

namespace ditharos::pipelines {

/// ConfigError that names the size, what it must be a multiple of, and the nearest that fits, unless the model can make
/// clips of this shape; also when it would take too much memory. `what` names the setting.
void check_clip_shape(const models::LatentDiT& model, const data::SampleShape& shape, const std::string& what);

/// The one of `trained` (not empty) nearest to `wanted` by the ratios of frames, height and width, of those that have
/// what the user gave, if there are such ones. What was given is kept in any case.
struct WantedShape {
  data::SampleShape shape;
  bool frames_given = false, size_given = false;
};
[[nodiscard]] data::SampleShape nearest_trained(const std::vector<data::SampleShape>& trained,
                                                const WantedShape& wanted);
/// The size among those of `trained` in which a clip of height x width should be shown to the model: the same one, or
/// the one with the nearest proportions, the first of equally near ones.
[[nodiscard]] data::FrameSize size_for(const std::vector<data::SampleShape>& trained, int64_t height, int64_t width);

}  // namespace ditharos::pipelines
