#pragma once
// Measures whether clips show what their captions describe: the object, its motion and the sky, from the frames alone.
#include <cstdint>
#include <optional>
#include <vector>

#include <ditharos/data/synthetic/clip_measure.h>
#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/models/evaluation/conv_classifier.h>

namespace ditharos::models {

/// The leading objects of synthetic clips as data::measure_clip crops them, each with its class: the training set of a
/// classifier for clips. Clip i is rendered in shapes[i mod shapes]; every frame in which an object is found gives an
/// image. ConfigError without a shape.
[[nodiscard]] data::Dataset object_crops(const data::MovingGarments& clips,
                                         const std::vector<data::SampleShape>& shapes);

/// The properties that were measured on a clip.
struct ClipPrediction {
  std::optional<int64_t> label;  ///< class of the object: the most probable one over all frames; none: no object found
  std::optional<data::Motion> motion;
  data::Sky sky = data::Sky::dawn;
};
/// Classifies a clip, frames u8 [F, 3, H, W], with a classifier of crops, which must be in evaluation mode.
[[nodiscard]] ClipPrediction classify_clip(const ConvClassifier& classifier, const Tensor& frames);

/// How often captions describe a property, and how often their clips show it.
struct Share {
  int64_t shown = 0, asked = 0;
  double value() const { return asked == 0 ? 0 : static_cast<double>(shown) / static_cast<double>(asked); }
};
struct ClipScore {
  Share object, motion, sky;
  Share direction;  ///< motion, where it is left, right, up or down
};
/// Compares captions with the clips that were sampled for them: the leading object and the sky. Error unless there are
/// as many captions as clips.
[[nodiscard]] ClipScore score_clips(const std::vector<data::CaptionFacts>& captions,
                                    const std::vector<ClipPrediction>& clips);
/// Compares every caption with all clips but its own: the chance level, the score of shuffled captions.
[[nodiscard]] ClipScore score_shuffled(const std::vector<data::CaptionFacts>& captions,
                                       const std::vector<ClipPrediction>& clips);

}  // namespace ditharos::models
