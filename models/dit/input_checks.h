#pragma once
// Internal to models/dit/.
// What the inputs of a diffusion transformer must be.
#include <ditharos/models/dit/condition.h>
#include <ditharos/models/dit/config.h>

namespace ditharos::models {

/// ShapeError, DTypeError or Error with one sentence unless DiT::forward can run with these.
void check_inputs(const DiTConfig& config, const Tensor& x, const Tensor& t, const DiTCondition& conditions);

}  // namespace ditharos::models
