#pragma once
// Classifier-free guidance (Ho and Salimans 2022).
#include <functional>

#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

struct Guidance {
  double scale = 1;  ///< 1: none. The prediction is unconditional + scale (conditional - unconditional)
  /// The number of predicted channels to guide, counted from the first (axis 1; axis 2 of clips [B, F, C, H, W]); 0:
  /// all channels of the data. The released DiT guides 3 of 4. A learned variance is never guided.
  int64_t channels = 0;
  /// The interval between noise (0) and data (1) in which to guide (Kynkäänniemi et al. 2024). Outside of it the
  /// network runs on half as many samples.
  double from = 0, to = 1;
  /// How far the standard deviation of each sample's guided prediction is brought back to that of its conditional one,
  /// from 0 (not) to 1 (all the way): the phi of Lin et al. 2024, section 3.4, who use .7 against overexposed images at
  /// high scales. Of the guided channels alone.
  double rescale = 0;

  /// ConfigError when a value is out of range.
  void validate() const;
  friend bool operator==(const Guidance&, const Guidance&) = default;
};

/// Binds conditions to a network and guides it: the network runs on one batch of twice the size, in which every sample
/// occurs with its condition and with `null_condition`. `conditions` is i64 [B, ...], or undefined for a network
/// without conditions, which cannot be guided. `null_condition` has the shape of one sample's condition: {} for labels.
/// `progress` is Objective::progress of the process that is sampled. Times are [B], or [B, F] for clips with a time per
/// frame; the progress of such a clip is that of its earliest frame.
[[nodiscard]] Denoiser guided(Network network, const Tensor& conditions, const Tensor& null_condition,
                              const Guidance& guidance, std::function<double(double)> progress);

}  // namespace ditharos::models
