#pragma once
// Whole training steps: forward, backward, clipping, AdamW and the moving average.
#include <string>

#include <ditharos/models/dit/config.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {

/// Operations (two to a multiply-add) of a forward pass's matrix products, attention's included, for one sample of so
/// many patches, whose frames have times of their own.
double forward_flops(const models::DiTConfig& config, const models::PatchGrid& grid);
/// The patches of a model's images.
inline models::PatchGrid image_grid(const models::DiTConfig& config) { return {1, config.rows(), config.columns()}; }

/// A step on a batch of random latents: the velocity's mean squared error, its gradient (counted as twice the forward
/// pass), clipping, AdamW and the moving average.
Case training_step(const std::string& name, models::DiTConfig config, int64_t batch);

}  // namespace ditharos::bench
