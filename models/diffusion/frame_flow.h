#pragma once
// Rectified flow for clips with conditioning frames: one recipe for text to video, images set in motion,
// extension, interpolation and loops.
#include <ditharos/models/diffusion/flow.h>

namespace ditharos::models {

/// Which frames of a training clip are conditioning frames.
enum class FrameMask {
  none,
  first,           ///< an image set in motion
  last,
  first_and_last,  ///< interpolation
  first_quarter,   ///< extension forwards; at least one frame
  last_quarter,    ///< extension backwards
  random           ///< each frame with probability 1/2
};
inline constexpr int frame_masks = 7;

struct FrameFlowConfig {
  FlowConfig flow = {.time_sampling = TimeSampling::logit_normal, .time_scale = 1000};
  // How often a training clip gets each mask; they add up to 1.
  double none = .6, first = .12, last = .06, first_and_last = .06;
  double first_quarter = .06, last_quarter = .04, random = .06;

  double probability(FrameMask mask) const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const FrameFlowConfig&, const FrameFlowConfig&) = default;
};

/// For every frame of every clip whether it is a conditioning frame: [B][F].
using ConditioningMask = std::vector<std::vector<bool>>;

/// Trains a network on clips [B, F, C, H, W] whose frames have times of their own. The frames to be made go from noise
/// at t = 0 to data at t = 1 on straight paths, as in RectifiedFlow, all frames of a clip at one time. Conditioning
/// frames stay at t = 1, where they are data. The network is told every frame's time, [B, F], and so which these are.
/// The loss is the velocity's mean squared error over the frames to be made.
class FrameFlow : public Objective {
 public:
  explicit FrameFlow(const FrameFlowConfig& config = {});

  /// The conditioning frames of a mask over a clip of `frames`. At least one frame is left to be made: where the mask
  /// has all, the last frame is left out, and of a single frame none remains. `rng` serves FrameMask::random.
  static std::vector<bool> conditioning_frames(FrameMask mask, int64_t frames, Generator& rng);
  /// A mask for each of n clips, drawn with the configuration's probabilities.
  ConditioningMask sample_masks(int64_t n, int64_t frames, Generator& rng) const;

  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  /// Each clip's error, [B], at given times of the frames to be made, masks and noise.
  Tensor loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                    const ConditioningMask& masks, const Tensor& noise) const;
  double progress(double t) const override { return flow_.progress(t); }

 private:
  FrameFlowConfig config_;
  RectifiedFlow flow_;
};

}  // namespace ditharos::models
