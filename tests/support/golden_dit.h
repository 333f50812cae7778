#pragma once
// The small DiT of the golden files: not square, with labels and a learned variance.
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/golden.h"

namespace ditharos::tests {

inline const models::DiTConfig golden_config = {
    .height = 8, .width = 12, .channels = 3, .hidden = 16, .depth = 2, .heads = 2, .classes = 5};

/// With the parameters that PyTorch's results were computed with.
inline models::DiT golden_dit() {
  Generator rng(1);
  models::DiT model(golden_config, rng);
  nn::load_state_dict(model, Golden("dit.golden").with_prefix("state."));
  return model;
}

}  // namespace ditharos::tests
