#pragma once
// Rectified flow for clips with conditioning frames: one objective for text to video, image to video, extension,
// interpolation and loops.
#include <ditharos/models/diffusion/flow.h>

namespace ditharos::models {

/// Which frames of a training clip are conditioning frames.
enum class FrameMask {
  none,
  first,  ///< image to video
  last,
  first_and_last,  ///< interpolation
  first_quarter,   ///< extension forwards; at least one frame
  last_quarter,    ///< extension backwards
  random           ///< each frame with probability 1/2
};
inline constexpr int frame_masks = 7;

struct FrameFlowConfig {
  FlowConfig flow = {.time_sampling = TimeSampling::logit_normal, .time_scale = 1000};
  // The probability of each mask in training; they add up to 1.
  double none = .6, first = .12, last = .06, first_and_last = .06;
  double first_quarter = .06, last_quarter = .04, random = .06;

  double probability(FrameMask mask) const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const FrameFlowConfig&, const FrameFlowConfig&) = default;
};

/// [B][F]: true for conditioning frames.
using ConditioningMask = std::vector<std::vector<bool>>;

/// Trains a network on clips [B, F, C, H, W] with a time per frame. The frames to generate follow straight paths from
/// noise at t = 0 to data at t = 1, as in Flow; those of one clip share one time. Conditioning frames stay at
/// t = 1, where they are data. The network gets the time of every frame, [B, F], which also marks conditioning frames.
/// The loss is the velocity's mean squared error over the frames to generate.
class FrameFlow : public Objective {
 public:
  explicit FrameFlow(const FrameFlowConfig& config = {});

  /// The conditioning frames of a mask over a clip of `frames`. At least one frame is left to generate: a mask that
  /// would cover all frames leaves out the last one, so a clip of one frame has none. FrameMask::random draws from
  /// `rng`.
  static std::vector<bool> conditioning_frames(FrameMask mask, int64_t frames, Generator& rng);
  /// A mask for each of n clips, drawn with the configuration's probabilities.
  ConditioningMask sample_masks(int64_t n, int64_t frames, Generator& rng) const;

  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  /// The masks are drawn as in training.
  Loss loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition, const Tensor& data,
               double progress, Generator& rng) const override;
  /// Each clip's error, [B], at given times of the frames to generate, masks and noise.
  Tensor loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                    const ConditioningMask& masks, const Tensor& noise) const;
  double progress(double t) const override { return flow_.progress(t); }

 private:
  Loss loss_of_times(const Denoiser& model, const Tensor& data, const std::vector<double>& t, Generator& rng) const;

  FrameFlowConfig config_;
  Flow flow_;
};

}  // namespace ditharos::models
