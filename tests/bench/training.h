#pragma once
// Whole training steps: forward, backward, clipping, AdamW and the moving average.
#include <string>

#include <ditharos/models/dit/config.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {

/// Operations (two to a multiply-add) of a forward pass's matrix products for one sample, attention's included.
double forward_flops(const models::DiTConfig& config);

/// A step on a batch of random latents: the velocity's mean squared error, its gradient (counted as twice the forward
/// pass), clipping, AdamW and the moving average.
Case training_step(const std::string& name, models::DiTConfig config, int64_t batch);

}  // namespace ditharos::bench
