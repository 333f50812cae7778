#pragma once
// Classifier-free guidance (Ho and Salimans 2022).
#include <functional>

#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

struct Guidance {
  double scale = 1;  ///< 1: none. The prediction is unconditional + scale (conditional - unconditional)
  /// How many of the predicted channels (axis 1; of clips [B, F, C, H, W] axis 2) to guide, counted from the first; 0:
  /// all that the data has. The released DiT
  /// guides 3 of 4. A learned variance is never guided.
  int64_t channels = 0;
  /// The part of the way from noise (0) to data (1) on which to guide (Kynkäänniemi et al. 2024). Outside of it the
  /// network runs on half as many samples.
  double from = 0, to = 1;

  /// ConfigError when a value is out of range.
  void validate() const;
  friend bool operator==(const Guidance&, const Guidance&) = default;
};

/// Binds conditions to a network and guides it: one batch of twice the size holds the samples with their conditions and
/// with `null_condition`. `conditions` is i64 [B, ...], or undefined for a network without any, which cannot be guided;
/// `null_condition` has the shape of one sample's: {} for labels. `progress` is Objective::progress of the process that
/// is sampled. Times are [B], or [B, F] for clips whose frames have times of their own: such a clip is as far on its
/// way as its least advanced frame.
[[nodiscard]] Denoiser guided(Network network, const Tensor& conditions, const Tensor& null_condition,
                              const Guidance& guidance, std::function<double(double)> progress);

}  // namespace ditharos::models
