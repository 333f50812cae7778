#pragma once
// Does a clip show what its caption asks for? The thing, its motion and the sky, judged on the frames alone.
#include <cstdint>
#include <optional>
#include <vector>

#include <ditharos/data/synthetic/clip_measure.h>
#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/models/evaluation/conv_classifier.h>

namespace ditharos::examples {

/// The leading things of made clips as data::measure_clip crops them, each with its class: what a classifier for clips
/// is trained on. Clip i is made in shapes[i mod shapes]; every frame in which a thing is found gives a picture.
/// ConfigError without a shape.
data::Dataset crops_of(const data::MovingGarments& clips, const std::vector<data::SampleShape>& shapes);

/// What a clip shows.
struct ClipVerdict {
  std::optional<int64_t> label;  ///< class of the thing: the most probable one over all frames; none: nothing was seen
  std::optional<data::Motion> motion;
  data::Sky sky = data::Sky::dawn;
};
/// Judges frames u8 [F, 3, H, W] with a classifier of crops, which must be in evaluation mode.
ClipVerdict judge_clip(const models::ConvClassifier& classifier, const Tensor& frames);

/// How often something was asked for, and how often it was shown.
struct Share {
  int64_t shown = 0, asked = 0;
  double value() const { return asked == 0 ? 0 : static_cast<double>(shown) / static_cast<double>(asked); }
};
struct ClipScore {
  Share thing, motion, sky;
  Share direction;  ///< motion, where it is left, right, up or down
};
/// What the captions say of the leading thing and of the sky, against the clips that were made for them. Error unless
/// there are as many of both.
ClipScore score_clips(const std::vector<data::CaptionFacts>& captions, const std::vector<ClipVerdict>& clips);
/// Every caption against all clips but its own: what clips score whose captions were shuffled.
ClipScore score_shuffled(const std::vector<data::CaptionFacts>& captions, const std::vector<ClipVerdict>& clips);

}  // namespace ditharos::examples
